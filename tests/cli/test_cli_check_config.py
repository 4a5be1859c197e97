"""`idnode check-config`: every setting, no secret, every mistake at once."""

from pathlib import Path

import pytest
from played_node import idnode

from idnode.cli.check_config import shown_database_url
from idnode.config import describe_settings


def values(document: object) -> dict[str, str]:
    assert isinstance(document, dict)
    return {setting["variable"]: setting["value"] for setting in document["settings"]}


def test_every_setting_is_shown_with_value_variable_and_meaning() -> None:
    ended = idnode("check-config", variables={"IDNODE_HTTP_PORT": "8123"})

    assert ended.exit == 0
    for variable, _, meaning in describe_settings():
        assert variable in ended.out
        assert meaning in ended.out
    assert "8123" in ended.out


def test_json_holds_the_file_and_the_variables_that_win_over_it(tmp_path: Path) -> None:
    path = tmp_path / "idnode.toml"
    path.write_text('http_port = 8200\nlog_level = "debug"\n')
    shown = values(
        idnode("check-config", "--config", str(path), "--json", variables={"IDNODE_HTTP_PORT": "8201"}).document
    )

    assert shown["IDNODE_HTTP_PORT"] == "8201"
    assert shown["IDNODE_LOG_LEVEL"] == "debug"
    assert shown["IDNODE_DATABASE_URL"] == ""


def test_all_mistakes_are_told_at_once_without_the_secret() -> None:
    ended = idnode(
        "check-config",
        variables={"IDNODE_HTTP_PORT": "0", "IDNODE_COLOUR": "red", "IDNODE_DATABASE_URL": "postgresql://u:hush@h/d"},
    )

    assert ended.exit == 2
    assert ended.out == ""
    assert ended.error.splitlines() == [
        "idnode: 2 settings are wrong",
        "  IDNODE_HTTP_PORT: greater-than-equal: Input should be greater than or equal to 1 (value 0)",
        "  IDNODE_COLOUR: unknown-setting: there is no such setting",
    ]


def test_mistakes_in_json_are_a_problem_document(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    ended = idnode("check-config", "--config", str(missing), "--json")
    assert isinstance(ended.document, dict)
    problem = ended.document["problem"]

    assert ended.exit == 2
    assert problem["type"] == "urn:idnode:problem:invalid-settings"
    assert [(error["pointer"], error["rule"]) for error in problem["errors"]] == [("IDNODE_CONFIG", "file")]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://node:hush@db:5432/idnode", "postgresql://node:(secret)@db:5432/idnode"),
        ("postgres://node@db/idnode?sslmode=require&password=hush", "postgres://node@db/idnode?sslmode=require"),
        ("postgresql:///idnode?host=/run/postgresql&passfile=/x", "postgresql:///idnode?host=/run/postgresql"),
        ("postgresql://node:h@sh@db/idnode", "postgresql://node:(secret)@db/idnode"),
        ("postgresql://node:hush@[db/idnode", "(secret)"),
        ("host=db password=hush", "(secret)"),
    ],
)
def test_a_database_url_is_shown_without_what_may_be_a_secret(url: str, shown: str) -> None:
    assert shown_database_url(url) == shown
