"""docs/top-node-openapi.json is a valid document, is what the code makes, and refuses what the code refuses."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from table_samples import SAMPLES

from idnode.model.reporting import Purpose, RecordState, Report, ReportedRecord, Verdict, VerdictPage
from idnode.wire.top_node.messages import batch_json, verdict_page_json
from idnode.wire.top_node.openapi import document_json
from idnode.wire.top_node.tables import FIELDS, check_data

KEPT = Path(__file__).parents[3] / "docs" / "top-node-openapi.json"
DOCUMENT: dict[str, Any] = orjson.loads(document_json())


def faults(name: str, instance: object) -> list[str]:
    """What the schema of this name has against a document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    validator = OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(instance)]


def batch(purpose: Purpose, report: Report, data: dict[str, object]) -> object:
    record = ReportedRecord(f"88.118:{report}::1", report, "", 1, "2026-11-24T02:03:04Z", data)
    return orjson.loads(batch_json("88.118", purpose, [record], "2026-11-24T02:03:05Z"))


def test_the_kept_document_is_what_the_code_makes() -> None:
    command = "see the first lines of idnode/wire/top_node/openapi.py for how to write it again"

    assert KEPT.read_bytes() == document_json(), command


def test_it_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_field_of_every_table_is_in_it_with_its_chinese_name() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    tables = {schemas[name]["title"]: schemas[name] for name in schemas if "title" in schemas[name]}

    assert {
        report: [(name, field["title"]) for name, field in tables[report]["properties"].items()] for report in Report
    } == {report: [(field.name, field.title) for field in fields] for report, fields in FIELDS.items()}


@pytest.mark.parametrize("report", list(Report))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_right_batch_is_right_by_it(report: Report, purpose: Purpose) -> None:
    assert faults("Batch", batch(purpose, report, SAMPLES[report])) == []


@pytest.mark.parametrize("report", list(Report))
def test_data_of_the_wrong_form_is_wrong_by_it_and_by_the_code(report: Report) -> None:
    for name in SAMPLES[report]:
        for junk in (None, "", -1, True, {"x": 1}, [{"x": 1}]):
            data = SAMPLES[report] | {name: junk}

            assert check_data(report, data)
            assert faults("Batch", batch(Purpose.REPORT, report, data))


def test_a_withdrawal_needs_no_data() -> None:
    assert faults("Batch", batch(Purpose.WITHDRAW, Report.T9, {})) == []
    assert faults("Batch", batch(Purpose.CORRECT, Report.T9, {})) != []


def test_verdicts_are_right_by_it() -> None:
    verdicts = (
        Verdict("a", RecordState.SENT),
        Verdict("b", RecordState.ACCEPTED, "r-1"),
        Verdict("c", RecordState.REJECTED, None, "no"),
    )

    assert faults("VerdictPage", orjson.loads(verdict_page_json(VerdictPage(verdicts, "3")))) == []
    assert faults("Verdicts", {"verdicts": [{"id": "a", "state": "accepted", "receipt": None}]}) != []
    assert faults("Verdicts", {"verdicts": [{"id": "a", "state": "pending"}]}) != []


def test_it_claims_no_certification() -> None:
    assert re.search(r"nothing\s+here\s+is\s+certified", DOCUMENT["info"]["description"])
