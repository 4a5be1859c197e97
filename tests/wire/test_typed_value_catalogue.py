"""All typed values: round trips, every truncation, junk; none raises anything but MalformedMessage."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.errors import InvalidInput
from idnode.model.handle_value import Reference
from idnode.wire.cursor import MalformedMessage
from idnode.wire.json_reader import JsonReader
from idnode.wire.typed_values.catalogue import JSON_FORMATS, TYPED_VALUES, TypedValue
from idnode.wire.typed_values.hs_admin import AdminPermission, HsAdmin
from idnode.wire.typed_values.hs_pubkey import DhPublicKey, DsaPublicKey, HsPubkey, RsaPublicKey
from idnode.wire.typed_values.hs_site import (
    HashOption,
    HsSite,
    InterfaceProtocol,
    InterfaceUse,
    SiteAttribute,
    SiteInterface,
    SiteServer,
)
from idnode.wire.typed_values.hs_vlist import HsVlist

texts = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
indexes = st.integers(0, 2**31 - 1)
positive = st.integers(1, 2**2048)
admins = st.builds(HsAdmin, st.integers(0, 0xFFF).map(AdminPermission), texts, indexes, st.booleans())
vlists = st.builds(HsVlist, st.lists(st.builds(Reference, texts, indexes), max_size=5).map(tuple))
jwk_keys = st.builds(RsaPublicKey, positive, positive) | st.builds(DsaPublicKey, positive, positive, positive, positive)
pubkeys = st.builds(HsPubkey, jwk_keys | st.builds(DhPublicKey, positive, positive, positive))
addresses = st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(2**32, 2**128 - 1).map(IPv6Address)
interfaces = st.builds(
    SiteInterface, st.integers(1, 3).map(InterfaceUse), st.sampled_from(InterfaceProtocol), st.integers(1, 65_535)
)
servers = st.builds(
    SiteServer,
    st.integers(0, 2**32 - 1),
    addresses,
    pubkeys.map(HsPubkey.encode) | st.binary(max_size=20),
    st.lists(interfaces, max_size=3).map(tuple),
)
sites = st.builds(
    HsSite,
    servers=st.lists(servers, max_size=3).map(tuple),
    protocol_version=st.tuples(st.integers(0, 255), st.integers(0, 255)),
    serial=st.integers(0, 65_535),
    is_primary=st.booleans(),
    is_multi_primary=st.booleans(),
    hash_option=st.sampled_from(HashOption),
    hash_filter=st.just("") | texts,
    attributes=st.lists(st.builds(SiteAttribute, texts, texts), max_size=3).map(tuple),
)
typed_values = admins | vlists | pubkeys | sites
kinds = pytest.mark.parametrize("kind", TYPED_VALUES.values())
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(typed_values)
def test_what_is_encoded_is_decoded(value: TypedValue) -> None:
    assert type(value).decode(value.encode()) == value


@given(typed_values)
def test_what_stands_in_json_is_read_from_json(value: TypedValue) -> None:
    document = value.to_json()

    if document is None:
        assert isinstance(value, HsPubkey)
        assert isinstance(value.key, DhPublicKey)
        return
    reader = JsonReader(document)
    assert type(value).from_json(reader) == value
    reader.raise_refusals()


@given(typed_values, st.data())
def test_every_truncation_is_malformed(value: TypedValue, data: st.DataObject) -> None:
    whole = value.encode()
    size = data.draw(st.integers(0, len(whole) - 1).filter(lambda size: size != len(whole) - unused_bytes(value)))

    with pytest.raises(MalformedMessage):
        type(value).decode(whole[:size])


@kinds
@given(junk=st.binary(max_size=200))
def test_junk_is_malformed_or_a_value(kind: type[TypedValue], junk: bytes) -> None:
    with suppress(MalformedMessage):
        assert isinstance(kind.decode(junk), kind)


@given(typed_values, st.data())
def test_one_wrong_byte_is_malformed_or_a_value(value: TypedValue, data: st.DataObject) -> None:
    octets = bytearray(value.encode())
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))

    try:
        wrong = type(value).decode(bytes(octets))
    except MalformedMessage:
        return
    assert type(value).decode(wrong.encode()) == wrong


@pytest.mark.parametrize("name", JSON_FORMATS)
@given(document=json)
def test_any_json_is_refused_as_invalid_input_and_its_stand_in_can_be_encoded(name: str, document: object) -> None:
    reader = JsonReader(document)

    JSON_FORMATS[name].from_json(reader).encode()
    with suppress(InvalidInput):
        reader.raise_refusals()


def unused_bytes(value: TypedValue) -> int:
    """The zero bytes at the end that may be missing: the four of RSA, the two of an old HS_ADMIN."""
    if isinstance(value, HsAdmin):
        return 2 * value.has_legacy_length
    if isinstance(value, HsPubkey):
        return value.key.padding_bytes
    return 0
