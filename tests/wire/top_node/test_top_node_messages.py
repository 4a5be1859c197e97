"""Batches, verdicts and digests as JSON: written and read back, and every fault of what is read is told."""

from datetime import date
from types import MappingProxyType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_samples import SAMPLES

from idnode.model.errors import InvalidInput
from idnode.model.reporting import Digest, Purpose, RecordState, Report, ReportedRecord, Verdict, VerdictPage
from idnode.wire.top_node.digests import data_sha256, digest_of
from idnode.wire.top_node.messages import (
    Batch,
    batch_json,
    digests_json,
    lines_json,
    read_batch,
    read_digests,
    read_lines,
    read_verdict_page,
    read_verdicts,
    verdict_page_json,
    verdicts_json,
)
from idnode.wire.top_node.problems import Problem, problem_json, read_problem

RECORD = ReportedRecord(
    id="88.118:T9:88.118.8/roll-1:3",
    report=Report.T9,
    subject="88.118.8/roll-1",
    version=3,
    occurred="2026-11-24T02:03:04Z",
    data={"identifier": "88.118.8/ROLL-1", "created": "2026-11-24", "operation": 3},
)
SHA256 = "0123456789abcdef" * 4
TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=10)
VERDICTS = st.one_of(
    st.builds(Verdict, TEXTS, st.just(RecordState.SENT)),
    st.builds(Verdict, TEXTS, st.just(RecordState.ACCEPTED), receipt=TEXTS),
    st.builds(Verdict, TEXTS, st.just(RecordState.REJECTED), reason=TEXTS),
)


def faults(body: bytes | str | dict[str, object]) -> list[tuple[str, str]]:
    """Where and by which rule a batch is refused."""
    raw = orjson.dumps(body) if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    with pytest.raises(InvalidInput) as refused:
        read_batch(raw)
    return [(each.pointer, each.rule) for each in refused.value.violations]


def batch(**record: object) -> dict[str, object]:
    """A batch of one record, right but for the given members; those of `...` are left out."""
    members: dict[str, object] = {
        "id": "88.118:T9:x:1",
        "report": "T9",
        "subject": "x",
        "version": 1,
        "occurred": "2026-11-24T02:03:04Z",
        "data": {},
    }
    members = {name: value for name, value in (members | record).items() if value is not ...}
    return {"node": "88.118", "purpose": "report", "sent_at": "2026-11-24T02:03:05Z", "records": [members]}


def test_a_batch_is_this_json() -> None:
    assert batch_json("88.118", Purpose.REPORT, [RECORD], "2026-11-24T02:03:05Z") == (
        b'{"node":"88.118","purpose":"report","sent_at":"2026-11-24T02:03:05Z","records":['
        b'{"id":"88.118:T9:88.118.8/roll-1:3","report":"T9","subject":"88.118.8/roll-1","version":3,'
        b'"occurred":"2026-11-24T02:03:04Z",'
        b'"data":{"identifier":"88.118.8/ROLL-1","created":"2026-11-24","operation":3}}]}'
    )


@pytest.mark.parametrize("report", list(Report))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_batch_comes_back_as_it_was(report: Report, purpose: Purpose) -> None:
    records = (ReportedRecord(f"88.118:{report}::7", report, "", 7, "2026-11-24T02:03:04Z", SAMPLES[report]),)

    read = read_batch(batch_json("88.118", purpose, records, "2026-11-24T02:03:05Z"))

    assert read == Batch("88.118", purpose, "2026-11-24T02:03:05Z", records)


def test_data_may_be_any_mapping() -> None:
    records = [ReportedRecord("i", Report.T9, "s", 1, "t", MappingProxyType({"brand": MappingProxyType({"a": 1})}))]

    assert read_batch(batch_json("88.118", Purpose.REPORT, records, "t")).records[0].data == {"brand": {"a": 1}}


def test_data_that_is_no_json_is_refused() -> None:
    records = [ReportedRecord("i", Report.T9, "s", 1, "t", {"brand": object()})]

    with pytest.raises(InvalidInput, match="does not go into JSON"):
        batch_json("88.118", Purpose.REPORT, records, "t")


def test_the_largest_version_is_read() -> None:
    assert read_batch(orjson.dumps(batch(version=2**53 - 1))).records[0].version == 9_007_199_254_740_991


def test_long_subjects_in_chinese_are_read_too() -> None:
    subject = "品" * 170

    assert read_batch(orjson.dumps(batch(subject=subject))).records[0].subject == subject


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", [("", "json")]),
        ("[]", [("", "object")]),
        ("{}", [("/node", "required"), ("/purpose", "required"), ("/sent_at", "required"), ("/records", "required")]),
        (batch(id=""), [("/records/0/id", "not-empty")]),
        (batch(id="a" * 769), [("/records/0/id", "max-bytes")]),
        (batch(id="a\n"), [("/records/0/id", "printable")]),
        (batch(report="T12"), [("/records/0/report", "one-of")]),
        (batch(report=["T9"]), [("/records/0/report", "one-of")]),
        (batch(subject="品" * 171), [("/records/0/subject", "max-bytes")]),
        (batch(subject=None), [("/records/0/subject", "string")]),
        (batch(version=True), [("/records/0/version", "integer")]),
        (batch(version=-1), [("/records/0/version", "range")]),
        (batch(version=2**53), [("/records/0/version", "range")]),
        (batch(occurred=...), [("/records/0/occurred", "required")]),
        (batch(data=[]), [("/records/0/data", "object")]),
        (batch(data=...), [("/records/0/data", "required")]),
        (batch(extra=1), [("/records/0/extra", "known-member")]),
        (batch(id=1, version="1"), [("/records/0/id", "string"), ("/records/0/version", "integer")]),
        (batch() | {"records": [1]}, [("/records/0", "object")]),
        (batch() | {"records": "all"}, [("/records", "array")]),
        (batch() | {"records": [{}] * 5_001}, [("/records", "max-items")]),
        (batch() | {"purpose": "tell"}, [("/purpose", "one-of")]),
        (batch() | {"more": 1}, [("/more", "known-member")]),
    ],
)
def test_what_is_wrong_with_a_batch_is_told(body: str | dict[str, object], expected: list[tuple[str, str]]) -> None:
    assert faults(body) == expected


def test_a_batch_has_records_of_one_report() -> None:
    records = [RECORD, ReportedRecord("i", Report.T8, "s", 1, "t", {})]

    assert faults(batch_json("88.118", Purpose.REPORT, records, "t")) == [("/records", "one-report")]


@given(st.lists(VERDICTS, max_size=5), TEXTS)
def test_verdicts_come_back_as_they_were(verdicts: list[Verdict], cursor: str) -> None:
    page = VerdictPage(tuple(verdicts), cursor)

    assert read_verdicts(verdicts_json(verdicts)) == tuple(verdicts)
    assert read_verdict_page(verdict_page_json(page)) == page


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ('"id":"a","state":"sent"', Verdict("a", RecordState.SENT)),
        ('"id":"a","state":"accepted","receipt":"r"', Verdict("a", RecordState.ACCEPTED, "r")),
        (
            '"id":"a","state":"rejected","receipt":null,"reason":"two\\u00a0words"',
            Verdict("a", RecordState.REJECTED, None, "two\u00a0words"),
        ),
        (f'"id":"a","state":"rejected","reason":"{"w" * 2000}"', Verdict("a", RecordState.REJECTED, None, "w" * 1000)),
    ],
)
def test_verdicts_of_other_writers_are_read(members: str, expected: Verdict) -> None:
    assert read_verdicts(f'{{"verdicts":[{{{members}}}]}}'.encode()) == (expected,)


@pytest.mark.parametrize(
    ("members", "pointer", "rule"),
    [
        ('"id":"a","state":"pending"', "/verdicts/0/state", "one-of"),
        ('"id":"a","state":"accepted"', "/verdicts/0/receipt", "required"),
        ('"id":"a","state":"accepted","receipt":null,"reason":null', "/verdicts/0/receipt", "string"),
        ('"id":"a","state":"rejected"', "/verdicts/0/reason", "required"),
        ('"state":"sent"', "/verdicts/0/id", "required"),
        ('"id":7,"state":"sent"', "/verdicts/0/id", "string"),
        ('"id":"a","state":"sent","grade":1', "/verdicts/0/grade", "known-member"),
    ],
)
def test_a_broken_verdict_is_told(members: str, pointer: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_verdicts(f'{{"verdicts":[{{{members}}}]}}'.encode())

    assert [(each.pointer, each.rule) for each in refused.value.violations] == [(pointer, rule)]


def test_digests_come_back_as_they_were() -> None:
    digests = (Digest("88.118.8", date(2026, 11, 24), 12, SHA256), Digest("88.118.9", date(2026, 11, 24), 0, SHA256))

    assert read_digests(digests_json(digests)) == digests


def test_a_broken_digest_is_told() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_digests(b'{"digests":[{"prefix":"88.118.8","day":"2026-11-31","records":-1,"sha256":"AB"}]}')

    assert [(each.pointer, each.rule) for each in refused.value.violations] == [
        ("/digests/0/day", "date"),
        ("/digests/0/sha256", "sha256"),
        ("/digests/0/records", "range"),
    ]


def test_lines_come_back_as_they_were() -> None:
    lines = {"88.118:T9:x:1": SHA256, "88.118:T9:y:1": "f" * 64}

    assert read_lines(lines_json(lines)) == lines


@pytest.mark.parametrize("lines", ['{"a":"AB"}', '{"a":1}', "[]", "null"])
def test_broken_lines_are_refused(lines: str) -> None:
    with pytest.raises(InvalidInput):
        read_lines(f'{{"lines":{lines}}}'.encode())


def test_the_hash_of_data_does_not_depend_on_the_order_of_its_fields() -> None:
    # printf '{"brand":"示例","operation":1}' | sha256sum
    expected = "bec68d219ce2e0c5f9b072497aaedbbc8dd2faef55be7537cc1e7f70b88e4191"

    assert data_sha256({"operation": 1, "brand": "示例"}) == data_sha256({"brand": "示例", "operation": 1}) == expected


def test_the_digest_is_over_lines_in_the_order_of_ids() -> None:
    # printf 'a 11\nb 22\n' | sha256sum
    expected = "286ac3fb2fd8d1438239bb3927d8f20be194666e96d94bcf634a898399fe444c"

    assert digest_of({"b": "22", "a": "11"}) == expected


def test_the_digest_of_nothing_is_the_hash_of_nothing() -> None:
    assert digest_of({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_problem_comes_back_in_words() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_batch(orjson.dumps(batch(version="1")))
    body = problem_json("invalid-input", 422, "Broken", "a rule", violations=refused.value.violations)

    assert read_problem(body) == Problem("invalid-input", "a rule; /records/0/version: must be an integer")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"type": 1}'])
def test_what_is_no_problem_reads_as_none(body: bytes) -> None:
    assert read_problem(body) is None


def test_a_problem_of_others_is_cut_and_escaped() -> None:
    problem = read_problem(orjson.dumps({"type": "about:blank", "title": "Bad\x1b[31m" + "x" * 600, "errors": [1, {}]}))

    assert problem is not None
    assert problem.code == "about:blank"
    assert problem.detail.startswith("Bad\\x1b[31mxxx")
    assert len(problem.detail) == 503
