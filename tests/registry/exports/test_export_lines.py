"""Records as lines of an export."""

import orjson

from idnode.registry.exports.lines import CsvLines, columns_of, ndjson_lines


def _record(**members: object) -> bytes:
    usual: dict[str, object] = {
        "identifier": "88.118.8/A",
        "prefix": "88.118.8",
        "version": 2,
        "state": "active",
        "template": {"prefix": "88.118.8", "version": "roll-1"},
        "attributes": {},
        "created": "2026-01-05T08:30:00.000Z",
        "updated": "2026-01-05T08:31:00.000Z",
        "values": [],
    }
    return orjson.dumps(usual | members)


def test_ndjson_has_records_as_they_stand() -> None:
    assert ndjson_lines([b'{"a":1}', b'{"b":2}']) == b'{"a":1}\n{"b":2}\n'


def test_a_table_has_the_attributes_of_the_first_records_and_the_rest_as_json() -> None:
    first = [_record(attributes={"colour": "深蓝", "length": 12.5, "passed": True, "parts": [1, {"a": None}]})]
    columns = columns_of(first)

    table = CsvLines(columns)
    made = table.header() + table.lines([*first, _record(attributes={"colour": "red", "weft": 3}, template=None)])

    assert made.decode("utf-8") == (
        "\ufeffidentifier,template,state,version,created,updated,colour,length,passed,parts,attributes\r\n"
        "88.118.8/A,88.118.8:roll-1,active,2,2026-01-05T08:30:00.000Z,2026-01-05T08:31:00.000Z,"
        '深蓝,12.5,true,"[1,{""a"":null}]",\r\n'
        '88.118.8/A,,active,2,2026-01-05T08:30:00.000Z,2026-01-05T08:31:00.000Z,red,,,,"{""weft"":3}"\r\n'
    )


def test_an_attribute_that_is_called_like_a_column_of_every_record_is_not_lost() -> None:
    record = _record(attributes={"state": "solid", "values": 1, "attributes": "x"})
    columns = columns_of([record])

    assert columns == ("identifier", "template", "state", "version", "created", "updated", "attributes")
    assert CsvLines(("state", "attributes.state", "attributes")).lines([record]).decode() == (
        'active,solid,"{""values"":1,""attributes"":""x""}"\r\n'
    )


def test_cells_that_a_spreadsheet_would_run_are_defused() -> None:
    record = _record(attributes={"a": "=1+1", "b": "-5", "c": "'=x", "d": "@x"})

    assert CsvLines(("a", "b", "c", "d")).lines([record]) == b"'=1+1,-5,''=x,'@x\r\n"


def test_values_are_a_column_for_whoever_names_it() -> None:
    record = _record(values=[{"index": 1}])

    assert CsvLines(("identifier", "values")).lines([record]) == b'88.118.8/A,"[{""index"":1}]"\r\n'
