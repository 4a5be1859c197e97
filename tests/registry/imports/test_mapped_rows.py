"""A mapping says which column is what."""

from dataclasses import replace
from pathlib import Path

import pytest
from uploads import CSV, rows_of, told

from idnode.model.errors import InvalidInput
from idnode.model.identifier import Prefix
from idnode.model.imports import ReadingOptions
from idnode.model.template import TemplateName
from idnode.registry.imports.formats.mapping import mapping_of
from idnode.registry.imports.reading import template_of

MAPPING = {
    "identifier": {"prefix": "88.118.8", "column": "卷号"},
    "template": {"prefix": "88.118.8", "version": "roll-1"},
    "attributes": {"length": "米数", "colour": 3},
    "values": [{"index": 1, "type": "URL", "column": "网址"}],
    "op": {"column": "操作"},
}
HEADER = "卷号,米数,色,网址,操作,备注\n"


def test_columns_go_where_the_mapping_sends_them(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, HEADER + "R1,12.5,深蓝,https://example.com/r1,replace,nobody asks\n", _mapped())

    assert row.document == {
        "op": "replace",
        "identifier": "88.118.8/R1",
        "template": {"prefix": "88.118.8", "version": "roll-1"},
        "attributes": {"length": 12.5, "colour": "深蓝"},
        "values": [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/r1"}}],
    }


def test_an_identifier_that_has_a_prefix_keeps_it(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, HEADER + "88.118.9/R1,,,,,\n", _mapped())

    assert row.document is not None
    assert row.document["identifier"] == "88.118.9/R1"


def test_a_deletion_says_nothing_of_content_and_a_patch_nothing_of_a_template(tmp_path: Path) -> None:
    deletion, patch = rows_of(tmp_path, HEADER + "R1,12.5,,,delete,\nR2,13,,,PATCH,\n", _mapped())

    assert deletion.document == {"op": "delete", "identifier": "88.118.8/R1"}
    assert patch.document == {
        "op": "patch",
        "identifier": "88.118.8/R2",
        "attributes": {"length": 13},
        "values": [],
    }


def test_an_empty_identifier_is_told_beside_the_other_faults(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, HEADER + ",long,red,,,\n", _mapped())

    assert told(row) == [("/identifier", "required"), ("/attributes/length", "number")]


def test_without_a_header_columns_have_numbers(tmp_path: Path) -> None:
    mapping = {"identifier": 1, "attributes": {"colour": 2}}

    rows = rows_of(tmp_path, "88.118.8/A,red\n88.118.8/B,blue\n", replace(CSV, mapping=mapping, has_header=False))

    assert [(row.row, row.document) for row in rows] == [
        (1, {"identifier": "88.118.8/A", "attributes": {"colour": "red"}}),
        (2, {"identifier": "88.118.8/B", "attributes": {"colour": "blue"}}),
    ]


def test_the_template_of_the_mapping_goes_before_that_of_the_import() -> None:
    named = TemplateName(Prefix.parse("88.118"), "textiles-1.0")

    assert template_of(_mapped()) == TemplateName(Prefix.parse("88.118.8"), "roll-1")
    assert template_of(replace(CSV, template=named)) == named
    assert template_of(CSV) is None


def test_columns_that_are_not_there_are_all_told_at_once(tmp_path: Path) -> None:
    mapping = {"identifier": "卷", "attributes": {"colour": 9}, "op": {"column": "做"}}

    with pytest.raises(InvalidInput) as caught:
        rows_of(tmp_path, HEADER, replace(CSV, mapping=mapping))

    assert [violation.pointer for violation in caught.value.violations] == [
        "/mapping/identifier",
        "/mapping/op/column",
        "/mapping/attributes/colour",
    ]


def test_a_mapping_of_another_form_is_refused_with_every_fault() -> None:
    wrong = {
        "attributes": {"colour": True},
        "values": [{"index": 0, "type": "URL", "column": "x"}],
        "op": "upsert",
        "template": {"prefix": "88/118"},
        "colour": "x",
    }

    with pytest.raises(InvalidInput) as caught:
        mapping_of(wrong)

    assert sorted((violation.pointer, violation.rule) for violation in caught.value.violations) == [
        ("/attributes/colour", "integer"),
        ("/colour", "known-member"),
        ("/identifier", "required"),
        ("/op", "one-of"),
        ("/template/prefix", "prefix"),
        ("/template/version", "required"),
        ("/values/0/index", "range"),
    ]


def _mapped() -> ReadingOptions:
    return replace(CSV, mapping=MAPPING)
