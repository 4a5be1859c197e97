"""Rows of a deposit: from lines of COPY to XML and back, byte for byte, whatever they hold."""

import io

import pytest
from lxml import etree

from idnode.wire.deposit_xml import (
    DepositColumn,
    DepositHead,
    MalformedDeposit,
    RowsWriter,
    TableContent,
    read_head,
    read_rows,
    write_head,
)

COLUMNS = (DepositColumn("folded", is_bytes=False), DepositColumn("record", is_bytes=True))
HEAD = DepositHead(
    node="88.118",
    id="20261124T180000123Z",
    kind="differential",
    base="20261123T180000123Z",
    made="2026-11-24T18:00:00.123Z",
    snapshot="10:14:11,12",
    lineage="7000/00000001",
    seen_at="2026-11-24T18:00:00.100Z",
    schema=8,
    tables=(TableContent("prefix", ("folded", "shown"), 3),),
    sequences={"change_position": 77},
)


def written(*lines: bytes, table: str = "identifier") -> bytes:
    file = io.BytesIO()
    rows = RowsWriter(file, table, COLUMNS)
    for line in lines:
        rows.write(line)
    rows.close()
    return file.getvalue()


def read(document: bytes, table: str = "identifier") -> bytes:
    return b"".join(lines for _, lines in read_rows(io.BytesIO(document), table, COLUMNS))


def copied(text: str) -> bytes:
    """A field as PostgreSQL writes it."""
    for plain, written_as in (
        ("\\", "\\\\"),
        ("\n", "\\n"),
        ("\r", "\\r"),
        ("\t", "\\t"),
        ("\b", "\\b"),
        ("\f", "\\f"),
        ("\v", "\\v"),
    ):
        text = text.replace(plain, written_as)
    return text.encode()


def test_a_record_in_json_stands_as_text() -> None:
    document = written(b"88.118.8/A\t\\\\x7b226e223a22e7bc8e227d\n")

    assert document.decode() == (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<rows xmlns="urn:idnode:deposit:1" table="identifier">'
        '<row><folded>88.118.8/A</folded><record>{"n":"缎"}</record></row>\n</rows>'
    )


def test_null_is_absent_and_nothing_is_empty() -> None:
    document = written(b"\\N\t\\\\x\n", b"\t\\N\n")

    assert b"<row><record></record></row>\n<row><folded></folded></row>" in document
    assert read(document) == b"\\N\t\\\\x\n\t\\N\n"


def test_bytes_that_xml_cannot_hold_stand_in_base64() -> None:
    document = written(b"a\\bz\t\\\\x00ff\n")

    assert b'<folded encoding="base64">YQh6</folded><record encoding="base64">AP8=</record>' in document
    assert read(document) == b"a\\\x08z\t\\\\x00ff\n".replace(b"\\\x08", b"\x08")


def test_every_character_of_the_first_plane_survives_in_text_and_in_bytes() -> None:
    characters = [chr(n) for n in range(1, 0x10000) if not 0xD800 <= n <= 0xDFFF]
    texts = ["x" + "".join(characters[at : at + 64]) + "y" for at in range(0, len(characters), 64)]
    lines = b"".join(copied(text) + b"\t\\\\x" + text.encode().hex().encode() + b"\n" for text in texts)

    back = [line.split(b"\t") for line in read(written(lines)).split(b"\n")[:-1]]

    assert len(back) == 992
    assert [field.decode() for field, _ in back] == [as_read(text) for text in texts]
    assert [bytes.fromhex(field[3:].decode()).decode() for _, field in back] == texts


def as_read(text: str) -> str:
    """Lines for PostgreSQL escape what it must, and no more."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


@pytest.mark.parametrize("text", [" a", "a ", "  ", "\r\n", "]]>", "<&>", "\\N", "\\.", "a\\", "\\\\n", "𝄞"])
def test_text_with_a_meaning_elsewhere_is_text(text: str) -> None:
    assert read(written(copied(text) + b"\t\\N\n")) == as_read(text).encode() + b"\t\\N\n"


def test_a_value_that_xml_cannot_hold_leaves_its_neighbours_as_text() -> None:
    document = written(b"a%b&\t\\\\x4100\n\\N\t\\\\x5c4e\nz\t\\N\n")

    assert b'<row><folded>a%b&amp;</folded><record encoding="base64">QQA=</record></row>' in document
    assert b"<row><record>\\N</record></row>\n<row><folded>z</folded></row>" in document
    assert read(document) == b"a%b&\t\\\\x4100\n\\N\t\\\\x5c4e\nz\t\\N\n"


def test_a_line_of_another_width_is_refused() -> None:
    with pytest.raises(MalformedDeposit, match="a row has 3 columns, expected 2"):
        written(b"a\tb\tc\n")


def test_rows_come_in_lots_of_bounded_size() -> None:
    line = b"a" * 100_000 + b"\t\\N\n"

    lots = [(count, len(lines)) for count, lines in read_rows(io.BytesIO(written(line * 7)), "identifier", COLUMNS)]

    assert lots == [(3, 300_012), (3, 300_012), (1, 100_004)]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (written(b"a\t\\N\n", table="prefix"), "these are rows of table 'prefix', expected identifier"),
        (written(b"a\t\\N\n")[:-20], "no well-formed XML"),
        (written(b"a\t\\N\n").replace(b"folded", b"other"), "which the head does not name"),
        (written(b"\\b\t\\N\n").replace(b"CA==", b"CA="), "column folded holds what is no base64"),
        (written(b"\\b\t\\N\n").replace(b"CA==", b"/w=="), "column folded holds what is no text in UTF-8"),
        (written(b"a\t\\N\n").replace(b">a<", b">a<b/><"), "table identifier holds more than text: 'urn"),
        (written(b"a\t\\N\n").replace(b"</folded>", b"</folded><folded>b</folded>"), "folded' twice"),
        (written(b"a\t\\N\n").replace(b"<row>", b"<line>").replace(b"</row>", b"</line>"), "between the rows of table"),
        (written(b"a\t\\N\n").replace(b":deposit:1", b":deposit:2"), "expected 'urn:idnode:deposit:1 rows'"),
    ],
)
def test_what_is_not_as_it_was_written_is_refused(document: bytes, told: str) -> None:
    with pytest.raises(MalformedDeposit, match=told):
        read(document)


def test_an_entity_is_not_looked_up() -> None:
    document = (
        written(b"a\t\\N\n")
        .replace(b"<rows", b'<!DOCTYPE rows [<!ENTITY e SYSTEM "file:///etc/hostname">]><rows', 1)
        .replace(b">a<", b">a&e;<")
    )

    with pytest.raises(MalformedDeposit, match="have a document type; deposits have none"):
        read(document)


def test_a_head_reads_as_it_was_written() -> None:
    file = io.BytesIO()
    write_head(file, HEAD)

    assert read_head(file.getvalue()) == HEAD
    assert etree.fromstring(file.getvalue()).tag == "{urn:idnode:deposit:1}deposit"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"", "cannot be read"),
        (b"<deposit/>", "is a 'deposit', expected {urn:idnode:deposit:1}deposit"),
        (b'<deposit xmlns="urn:idnode:deposit:1"/>', "lacks 'node' in deposit"),
    ],
)
def test_what_is_no_head_is_refused(document: bytes, told: str) -> None:
    with pytest.raises(MalformedDeposit, match=told):
        read_head(document)
