"""Stored values become the same bytes by the short way as by the long one."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from idnode.model.handle_value import PERMISSIONS_DEFAULT, HandleValue, Permission, Reference, TimeToLive
from idnode.wire.cursor import Writer
from idnode.wire.handle_json import values_to_json
from idnode.wire.messages.stored_values import stored_values_bytes
from idnode.wire.messages.values import write_values

MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
PLAIN = st.builds(
    HandleValue,
    st.integers(1, 2**31 - 1),
    st.sampled_from(("URL", "productName", "产品")),
    st.text(max_size=20).map(str.encode),
    st.integers(0, 0xFFFF_FFFF).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.integers(0, 100_000).map(TimeToLive),
    st.just(PERMISSIONS_DEFAULT),
    st.just(()),
)
ODD = st.sampled_from(
    (
        HandleValue(1, "BYTES", b"\x00\xff", MOMENT),
        HandleValue(2, "URL", b"x", MOMENT, permissions=Permission.ADMIN_READ),
        HandleValue(3, "URL", b"x", MOMENT, references=(Reference("88.118.8/A", 1),)),
        HandleValue(4, "URL", b"x", MOMENT, ttl=TimeToLive(0x77359400, is_absolute=True)),
        HandleValue(100, "HS_ADMIN", bytes.fromhex("0fff00000010302e4e412f38382e3130302e31323334000000c8"), MOMENT),
    )
)


@given(st.lists(st.one_of(PLAIN, ODD), max_size=4))
def test_both_ways_write_the_same(values: list[HandleValue]) -> None:
    writer = Writer()
    write_values(writer, values)

    assert stored_values_bytes(values_to_json(values)) == writer.written()


def test_a_plain_value_is_written_to_the_byte() -> None:
    value = HandleValue(1, "URL", b"x", MOMENT)

    assert stored_values_bytes(values_to_json([value])) == bytes.fromhex(
        "00000001 00000001 6553f100 00 00015180 0e 00000003 55524c 00000001 78 00000000"
    )
