"""`idnode register` against a played node: every row accounted for, nothing doubled, the exit code true."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from played_node import KEY, Asked, PlayedNode, Said, idnode, played_node, problem, record, template

REGISTER = "POST /v1/identifiers"
TEMPLATE = "GET /v1/templates/88.118.8/rolls-1.0"
HEADER = "identifier,width,layers,is_dyed\n"
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
WIDE = {"pointer": "/attributes/width", "item": "width", "rule": "maximum", "detail": "is 9000 cm", "limit": "1000 cm"}


def made(age: timedelta = timedelta(0), **members: object) -> Said:
    """201 for a record that was made `age` before the answer."""
    created = (NOW - age).isoformat()
    return Said(201, record("88.118.8/A", created=created, **members), {"Date": format_datetime(NOW, usegmt=True)})


def csv_file(tmp_path: Path, *rows: str) -> str:
    path = tmp_path / "rolls.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return str(path)


def register_rolls(node: PlayedNode, file: str, *options: str) -> list[str]:
    node.says(TEMPLATE, Said(200, template()))
    return ["register", file, "--template", "88.118.8", "rolls-1.0", "--prefix", "88.118.8", *options]


def registrations(node: PlayedNode) -> list[Asked]:
    return [asked for asked in node.asked if asked.target.startswith("/v1/identifiers")]


def test_rows_are_registered_with_their_template_and_key(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(REGISTER, made())
        ended = idnode(*register_rolls(node, csv_file(tmp_path, "A,150,2,TRUE")), node=node)
        sent = registrations(node)[0]

    assert ended.exit == 0
    assert ended.out == "1 registered, 0 already there, 0 refused\n"
    assert ended.error == ""
    assert sent.key == f"Bearer {KEY}"
    assert sent.document == {
        "identifier": "88.118.8/A",
        "template": {"prefix": "88.118.8", "version": "rolls-1.0"},
        "attributes": {"width": 150, "layers": 2, "is_dyed": True},
    }


def test_every_refusal_is_told_with_line_identifier_and_violations(tmp_path: Path) -> None:
    def act(asked: Asked) -> Said:
        return problem(422, "invalid-input", "width: is 9000 cm", WIDE) if b"9000" in asked.body else made()

    with played_node() as node:
        node.plays(REGISTER, act)
        ended = idnode(*register_rolls(node, csv_file(tmp_path, "A,150,2,", "B,9000,2,", "C,1")), node=node)

    assert ended.exit == 1
    assert ended.out == "1 registered, 0 already there, 2 refused\n"
    assert ended.error == (
        "line 3: 88.118.8/B: invalid-input\n"
        "  width: maximum: is 9000 cm (limit 1000 cm)\n"
        "line 4: 88.118.8/C: malformed-input\n"
        "  body: columns: has 2 fields, the header has 4 (value 2, limit 4)\n"
    )


def test_json_is_a_line_for_each_refusal_and_a_summary() -> None:
    with played_node() as node:
        node.says(
            REGISTER, made(warnings=["more than one slash"]), problem(422, "invalid-input", "width: too wide", WIDE)
        )
        ended = idnode(
            "register", "-", "--format", "ndjson", "--json", "--concurrency", "1", node=node,
            stdin=b'{"identifier":"88.118.8/A/1"}\n{"identifier":"88.118.8/B"}\n',
        )  # fmt: skip

    assert ended.exit == 1
    assert ended.lines == [
        {
            "line": 2,
            "identifier": "88.118.8/B",
            "status": 422,
            "code": "invalid-input",
            "detail": "width: too wide",
            "errors": [WIDE],
        },
        {
            "summary": {
                "registered": 1,
                "already_there": 0,
                "refused": 1,
                "not_allowed": 0,
                "with_warnings": 1,
                "rows": 2,
                "dry_run": False,
                "complete": True,
            }
        },
    ]


def test_identifiers_that_were_registered_before_are_no_refusals(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(REGISTER, problem(409, "already-registered", "88.118.8/A is registered already"))
        ended = idnode(*register_rolls(node, csv_file(tmp_path, "A,150,2,")), node=node)

    assert ended.exit == 0
    assert ended.out == "0 registered, 1 already there, 0 refused\n"


def test_an_answer_kept_from_an_earlier_run_counts_as_already_there(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(REGISTER, made(timedelta(minutes=5)))
        ended = idnode(*register_rolls(node, csv_file(tmp_path, "A,150,2,")), node=node)

    assert ended.out == "0 registered, 1 already there, 0 refused\n"


def test_the_same_file_is_sent_under_the_same_idempotency_keys(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(REGISTER, made())
        for _ in range(2):
            idnode(*register_rolls(node, csv_file(tmp_path, "A,150,2,", "B,150,2,", "B,150,2,")), node=node)
        keys = sorted(asked.idempotency_key or "" for asked in registrations(node))

    assert len(keys) == 6
    assert keys[0::2] == keys[1::2]
    assert len(set(keys)) == 3


def test_a_refusal_that_the_node_may_have_kept_is_asked_for_anew(tmp_path: Path) -> None:
    def act(asked: Asked) -> Said:
        is_kept = asked.idempotency_key is not None
        return problem(404, "not-found", "prefix 88.118.8 is not registered") if is_kept else made()

    with played_node() as node:
        node.plays(REGISTER, act)
        ended = idnode(*register_rolls(node, csv_file(tmp_path, "A,150,2,")), node=node)

    assert ended.out == "1 registered, 0 already there, 0 refused\n"


def test_a_dry_run_asks_the_node_to_check_and_keeps_no_key(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(REGISTER, Said(200, record("88.118.8/A")))
        ended = idnode(*register_rolls(node, csv_file(tmp_path, "A,150,2,"), "--dry-run"), node=node)
        sent = registrations(node)[0]

    assert ended.out == "1 would be registered, 0 already there, 0 refused\n"
    assert sent.target == "/v1/identifiers?dry_run=true"
    assert sent.idempotency_key is None


def test_a_row_is_sent_again_while_the_node_is_away(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(REGISTER, problem(503, "unavailable", "the database is away"), Said(502, b"<html>"), made())
        ended = idnode(*register_rolls(node, csv_file(tmp_path, "A,150,2,")), node=node)
        sent = registrations(node)

    assert ended.exit == 0
    assert ended.out == "1 registered, 0 already there, 0 refused\n"
    assert len({asked.idempotency_key for asked in sent}) == 1
    assert len(sent) == 3


def test_a_node_that_stays_away_ends_the_run_with_3_and_a_true_summary(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(REGISTER, made(), problem(503, "unavailable", "the database is away"))
        file = csv_file(tmp_path, "A,150,2,", "B,150,2,", "C,150,2,")
        ended = idnode(*register_rolls(node, file, "--retries", "0", "--concurrency", "1"), node=node)
        url = node.url

    assert ended.exit == 3
    assert ended.out == (
        "1 registered, 0 already there, 0 refused\n"
        "stopped before the end of the file: run it again, nothing is registered twice\n"
    )
    assert ended.error == f"idnode: {url} answers: the database is away\n"


def test_a_run_that_was_stopped_says_so_in_the_last_line_of_json() -> None:
    with played_node() as node:
        node.says(REGISTER, problem(401, "not-authenticated", "this API key is unknown"))
        ended = idnode(
            "register", "-", "--format", "ndjson", "--json", node=node, stdin=b'{"identifier":"88.118.8/A"}\n' * 50
        )

    assert ended.exit == 4
    assert len(ended.lines) == 1
    assert ended.lines[0] == {
        "summary": {
            "registered": 0,
            "already_there": 0,
            "refused": 0,
            "not_allowed": 0,
            "with_warnings": 0,
            "rows": 0,
            "dry_run": False,
            "complete": False,
            "problem": {
                "type": "urn:idnode:problem:not-authenticated",
                "title": "A title",
                "status": 401,
                "detail": "this API key is unknown",
            },
        }
    }


def test_a_key_that_reaches_no_row_ends_with_4() -> None:
    with played_node() as node:
        node.says(REGISTER, problem(403, "forbidden", "prefix 88.118.8 is outside this key's scope (88.118.9)"))
        ended = idnode("register", "-", "--format", "ndjson", node=node, stdin=b'{"identifier":"88.118.8/A"}\n')

    assert ended.exit == 4
    assert ended.error == ("line 1: 88.118.8/A: forbidden\n  prefix 88.118.8 is outside this key's scope (88.118.9)\n")


def test_a_template_that_does_not_exist_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    with played_node() as node:
        node.says(TEMPLATE, problem(404, "not-found", "there is no template"))
        ended = idnode(
            "register", csv_file(tmp_path, "A,1,1,"), "--template-prefix", "88.118.8",
            "--template-version", "rolls-1.0", node=node,
        )  # fmt: skip

    assert ended.exit == 5
    assert ended.out == ""
    assert ended.error == "idnode: there is no template\n"


def test_a_disabled_item_is_no_column(tmp_path: Path) -> None:
    path = tmp_path / "rolls.csv"
    path.write_text("identifier,lot\nA,1\n")
    with played_node() as node:
        ended = idnode(*register_rolls(node, str(path)), node=node)

    assert ended.exit == 2
    assert ended.error == "idnode: the template has no items of these columns: lot\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rows.txt"], "cannot read rows.txt: No such file or directory"),
        (["-"], "cannot tell the format by the name: give --format csv or --format ndjson"),
        (["-", "--template-prefix", "88.118"], "--template-prefix and --template-version go together"),
        (
            ["-", "--template", "88.118", "a", "--template-prefix", "88.118"],
            "give --template, or --template-prefix and --template-version, not both",
        ),
    ],
)
def test_options_that_do_not_go_together_end_with_2(arguments: list[str], message: str) -> None:
    ended = idnode("register", *arguments, stdin=b"")

    assert ended.exit == 2
    assert ended.error == f"idnode: {message}\n"
