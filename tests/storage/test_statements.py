"""Named SQL: every statement fits the schema, every one is used, every use has its statement."""

import re
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

import idnode
from idnode.storage.statements import statements

TOPICS = sorted(entry.name.removesuffix(".sql") for entry in files("idnode.storage").joinpath("sql").iterdir())
ALL = {(topic, name) for topic in TOPICS for name in statements(topic)}
LOADED = re.compile(r'(?:^(\w+) = )?statements\("(\w+)"\)(?:\["(\w+)"\])?', re.MULTILINE)


def uses() -> set[tuple[str, str]]:
    """Topic and name of every statement that the code asks for."""
    found: set[tuple[str, str]] = set()
    for path in Path(idnode.__file__).parent.rglob("*.py"):
        code = path.read_text("utf-8")
        for constant, topic, name in LOADED.findall(code):
            names = re.findall(rf'\b{constant}\["(\w+)"\]', code) if constant else [name]
            found.update((topic, each) for each in names)
    return found


async def test_every_statement_fits_the_schema(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    refused = {}
    for topic, name in sorted(ALL):
        try:
            await connection.prepare(statements(topic)[name])
        except asyncpg.PostgresError as error:
            refused[topic, name] = str(error)
    await connection.close()

    assert refused == {}
    assert ("identifiers", "find_records") in ALL


def test_every_statement_is_used_and_every_use_has_its_statement() -> None:
    used = uses()

    assert used == ALL
    assert ("changes", "ensure_change_partitions") in used


@pytest.fixture
def sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package directory with a file `sql/topic.sql` to write."""
    (tmp_path / "sql").mkdir()
    monkeypatch.setattr("idnode.storage.statements.files", lambda _: tmp_path)
    return tmp_path / "sql" / "topic.sql"


def test_a_statement_keeps_its_why_and_loses_its_semicolon(sql: Path) -> None:
    sql.write_text("-- name: one\n-- Because.\nSELECT 1;\n\n-- name: two\nSELECT ';'\nLIMIT 1;\n")

    assert statements.__wrapped__("topic") == {"one": "-- Because.\nSELECT 1", "two": "SELECT ';'\nLIMIT 1"}


def test_a_name_that_stands_twice_is_refused(sql: Path) -> None:
    sql.write_text("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")

    with pytest.raises(ValueError, match=r"sql/topic\.sql names a statement twice"):
        statements.__wrapped__("topic")
