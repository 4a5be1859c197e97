"""Handle values from a client's JSON: every format, every refusal, all of them at once."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.errors import InvalidInput, Violation
from idnode.model.handle_value import HandleValue, Permission, Reference, TimeToLive
from idnode.wire.handle_json import value_to_json
from idnode.wire.handle_json_reading import value_from_json, values_from_json

NOW = datetime(2023, 11, 14, 22, 13, 20, 987_654, tzinfo=UTC)
SECOND = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
ADMIN = bytes.fromhex("0fff 00000010 302e4e412f38382e3130302e31323334 000000c8")
URL: dict[str, object] = {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com"}}

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
members = st.sampled_from(["index", "type", "data", "ttl", "permissions", "timestamp", "references", "format", "value"])
names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
values = st.builds(
    HandleValue,
    index=st.integers(1, 2**31 - 1),
    type=names | st.sampled_from(["HS_ADMIN", "HS_VLIST", "HS_PUBKEY", "HS_SITE"]),
    data=st.binary(max_size=60) | st.text(max_size=20).map(str.encode) | st.sampled_from([ADMIN, bytes(4)]),
    timestamp=st.just(SECOND),
    ttl=st.builds(TimeToLive, st.integers(0, 86_400 * 365), st.booleans()),
    permissions=st.integers(0, 15).map(Permission),
    references=st.lists(st.builds(Reference, names, st.integers(0, 2**31 - 1)), max_size=3).map(tuple),
)


def read(document: object) -> HandleValue:
    return value_from_json(document, now=NOW)


def violations_of(*documents: object) -> tuple[Violation, ...]:
    with pytest.raises(InvalidInput) as caught:
        values_from_json(list(documents), now=NOW)
    return caught.value.violations


def faults_of(*documents: object) -> list[tuple[str, str]]:
    return [(violation.pointer, violation.rule) for violation in violations_of(*documents)]


def test_a_value_needs_index_type_and_data_and_gets_the_rest() -> None:
    assert read(URL) == HandleValue(
        index=1,
        type="URL",
        data=b"https://example.com",
        timestamp=SECOND,
        ttl=TimeToLive(86_400),
        permissions=Permission(0b1110),
        references=(),
    )


def test_a_value_may_say_everything_and_its_timestamp_is_ours() -> None:
    document = URL | {
        "ttl": 60,
        "permissions": "1100",
        "timestamp": "1999-01-01T00:00:00Z",
        "references": [{"handle": "0.NA/88.100.1234", "index": 300}],
    }

    assert read(document) == HandleValue(
        index=1,
        type="URL",
        data=b"https://example.com",
        timestamp=SECOND,
        ttl=TimeToLive(60),
        permissions=Permission.ADMIN_READ | Permission.ADMIN_WRITE,
        references=(Reference("0.NA/88.100.1234", 300),),
    )


def test_the_timestamp_is_the_second_in_utc() -> None:
    beijing = timezone(timedelta(hours=8))

    assert value_from_json(URL, now=NOW.astimezone(beijing)).timestamp.isoformat() == "2023-11-14T22:13:20+00:00"


@pytest.mark.parametrize(
    ("data", "octets"),
    [
        ("a bare string", b"a bare string"),
        ({"format": "string", "value": "标识"}, bytes.fromhex("e6a087e8af86")),
        ({"format": "base64", "value": "//4="}, b"\xff\xfe"),
        ({"format": "base64", "value": ""}, b""),
        ({"format": "hex", "value": "00fF"}, b"\x00\xff"),
        ({"format": "vlist", "value": [{"handle": "88.1/a", "index": 1}]}, b"\0\0\0\1\0\0\0\x0688.1/a\0\0\0\1"),
        ({"format": "admin", "value": {"handle": "0.NA/88.100.1234", "index": 200, "permissions": "1" * 12}}, ADMIN),
        (
            {"format": "key", "value": {"kty": "RSA", "n": "xaGyww", "e": "AQAB"}},
            bytes.fromhex("0000000b5253415f5055425f4b4559000000000003010001 0000000500c5a1b2c300000000"),
        ),
        (
            {
                "format": "site",
                "value": {
                    "version": 1,
                    "protocolVersion": "2.11",
                    "serialNumber": 1,
                    "primarySite": True,
                    "servers": [],
                },
            },
            bytes.fromhex("0001 020b 0001 80 02 00000000 00000000 00000000"),
        ),
    ],
)
def test_data_come_in_seven_formats_and_as_a_bare_string(data: object, octets: bytes) -> None:
    assert read(URL | {"data": data}).data == octets


@pytest.mark.parametrize(
    ("ttl", "expected"),
    [
        (0, TimeToLive(0)),
        (31_536_000, TimeToLive(31_536_000)),
        ("2033-05-18T03:33:20Z", TimeToLive(0x77359400, is_absolute=True)),
        ("2033-05-18T11:33:20+08:00", TimeToLive(0x77359400, is_absolute=True)),
        ("1970-01-01T00:00:00Z", TimeToLive(0, is_absolute=True)),
        ("2106-02-07T06:28:15Z", TimeToLive(0xFFFFFFFF, is_absolute=True)),
    ],
)
def test_a_ttl_is_seconds_or_a_date(ttl: object, expected: TimeToLive) -> None:
    assert read(URL | {"ttl": ttl}).ttl == expected


@pytest.mark.parametrize(
    ("changes", "pointer", "rule"),
    [
        ({"index": 0}, "/values/0/index", "range"),
        ({"index": 2_147_483_648}, "/values/0/index", "range"),
        ({"index": True}, "/values/0/index", "integer"),
        ({"index": 1.0}, "/values/0/index", "integer"),
        ({"index": "1"}, "/values/0/index", "integer"),
        ({"type": ""}, "/values/0/type", "not-empty"),
        ({"type": "A\0"}, "/values/0/type", "printable"),
        ({"type": "A\u202e"}, "/values/0/type", "printable"),
        ({"type": "A\u200d"}, "/values/0/type", "printable"),
        ({"type": "A\ud800"}, "/values/0/type", "unicode"),
        ({"type": "标" * 43}, "/values/0/type", "max-bytes"),
        ({"type": None}, "/values/0/type", "string"),
        ({"data": None}, "/values/0/data", "object"),
        ({"data": {"value": ""}}, "/values/0/data/format", "required"),
        ({"data": {"format": "string"}}, "/values/0/data/value", "required"),
        ({"data": {"format": "xml", "value": ""}}, "/values/0/data/format", "one-of"),
        ({"data": {"format": "string", "value": 7}}, "/values/0/data/value", "string"),
        ({"data": "two\nlines"}, "/values/0/data", "plain-text"),
        ({"data": "a\x85b"}, "/values/0/data", "plain-text"),
        ({"data": "a\u2066b"}, "/values/0/data", "plain-text"),
        ({"data": "a\udc00b"}, "/values/0/data", "unicode"),
        ({"data": "x" * 65_537}, "/values/0/data", "max-bytes"),
        ({"data": {"format": "base64", "value": "QQ"}}, "/values/0/data/value", "base64"),
        ({"data": {"format": "base64", "value": "QR=="}}, "/values/0/data/value", "base64"),
        ({"data": {"format": "base64", "value": "QUFB\n"}}, "/values/0/data/value", "base64"),
        ({"data": {"format": "base64", "value": "-_-_"}}, "/values/0/data/value", "base64"),
        ({"data": {"format": "base64", "value": "QUFB" * 21_846}}, "/values/0/data/value", "max-bytes"),
        ({"data": {"format": "hex", "value": "0"}}, "/values/0/data/value", "hex"),
        ({"data": {"format": "hex", "value": "00 ff"}}, "/values/0/data/value", "hex"),
        ({"data": {"format": "hex", "value": "00" * 65_537}}, "/values/0/data/value", "max-bytes"),
        ({"data": {"format": "admin", "value": "x"}}, "/values/0/data/value", "object"),
        ({"ttl": -1}, "/values/0/ttl", "range"),
        ({"ttl": 31_536_001}, "/values/0/ttl", "range"),
        ({"ttl": None}, "/values/0/ttl", "integer"),
        ({"ttl": "86400"}, "/values/0/ttl", "date-time"),
        ({"ttl": "2033-05-18"}, "/values/0/ttl", "date-time"),
        ({"ttl": "2033-05-18T03:33:20"}, "/values/0/ttl", "date-time"),
        ({"ttl": "2033-02-30T03:33:20Z"}, "/values/0/ttl", "date-time"),
        ({"ttl": "0001-01-01T00:00:00+23:00"}, "/values/0/ttl", "date-time"),
        ({"ttl": "1969-12-31T23:59:59Z"}, "/values/0/ttl", "range"),
        ({"ttl": "2106-02-07T06:28:16Z"}, "/values/0/ttl", "range"),
        ({"permissions": "111"}, "/values/0/permissions", "pattern"),
        ({"timestamp": "soon"}, "/values/0/timestamp", "date-time"),
        ({"timestamp": 0}, "/values/0/timestamp", "string"),
        ({"permissions": 1110}, "/values/0/permissions", "pattern"),
        ({"references": {}}, "/values/0/references", "array"),
        ({"references": [None] * 65}, "/values/0/references", "max-items"),
        ({"references": [{"handle": "a\n", "index": 1}]}, "/values/0/references/0/handle", "printable"),
        ({"references": [{"handle": "a", "index": -1}]}, "/values/0/references/0/index", "range"),
        ({"a/b~c\n": 1}, "/values/0/a~1b~0c\\n", "known-member"),
    ],
)
def test_one_fault_is_named_by_place_and_rule(changes: dict[str, object], pointer: str, rule: str) -> None:
    assert faults_of(URL | changes) == [(pointer, rule)]


def test_a_violation_tells_the_measure_the_value_and_the_limit() -> None:
    assert violations_of(URL | {"index": 0, "data": "two\nlines"}) == (
        Violation("/values/0/index", "range", "must be an integer from 1 to 2147483647", "0", "1 to 2147483647"),
        Violation(
            "/values/0/data",
            "plain-text",
            "holds the control character U+000A at character 3; send such data in format base64",
            "two\\nlines",
        ),
    )


def test_all_faults_of_all_values_come_at_once() -> None:
    broken = {"index": -1, "type": "", "ttl": "soon", "refs": []}
    again = URL | {"data": {"format": "hex", "value": "xyz"}}

    assert faults_of(broken, URL, again, "junk") == [
        ("/values/0/data", "required"),
        ("/values/0/refs", "known-member"),
        ("/values/0/type", "not-empty"),
        ("/values/0/index", "range"),
        ("/values/0/ttl", "date-time"),
        ("/values/2/data/value", "hex"),
        ("/values/2/index", "unique-index"),
        ("/values/3", "object"),
    ]


def test_an_index_twice_is_a_conflict_in_the_words_of_the_peer() -> None:
    with pytest.raises(InvalidInput, match=r"^/values/1/index: Index conflict for 1$"):
        values_from_json([URL, URL], now=NOW)


def test_refused_indexes_do_not_conflict_with_each_other() -> None:
    assert faults_of(URL | {"index": 0}, URL | {"index": 0}, URL) == [
        ("/values/0/index", "range"),
        ("/values/1/index", "range"),
    ]


def test_values_must_be_an_array_within_its_limit() -> None:
    with pytest.raises(InvalidInput, match=r"^body: must be an array$"):
        values_from_json(URL, now=NOW, pointer="")
    with pytest.raises(InvalidInput, match=r"^/values: 2049 items, the limit is 2048$"):
        values_from_json([URL] * 2_049, now=NOW)


def test_an_answer_lists_a_hundred_violations_at_most() -> None:
    assert len(violations_of(*({} for _ in range(2_048)))) == 100


@pytest.mark.parametrize("data", ["se\ncret", {"format": "hex", "value": "se"}, {"format": "admin", "value": "se"}])
def test_a_secret_key_is_not_repeated(data: object) -> None:
    (violation,) = violations_of({"index": 300, "type": "hs_seckey", "data": data})

    assert violation.value is None


@given(values)
def test_what_we_write_is_taken_back(value: HandleValue) -> None:
    assert read(value_to_json(value)) == value


@given(json)
def test_any_json_is_refused_as_invalid_input(document: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        values_from_json([document], now=NOW)
    assert caught.value.violations


@given(st.dictionaries(members, json | st.dictionaries(members, json)))
def test_any_value_of_known_members_is_read_or_refused(document: object) -> None:
    with suppress(InvalidInput):
        assert read(document).index > 0


plain_or_nearly = st.fixed_dictionaries(
    {
        "index": st.integers(-1, 3) | st.sampled_from([True, 2**31 - 1, 2**31, 1.0, "1"]),
        "type": st.sampled_from(["URL", "", "x" * 32, "x" * 128, "x" * 129, "\u4e8c" * 33, "HS_SECKEY", "a\n"]) | json,
        "data": st.sampled_from(["text", "\x00", "\u202e", "\ud800", "x" * 65_536, "x" * 65_537])
        | st.fixed_dictionaries(
            {"format": st.sampled_from(["string", "hex", "odd"]), "value": st.text(max_size=5) | json},
            optional={"more": json},
        )
        | json,
    },
    optional={"ttl": st.integers(-1, 2) | st.sampled_from([True, 10**9, 1.0]) | json, "permissions": st.just("1111")},
)


@given(plain_or_nearly)
def test_a_value_in_a_list_is_read_as_it_is_alone(document: dict[str, object]) -> None:
    try:
        alone: object = value_from_json(document, now=NOW, pointer="/values/0")
    except InvalidInput as refusal:
        alone = refusal.violations

    try:
        listed: object = values_from_json([document], now=NOW)[0]
    except InvalidInput as refusal:
        listed = refusal.violations

    assert listed == alone
    assert type(listed) is type(alone)


@given(st.lists(plain_or_nearly, max_size=4))
def test_values_are_read_one_by_one_and_no_index_twice(documents: list[dict[str, object]]) -> None:
    one_by_one = []
    for document in documents:
        with suppress(InvalidInput):
            one_by_one.append(value_from_json(document, now=NOW))
    distinct = len({value.index for value in one_by_one}) == len(documents)

    try:
        listed: object = values_from_json(documents, now=NOW)
    except InvalidInput:
        listed = None

    assert listed == (tuple(one_by_one) if distinct else None)
