"""The documents say what is so: their requests are sent, their lists compared with the code, their links followed."""

import re
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from aiohttp import ClientResponse
from harness import NodeUnderTest
from process import free_port
from prometheus_client.registry import Collector

from idnode.frontends.ops.importing import ImportingCollector
from idnode.frontends.ops.probing import ProbingCollector
from idnode.frontends.ops.syncing import LedgerFigures, SyncingCollector
from idnode.frontends.problems import KINDS
from idnode.frontends.refusals import InternalFault
from idnode.lifecycle import new_id, now
from idnode.registry.imports.metrics import ImportCounters
from idnode.serving import SupervisorCollector
from idnode.storage.database import Database, StorageFault
from idnode.storage.monitoring import HostedIdentifier, ProbeRound, ProbeStore, Site
from idnode.storage.monitoring_events import EventStore
from idnode.storage.reconciliation import ReconciliationStore
from idnode.storage.sync_records import SyncRecords
from idnode.sync.metrics import RelayCounters
from idnode.sync.monitoring.events import EventReporter
from idnode.sync.monitoring.judging import Probed
from idnode.sync.monitoring.monitor import Monitor
from idnode.workers.port import Port
from idnode.workers.supervisor import supervising

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^()\s]+)\)")
MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:work|root|home|Users)/\w")
OPTIONS_WITH_VALUE = {"-H": "headers", "-d": "body", "-X": "method"}


def read(path: str) -> str:
    """A document of the repository."""
    return (ROOT / path).read_text("utf-8")


def documents() -> list[Path]:
    """Every Markdown file that is the project's own."""
    return [path for path in committed() if path.suffix == ".md"]


def committed() -> list[Path]:
    """Every file that git has or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603  # fixed words
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for path in sorted(ROOT / name for name in found.stdout.split("\0") if name) if path.is_file()]


class Reader:
    """Follows a document as its reader would: sends each curl command to a node and compares the answer below it."""

    def __init__(self, node: NodeUnderTest) -> None:
        self._node = node
        self._variables = {"KEY": node.admin_key, "AUTH": f"Authorization: Bearer {node.admin_key}"}
        self._variables |= {"JSON": "Content-Type: application/json", "NODE": "http://127.0.0.1:8000"}
        self._last: ClientResponse | None = None
        self.sent = 0

    async def follow(self, text: str) -> None:
        """Every block in order; a block of another kind than sh is the answer to the command before it."""
        for language, content in BLOCK.findall(text):
            if language == "sh":
                for command in commands(content):
                    await self._run(command)
            elif self._last is not None:
                await self._compare(content)

    async def _run(self, command: str) -> None:
        assignment = re.match(r"(\w+)=(.*)$", command)
        if assignment is None:
            await self._send(shlex.split(command, comments=True))
        elif assignment[1] not in self._variables:
            assert self._last is not None, f"{command} comes before any answer"
            self._variables[assignment[1]] = (await self._last.json())["id"]

    async def _send(self, words: list[str]) -> None:
        if words[0] != "curl":
            return
        given: dict[str, list[str]] = {"headers": [], "body": [], "method": []}
        targets = []
        rest = iter([self._filled(word) for word in words[1:]])
        for word in rest:
            if word in OPTIONS_WITH_VALUE:
                given[OPTIONS_WITH_VALUE[word]].append(next(rest))
            elif word not in ("-s", "-si"):
                targets.append(word)
        body = given["body"][0] if given["body"] else None
        self._last = await self._node.client.request(
            given["method"][0] if given["method"] else "GET" if body is None else "POST",
            target_of(targets[0]),
            data=None if body is None else body.encode(),
            headers=dict(header.split(": ", 1) for header in given["headers"]),
        )
        await self._last.read()
        self.sent += 1

    def _filled(self, word: str) -> str:
        return re.sub(r"\$(\w+)", lambda match: self._variables[match[1]], word)

    async def _compare(self, expected: str) -> None:
        assert self._last is not None
        head, body = "", expected
        if expected.startswith("HTTP/"):
            head, _, body = expected.partition("\n\n")
        status, *headers = head.splitlines() or [f"HTTP/1.1 {self._last.status}"]
        assert self._last.status == int(status.split()[1])
        for header in headers:
            name, value = header.split(": ", 1)
            assert_shows(value, self._last.headers[name])
        assert_shows(re.sub(r"\n *", "", body), await self._last.text())


def commands(block: str) -> list[str]:
    """The commands of a shell block: a line that ends inside quotes goes on in the next one."""
    found: list[str] = []
    pending = ""
    for line in block.splitlines():
        pending += line
        try:
            shlex.split(pending, comments=True)
        except ValueError:
            pending += " "
            continue
        found.append(pending.strip())
        pending = ""
    return [command for command in found if command and not command.startswith("#")]


def target_of(url: str) -> str:
    """Path and query; curl takes URLs without a scheme, too."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def assert_shows(expected: str, actual: str) -> None:
    """`expected` is `actual` with parts left out, each where an ellipsis stands."""
    pattern = ".*?".join(re.escape(part) for part in expected.split("…"))
    assert re.fullmatch(pattern, actual, re.DOTALL), f"\n{actual}\nis not what the document shows:\n{expected}"


def headings(text: str) -> list[tuple[int, str]]:
    """Level and text of the headings outside of code."""
    return [(len(marks), title) for marks, title in HEADING.findall(FENCED.sub("", text))]


def anchors(text: str) -> set[str]:
    """The fragment of every heading, as GitHub makes it."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in headings(text)}


def links(document: Path) -> Iterator[tuple[Path, str]]:
    """Target and fragment of every link that stays in the repository."""
    for target in LINK.findall(FENCED.sub("", document.read_text("utf-8"))):
        parts = urlsplit(target)
        if not parts.scheme:
            path = document.parent / unquote(parts.path) if parts.path else document
            yield path.resolve(), parts.fragment


def metrics_of(*collectors: Collector) -> set[str]:
    """Names of metrics as they are exported."""
    families = [family for collector in collectors for family in collector.collect()]
    return {f"{family.name}_total" if family.type == "counter" else family.name for family in families}


def syncing(database: Database) -> SyncingCollector:
    """What a relay counts that has made a deposit."""

    async def deposited() -> datetime:
        return now()

    figures = LedgerFigures(SyncRecords(database), ReconciliationStore(database), deposited)
    figures.deposit = now()
    return SyncingCollector(RelayCounters(), figures, now=now)


def probing(database: Database) -> ProbingCollector:
    """What a monitor counts after a round."""

    class NobodyThere:
        async def probe(self, sites: Sequence[Site], hosted: HostedIdentifier | None) -> Sequence[Probed]:  # noqa: ARG002
            return ()

    events = EventStore(database)
    reporter = EventReporter(events, SyncRecords(database))
    probes, seldom = ProbeStore(database), 3_600
    monitor = Monitor(
        NobodyThere(), probes, events, reporter, every_seconds=seldom, is_ours=lambda: True, now=now, new_id=new_id
    )
    monitor.counters.last_round = ProbeRound(now(), seldom, 1, 1, 1, is_resolution_up=True, is_registration_up=True)
    return ProbingCollector(monitor)


async def test_the_readme_shows_what_a_node_with_demo_data_answers(node: NodeUnderTest) -> None:
    await node.node.first_run.seed(today=now().date(), products_each=1)
    reader = Reader(node)

    await reader.follow(read("README.md"))

    assert reader.sent == 3


async def test_the_api_guide_shows_what_a_node_answers(node: NodeUnderTest) -> None:
    reader = Reader(node)

    await reader.follow(read("docs/api.md"))

    assert reader.sent >= 20


def test_both_readmes_have_the_same_sections_and_the_same_code() -> None:
    english, chinese = read("README.md"), read("README.zh.md")

    assert [level for level, _ in headings(english)] == [level for level, _ in headings(chinese)]
    assert BLOCK.findall(english) == BLOCK.findall(chinese)
    assert LINK.findall(english)[1:] == LINK.findall(chinese)[1:]


def test_the_api_guide_lists_every_problem_type_with_its_status() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", read("docs/api.md"), re.MULTILINE)

    kinds = [(error.code, str(kind.status)) for error, kind in KINDS.items()]
    assert sorted(listed) == sorted([*kinds, (InternalFault.code, "500"), (StorageFault.code, "500")])


async def test_the_operations_guide_lists_every_metric_of_the_node(node: NodeUnderTest, database: Database) -> None:
    listed = re.findall(r"^\| `(idnode_\w+)` \|", read("docs/operations.md"), re.MULTILINE)

    response = await node.call("GET", "/metrics", key=None)
    workers = set(re.findall(r"^# TYPE (idnode_\w+) ", await response.text(), re.MULTILINE))
    with Port.take("127.0.0.1", free_port()) as port:
        async with supervising(port, own=lambda _: (), monotonic=time.monotonic) as supervisor:
            others = metrics_of(
                SupervisorCollector(supervisor),
                syncing(database),
                probing(database),
                ImportingCollector(ImportCounters()),
            )
    assert sorted(listed) == sorted(workers | others)


def test_the_alert_rules_ask_for_metrics_that_there_are() -> None:
    listed = set(re.findall(r"^\| `(idnode_\w+)` \|", read("docs/operations.md"), re.MULTILINE))

    asked = set(re.findall(r"\bidnode_\w+", read("deploy/alerts.yml")))
    assert asked
    assert asked - listed == set()


async def test_the_docs_page_needs_nothing_from_elsewhere_and_its_links_lead_somewhere(node: NodeUnderTest) -> None:
    page = await (await node.call("GET", "/v1/docs", key=None)).text()

    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets - set(re.findall(r'id="([^"]+)"', page)) == set()
    assert set(re.findall(r'href="([^#"][^"]*)"', page)) == {"/v1/openapi.json"}
    assert re.findall(r"<script|src=|@import|url\(|javascript:", page) == []
    assert {route.name for route in node.node.routes} <= set(re.findall(r'id="([^"]+)"', page))


def test_the_architecture_names_every_module() -> None:
    named = set(re.findall(r"^\| `([\w/]+)` \|", read("ARCHITECTURE.md"), re.MULTILINE))

    package = ROOT / "idnode"
    modules = {path.relative_to(package).with_suffix("").as_posix() for path in package.rglob("*.py")}
    # Packages are not modules, and the commands are described as a whole.
    wanted = {name for name in modules if not name.endswith("__init__") and not name.startswith("cli/")}
    assert sorted(wanted - named) == []
    assert sorted(named - wanted) == []


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{document.relative_to(ROOT)}: {target}#{fragment}"
        for document in documents()
        for target, fragment in links(document)
        if not target.exists() or (fragment and fragment not in anchors(target.read_text("utf-8")))
    ]

    assert broken == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in committed()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]

    assert found == []
