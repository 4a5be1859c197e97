"""Named SQL: every statement of the node stands in `sql/*.sql` under a `-- name:` line."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements(topic: str) -> dict[str, str]:
    """The statements of `sql/<topic>.sql` by name. A name that stands twice is an error of ours."""
    text = files("idnode.storage").joinpath(f"sql/{topic}.sql").read_text("utf-8")
    parts = _NAME.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"sql/{topic}.sql names a statement twice")
    return {name: body.strip().rstrip(";") for name, body in zip(names, bodies, strict=True)}
