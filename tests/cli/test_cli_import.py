"""`idnode import`, `imports` and `export` against a played node."""

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from played_node import KEY, PlayedNode, Said, idnode, played_node, problem

from idnode.cli import import_file

ID = "01a20ea4-28b1-7e7e-adbc-721d97106f2b"
SUBMIT, ONE, REJECTED = "POST /v1/imports", f"GET /v1/imports/{ID}", f"GET /v1/imports/{ID}/rejected"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_file, "LOOK_SECONDS", 0.0)


def job(state: str, *, registered: int = 0, refused: int = 0, **members: object) -> dict[str, object]:
    rows = {"registered": registered, "replaced": 0, "patched": 0, "deleted": 0, "refused": refused}
    usual: dict[str, object] = {
        "id": ID, "name": "rolls.csv", "state": state, "format": "csv", "mode": "register", "dry_run": False,
        "owner": "01a20ea0-d874-7fbb-9ab9-073c25154d53", "sha256": "d7" * 32,
        "rows": {"total": None, "done": registered + refused, **rows}, "bytes": {"file": 9, "total": None, "done": 0},
        "rows_per_second": None, "seconds_left": None, "created": "2026-01-15T09:30:00Z",
        "updated": "2026-01-15T09:30:00Z", "started": None, "ended": None, "failure": None, "version": 1,
    }  # fmt: skip
    return usual | members


def rolls(directory: Path) -> str:
    path = directory / "rolls.csv"
    path.write_text("卷号\nR1\n")
    return str(path)


def parameters(node: PlayedNode) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(node.asked[0].target).query))


def test_a_file_is_sent_with_its_name_and_followed_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "mapping.json").write_text('{"identifier":"卷号"}')
    with played_node() as node:
        node.says(SUBMIT, Said(202, job("waiting")))
        away = problem(503, "unavailable", "the node is draining")
        node.says(ONE, Said(200, job("running")), away, Said(200, job("done", registered=1)))

        ended = idnode(
            "import", rolls(tmp_path), "--mapping", str(tmp_path / "mapping.json"), "--template", "88.118.8:r1",
            "--prefix", "88.118.8", "--mode", "upsert", "--dry-run", "--again", "--no-header", node=node,
        )  # fmt: skip

    assert (ended.exit, ended.out, ended.error) == (0, "1 registered, 0 refused of 1 rows\n", "")
    assert node.asked[0].body.decode() == "卷号\nR1\n"
    assert node.asked[0].key == f"Bearer {KEY}"
    assert parameters(node) == {
        "name": "rolls.csv", "mapping": '{"identifier":"卷号"}', "template": "88.118.8:r1", "prefix": "88.118.8",
        "mode": "upsert", "dry_run": "true", "again": "true", "header": "false",
    }  # fmt: skip
    assert len(node.asked) == 4


def test_refused_rows_end_with_1_and_go_into_a_file(tmp_path: Path) -> None:
    target = tmp_path / "rejected.csv"
    with played_node() as node:
        node.says(SUBMIT, Said(202, job("waiting")))
        node.says(ONE, Said(200, job("done", registered=2, refused=1)))
        node.says(REJECTED, Said(200, "卷号,原因/reason\r\n".encode()))

        ended = idnode("import", rolls(tmp_path), "--rejected", str(target), node=node)
        untold = idnode("import", "--follow", ID, node=node)

    assert (ended.exit, ended.out) == (1, "2 registered, 1 refused of 3 rows\n")
    assert target.read_text() == "卷号,原因/reason\n"
    assert "mend them and import that file" in ended.error
    assert list(tmp_path.glob("*.part")) == []
    assert f"idnode import --follow {ID} --rejected FILE" in untold.error


def test_an_import_that_failed_ends_with_1_and_says_why_and_what_stands(tmp_path: Path) -> None:
    note = "1000 rows were committed before and stand"
    failed = job("failed", registered=1000, failure="the gzip data are damaged near byte 77", note=note)
    with played_node() as node:
        node.says(SUBMIT, Said(202, job("waiting")))
        node.says(ONE, Said(200, failed))

        ended = idnode("import", rolls(tmp_path), node=node)
        as_json = idnode("import", "--follow", ID, "--json", node=node)

    assert ended.exit == 1
    assert ended.error == f"idnode: the import failed: the gzip data are damaged near byte 77\n  {note}\n"
    assert (as_json.exit, as_json.document) == (1, failed)


def test_without_waiting_the_id_is_all_there_is_to_say(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(SUBMIT, Said(202, job("waiting", warning="this host runs no import processes")))

        ended = idnode("import", rolls(tmp_path), "--no-wait", node=node)

    assert ended.exit == 0
    assert ended.out == f"import {ID} was accepted: follow it with `idnode import --follow {ID}`\n"
    assert ended.error == "  this host runs no import processes\n"


def test_a_file_that_was_imported_before_is_refused(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(SUBMIT, problem(409, "already-imported", f"this file was imported before, as {ID}"))

        ended = idnode("import", rolls(tmp_path), node=node)

    assert (ended.exit, ended.out) == (1, "")
    assert ended.error == f"idnode: this file was imported before, as {ID}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a FILE, or --follow"),
        (("rolls.csv", "--follow", ID), "give a FILE, or --follow"),
        (("-",), "standard input has no name: give --format"),
        (("rolls.csv", "--rejected", "x", "--no-wait"), "it needs --wait"),
        (("/nowhere/rolls.csv",), "cannot read /nowhere/rolls.csv: No such file or directory"),
        (("rolls.csv", "--mapping", "/nowhere/mapping.json"), "cannot read /nowhere/mapping.json"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_sent(arguments: tuple[str, ...], message: str) -> None:
    with played_node() as node:
        ended = idnode("import", *arguments, node=node)

    assert ended.exit == 2
    assert message in ended.error
    assert node.asked == []


def test_imports_are_listed_the_newest_first() -> None:
    running = job("running", registered=12_000, refused=3, rows_per_second=40_120.0, seconds_left=12.4)
    with played_node() as node:
        node.says("GET /v1/imports", Said(200, {"items": [running], "next": None}))

        ended = idnode("imports", node=node)

    assert ended.exit == 0
    assert ID in ended.out
    assert "12,003 rows, 3 refused, 40,120 rows/s, 12 s left" in ended.out


def test_an_export_goes_into_a_file_that_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "export.csv"
    with played_node() as node:
        node.says(
            "GET /v1/exports", Said(200, b"identifier\r\n"), problem(503, "unavailable", "2 exports are under way")
        )

        ended = idnode(
            "export", "88.118.8", "--format", "csv", "-o", str(target), "--state", "active", "--columns", "identifier",
            node=node,
        )  # fmt: skip
        refused = idnode("export", "88.118.8", "-o", str(tmp_path / "other"), node=node)

    assert (ended.exit, ended.error) == (0, f"12 bytes in {target}\n")
    assert target.read_bytes() == b"identifier\r\n"
    assert parameters(node) == {
        "prefix": "88.118.8", "format": "csv", "state": "active", "columns": "identifier",
    }  # fmt: skip
    assert refused.exit == 3
    assert not (tmp_path / "other").exists()


def test_an_export_without_a_file_is_standard_output() -> None:
    with played_node() as node:
        node.says("GET /v1/exports", Said(200, b'{"identifier":"88.118.8/A"}\n'))

        ended = idnode("export", "88.118.8", node=node)

    assert (ended.exit, ended.out) == (0, '{"identifier":"88.118.8/A"}\n')
