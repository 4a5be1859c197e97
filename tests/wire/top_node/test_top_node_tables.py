"""The tables are those of the contract, and what is wrong with a record is told field by field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_samples import PIXEL, SAMPLES

from idnode.model.errors import Violation
from idnode.model.reporting import Report
from idnode.wire.top_node.fields import PHOTO_BYTES_MAX, check_members
from idnode.wire.top_node.tables import FIELDS, check_data

REPORTS = list(Report)
JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.lists(st.none() | st.integers() | st.text(max_size=5), max_size=3)
    | st.dictionaries(st.text(max_size=5), st.none() | st.text(max_size=5), max_size=3)
)


def test_the_tables_have_as_many_fields_as_the_contract_says() -> None:
    assert {report: len(fields) for report, fields in FIELDS.items() if report in (Report.T1, Report.T6)} == {
        Report.T1: 45,
        Report.T6: 42,
    }


def test_values_1_to_12_and_events_13_to_18_are_there() -> None:
    assert (len(FIELDS[Report.MONITORING]), len(FIELDS[Report.EVENT])) == (12, 6)


def test_an_enterprise_has_neither_photos_nor_an_ip_list() -> None:
    missing = {field.name for field in FIELDS[Report.T1]} - {field.name for field in FIELDS[Report.T6]}

    assert missing == {"certificate_photo", "representative_id_photo", "contact_id_photo", "public_service_ips"}


@pytest.mark.parametrize("report", REPORTS)
def test_the_sample_of_a_table_has_every_field_and_is_right(report: Report) -> None:
    sample = SAMPLES[report]

    assert list(check_data(report, sample)) == []
    assert set(sample) == {field.name for field in FIELDS[report]}


@pytest.mark.parametrize("report", REPORTS)
def test_each_required_field_is_missed(report: Report) -> None:
    required = [field.name for field in FIELDS[report] if field.is_required]

    for name in required:
        without = {key: value for key, value in SAMPLES[report].items() if key != name}

        assert [(each.pointer, each.rule) for each in check_data(report, without)] == [(f"/{name}", "required")]


@pytest.mark.parametrize("report", REPORTS)
def test_null_is_refused_in_every_field(report: Report) -> None:
    for name in SAMPLES[report]:
        found = check_data(report, SAMPLES[report] | {name: None})

        # Which of them an event's state or a form of hosting requires is unknown then, and that is no further fault.
        assert [each.pointer for each in found] == [f"/{name}"]


@pytest.mark.parametrize(
    ("report", "broken", "violation"),
    [
        (
            Report.T9,
            {"colour": "red"},
            Violation(
                "/colour",
                "known-field",
                "is no field here; known are identifier, created, template, operation, product_type, brand, "
                "product_name, manufacturer, produced_at, valid_until, terminal_type, owner, purpose, serial_or_imei, "
                "access_licence, scramble_code, sequence",
            ),
        ),
        (
            Report.T9,
            {"identifier": "8" * 256},
            Violation(
                "/identifier",
                "max-length",
                "has 256 characters, the limit is 255",
                "8" * 79 + "…",
                "255 characters",
            ),
        ),
        (
            Report.T9,
            {"operation": 4},
            Violation(
                "/operation",
                "one-of",
                "must be one of 1 (新增), 2 (删除), 3 (修改)",
                "4",
                "1 (新增), 2 (删除), 3 (修改)",
            ),
        ),
        (
            Report.T9,
            {"created": "2026-02-30"},
            Violation("/created", "date", "must be a day as yyyy-MM-dd", "2026-02-30"),
        ),
        (
            Report.T9,
            {"brand": ""},
            Violation("/brand", "not-empty", "must not be empty; a field without a value is left out", ""),
        ),
        (
            Report.T9,
            {"brand": "a\nb"},
            Violation("/brand", "plain-text", "holds the control character U+000A at character 1", "a\\nb"),
        ),
        (
            Report.T8,
            {"identifiers_total": -1},
            Violation(
                "/identifiers_total",
                "integer",
                "must be an integer from 0 to 9007199254740991",
                "-1",
                "0 to 9007199254740991",
            ),
        ),
        (
            Report.T8,
            {"sources": [{"address": "198.51.100.7", "requests": 1}, {"address": "198.51.100.8"}]},
            Violation("/sources/1/requests", "required", "解析量 is missing"),
        ),
        (
            Report.T2,
            {"routes": []},
            Violation("/routes", "items", "has 0 items, must have 1 to 64", limit="1 to 64 items"),
        ),
        (
            Report.T1,
            {"public_service_ips": "203.0.113.7;203.0.113.256"},
            Violation(
                "/public_service_ips",
                "addresses",
                "must be IP addresses with ; between them, and '203.0.113.256' is none",
                "203.0.113.7;203.0.113.256",
            ),
        ),
        (
            Report.T1,
            {"industry": "D17"},
            Violation("/industry", "industry", "division 17 lies under section C, not under D", "D17"),
        ),
        (
            Report.T1,
            {"real_name_verification": {"by": "self", "documents": ["a", 7]}},
            Violation("/real_name_verification/documents/1", "text", "must be text", "7"),
        ),
        (
            Report.T1,
            {"system_built_by": {"by": "contractor", "name": "示例软件有限公司"}},
            Violation("/system_built_by/contract", "required", "委托合同 is missing"),
        ),
        (
            Report.MONITORING,
            {"resolution_peak_at": "2026-11-23 09:31"},
            Violation(
                "/resolution_peak_at",
                "moment",
                "must be a time to the second as 2026-01-31T08:00:00+08:00",
                "2026-11-23 09:31",
            ),
        ),
        (
            Report.MONITORING,
            {"resolution_average_ms": float("nan")},
            Violation(
                "/resolution_average_ms",
                "number",
                "must be a number from 0 to 1000000000000",
                "nan",
                "0 to 1000000000000",
            ),
        ),
    ],
)
def test_a_violation_names_the_field_the_value_and_the_limit(
    report: Report, broken: dict[str, object], violation: Violation
) -> None:
    assert check_data(report, SAMPLES[report] | broken) == [violation]


def test_a_recovery_must_name_the_event_that_it_closes() -> None:
    event = {name: value for name, value in SAMPLES[Report.EVENT].items() if name != "closes_event_id"}

    assert check_data(Report.EVENT, event | {"state": "abnormal"}) == []
    assert check_data(Report.EVENT, event) == [Violation("/closes_event_id", "required", "对应异常事件编号 is missing")]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    data = SAMPLES[Report.T9] | {"brand": 7, "operation": "1", "colour": "red"}

    assert [each.pointer for each in check_data(Report.T9, data)] == ["/operation", "/brand", "/colour"]


def test_personal_values_are_not_repeated() -> None:
    data = SAMPLES[Report.T1] | {"contact_id_number": "1" * 65, "contact_id_photo": "no image"}

    assert [each.value for each in check_data(Report.T1, data)] == [None, None]


def test_a_photo_may_have_512_kib_and_no_byte_more() -> None:
    # Four characters stand for three bytes; 512 KiB end with two bytes in three characters and a sign of padding.
    longest = "AAAA" * (PHOTO_BYTES_MAX // 3) + "AAA="
    longer = "AAAA" * (PHOTO_BYTES_MAX // 3) + "AAAA"

    assert check_data(Report.T1, SAMPLES[Report.T1] | {"certificate_photo": longest}) == []
    assert [
        (each.rule, each.limit) for each in check_data(Report.T1, SAMPLES[Report.T1] | {"certificate_photo": longer})
    ] == [("max-bytes", "524288 bytes")]


def test_a_photo_in_lines_is_no_photo() -> None:
    data = SAMPLES[Report.T1] | {"certificate_photo": PIXEL[:76] + "\n" + PIXEL[76:]}

    assert [each.rule for each in check_data(Report.T1, data)] == ["photo"]


def test_an_enterprise_is_reported_before_its_profile_is_filled_in() -> None:
    data = {
        "organisation_name": "示例纺织有限公司",
        "certificate_type": "uscc",
        "certificate_number": "91330106673959654P",
        "industry": "C17",
    }

    assert check_data(Report.T6, data) == []


@given(report=st.sampled_from(REPORTS), at=st.integers(min_value=0), junk=JUNK)
def test_the_fast_and_the_slow_way_agree_on_any_value(report: Report, at: int, junk: object) -> None:
    names = [*SAMPLES[report], "unknown"]
    data = SAMPLES[report] | {names[at % len(names)]: junk}

    assert check_data(report, data) == check_members({field.name: field for field in FIELDS[report]}, data, "")
