"""docs/snms.md shows what a node answers."""

import re
from pathlib import Path

from snms import SnmsNode, serve_snms
from test_documents import Reader, read

from idnode.storage.database import Database

SECTIONS = ("Tokens", "Templates", "Identifiers")


class SnmsReader(Reader):
    """A reader who has put the token that they got into TOKEN."""

    def __init__(self, served: SnmsNode) -> None:
        super().__init__(served.node)
        self._variables["TOKEN"] = f"Authorization: Bearer {served.token}"


async def test_the_guide_shows_what_a_node_answers(tmp_path: Path, database: Database, dsn: str) -> None:
    guide = read("docs/snms.md")
    texts = [re.split(r"^## ", guide.split(f"\n## {title}\n", 1)[1], flags=re.MULTILINE)[0] for title in SECTIONS]
    async for served in serve_snms(tmp_path, database, dsn):
        reader = SnmsReader(served)

        await reader.follow("".join(texts))

        assert reader.sent == 8
