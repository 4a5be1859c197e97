"""HS_SITE: the servers of one site, their interfaces and public keys (handle-protocol.md §1.5)."""

import re
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

from idnode.wire.cursor import MalformedMessage, Reader, Writer
from idnode.wire.encoded_bytes import base64_of
from idnode.wire.json_reader import JsonReader
from idnode.wire.plain_text import is_plain
from idnode.wire.typed_values.hs_pubkey import HsPubkey, key_to_json

SITE_FORMAT = 1
SITE_ATTRIBUTES_MAX = 256
SITE_SERVERS_MAX = 256
SITE_INTERFACES_MAX = 64
"""Of one server."""
SITE_TEXT_BYTES_MAX = 4_096
"""The hash filter, and each attribute's name and value."""
SITE_KEY_BYTES_MAX = 16_384
PORT_MAX = 65_535

_PRIMARY = 0x80
_MULTI_PRIMARY = 0x40
_IPV4_ZEROS = bytes(12)
_ATTRIBUTE_BYTES_MIN = 8
_SERVER_BYTES_MIN = 28
_INTERFACE_BYTES = 6
_ADDRESS_CHARACTERS_MAX = 45
_VERSION = re.compile(r"(?:0|[1-9][0-9]{0,2})\.(?:0|[1-9][0-9]{0,2})")


class HashOption(IntEnum):
    """Which part of the handle chooses the server."""

    PREFIX = 0
    SUFFIX = 1
    WHOLE = 2


class InterfaceUse(IntFlag):
    """What an interface serves; at least one of the two."""

    ADMIN = 1
    QUERY = 2


class InterfaceProtocol(IntEnum):
    """How an interface is spoken to."""

    UDP = 0
    TCP = 1
    HTTP = 2
    HTTPS = 3


@dataclass(frozen=True, slots=True)
class SiteAttribute:
    """A remark on the site, such as `desc`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SiteInterface:
    """One port of a server."""

    use: InterfaceUse
    protocol: InterfaceProtocol
    port: int


@dataclass(frozen=True, slots=True)
class SiteServer:
    """One server: `public_key` is the data of an HS_PUBKEY, empty when it has none."""

    id: int
    address: IPv4Address | IPv6Address
    public_key: bytes
    interfaces: tuple[SiteInterface, ...]


@dataclass(frozen=True, slots=True)
class HsSite:
    """A site. Clients use the first interface of the protocol they speak, so the order of interfaces matters (§3)."""

    servers: tuple[SiteServer, ...]
    protocol_version: tuple[int, int] = (2, 11)
    serial: int = 1
    is_primary: bool = True
    is_multi_primary: bool = False
    hash_option: HashOption = HashOption.WHOLE
    hash_filter: str = ""
    attributes: tuple[SiteAttribute, ...] = ()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises MalformedMessage, also for bytes left over. Bits of the mask that have no name are read over."""
        reader = Reader(data)
        site_format = reader.int2()
        if site_format != SITE_FORMAT:
            raise MalformedMessage(f"site format {site_format}, known is {SITE_FORMAT}", offset=0)
        protocol_version = (reader.int1(), reader.int1())
        serial = reader.int2()
        mask = reader.int1()
        hash_option = _read_hash_option(reader)
        hash_filter = reader.text(bytes_max=SITE_TEXT_BYTES_MAX)
        attribute_count = reader.count(items_max=SITE_ATTRIBUTES_MAX, item_bytes_min=_ATTRIBUTE_BYTES_MIN)
        attributes = tuple(_read_attribute(reader) for _ in range(attribute_count))
        server_count = reader.count(items_max=SITE_SERVERS_MAX, item_bytes_min=_SERVER_BYTES_MIN)
        servers = tuple(_read_server(reader) for _ in range(server_count))
        reader.finish()
        return cls(
            servers=servers,
            protocol_version=protocol_version,
            serial=serial,
            is_primary=bool(mask & _PRIMARY),
            is_multi_primary=bool(mask & _MULTI_PRIMARY),
            hash_option=hash_option,
            hash_filter=hash_filter,
            attributes=attributes,
        )

    def encode(self) -> bytes:
        """As `decode` reads it."""
        major, minor = self.protocol_version
        mask = _PRIMARY * self.is_primary | _MULTI_PRIMARY * self.is_multi_primary
        writer = Writer().int2(SITE_FORMAT).int1(major).int1(minor).int2(self.serial)
        writer.int1(mask).int1(self.hash_option).text(self.hash_filter).int4(len(self.attributes))
        for attribute in self.attributes:
            writer.text(attribute.name).text(attribute.value)
        writer.int4(len(self.servers))
        for server in self.servers:
            _write_server(writer, server)
        return writer.written()

    def to_json(self) -> dict[str, object] | None:
        """Format `site` of §2, in the shape of HANDLE.NET's siteinfo.json; None when a text is not plain.

        `hashOption` (its number) and `hashFilter` stand there only when they are not the usual ones.
        """
        texts = [self.hash_filter, *(text for item in self.attributes for text in (item.name, item.value))]
        if not all(is_plain(text) for text in texts):
            return None
        document: dict[str, object] = {
            "version": SITE_FORMAT,
            "protocolVersion": "{}.{}".format(*self.protocol_version),
            "serialNumber": self.serial,
            "primarySite": self.is_primary,
            "multiPrimary": self.is_multi_primary,
        }
        if self.hash_option is not HashOption.WHOLE:
            document["hashOption"] = int(self.hash_option)
        if self.hash_filter:
            document["hashFilter"] = self.hash_filter
        document["attributes"] = [{"name": item.name, "value": item.value} for item in self.attributes]
        document["servers"] = [_server_to_json(server) for server in self.servers]
        return document

    @classmethod
    def from_json(cls, reader: JsonReader) -> Self:
        """Strict inverse of `to_json`; `multiPrimary` and `attributes` may be left out."""
        reader.members(
            required=("version", "protocolVersion", "serialNumber", "primarySite", "servers"),
            optional=("multiPrimary", "hashOption", "hashFilter", "attributes"),
        )
        reader.member("version").integer(minimum=SITE_FORMAT, maximum=SITE_FORMAT)
        usual = HashOption.WHOLE
        option = reader.member("hashOption").integer(minimum=0, maximum=usual) if reader.has("hashOption") else usual
        hash_filter = reader.member("hashFilter")
        attributes = reader.member("attributes").items(items_max=SITE_ATTRIBUTES_MAX)
        return cls(
            servers=tuple(map(_server_from_json, reader.member("servers").items(items_max=SITE_SERVERS_MAX))),
            protocol_version=_version_from_json(reader.member("protocolVersion")),
            serial=reader.member("serialNumber").integer(minimum=0, maximum=0xFFFF),
            is_primary=reader.member("primarySite").boolean(),
            is_multi_primary=reader.member("multiPrimary").boolean(),
            hash_option=HashOption(option),
            hash_filter=hash_filter.plain_text(bytes_max=SITE_TEXT_BYTES_MAX),
            attributes=tuple(map(_attribute_from_json, attributes)),
        )


def address_of(octets: bytes) -> IPv4Address | IPv6Address:
    """The address in 16 bytes: IPv4 stands right-aligned after twelve zero bytes."""
    return IPv4Address(octets[12:]) if octets.startswith(_IPV4_ZEROS) else IPv6Address(octets)


def _read_hash_option(reader: Reader) -> HashOption:
    start = reader.offset
    option = reader.int1()
    if option > HashOption.WHOLE:
        raise MalformedMessage(f"hash option {option}, known are 0 to 2", offset=start)
    return HashOption(option)


def _read_attribute(reader: Reader) -> SiteAttribute:
    return SiteAttribute(reader.text(bytes_max=SITE_TEXT_BYTES_MAX), reader.text(bytes_max=SITE_TEXT_BYTES_MAX))


def _read_server(reader: Reader) -> SiteServer:
    server_id = reader.int4()
    address = address_of(reader.take(16))
    public_key = reader.octets(bytes_max=SITE_KEY_BYTES_MAX)
    count = reader.count(items_max=SITE_INTERFACES_MAX, item_bytes_min=_INTERFACE_BYTES)
    return SiteServer(server_id, address, public_key, tuple(_read_interface(reader) for _ in range(count)))


def _read_interface(reader: Reader) -> SiteInterface:
    start = reader.offset
    use, protocol, port = reader.int1(), reader.int1(), reader.int4()
    if not 1 <= use <= InterfaceUse.ADMIN | InterfaceUse.QUERY:
        raise MalformedMessage(f"interface type {use}, known are 1 to 3", offset=start)
    if protocol > InterfaceProtocol.HTTPS:
        raise MalformedMessage(f"interface protocol {protocol}, known are 0 to 3", offset=start + 1)
    if not 1 <= port <= PORT_MAX:
        raise MalformedMessage(f"port {port}, the limit is {PORT_MAX}", offset=start + 2)
    return SiteInterface(InterfaceUse(use), InterfaceProtocol(protocol), port)


def _write_server(writer: Writer, server: SiteServer) -> None:
    writer.int4(server.id).raw(server.address.packed.rjust(16, b"\0")).octets(server.public_key)
    writer.int4(len(server.interfaces))
    for interface in server.interfaces:
        writer.int1(interface.use).int1(interface.protocol).int4(interface.port)


def _server_to_json(server: SiteServer) -> dict[str, object]:
    document: dict[str, object] = {"serverId": server.id, "address": str(server.address)}
    if server.public_key:
        key = key_to_json(server.public_key)
        document["publicKey"] = (
            {"format": "base64", "value": base64_of(server.public_key)}
            if key is None
            else {"format": "key", "value": key}
        )
    document["interfaces"] = [
        {
            "query": InterfaceUse.QUERY in interface.use,
            "admin": InterfaceUse.ADMIN in interface.use,
            "protocol": interface.protocol.name,
            "port": interface.port,
        }
        for interface in server.interfaces
    ]
    return document


def _server_from_json(reader: JsonReader) -> SiteServer:
    reader.members(required=("serverId", "address", "interfaces"), optional=("publicKey",))
    interfaces = reader.member("interfaces").items(items_max=SITE_INTERFACES_MAX)
    return SiteServer(
        id=reader.member("serverId").integer(minimum=0, maximum=0xFFFF_FFFF),
        address=_address_from_json(reader.member("address")),
        public_key=_public_key_from_json(reader.member("publicKey")) if reader.has("publicKey") else b"",
        interfaces=tuple(map(_interface_from_json, interfaces)),
    )


def _address_from_json(reader: JsonReader) -> IPv4Address | IPv6Address:
    text = reader.text(bytes_max=_ADDRESS_CHARACTERS_MAX)
    try:
        address = ip_address(text)
    except ValueError:
        reader.refuse("ip-address", "is neither an IPv4 nor an IPv6 address")
        return IPv4Address(0)
    if address != address_of(address.packed.rjust(16, b"\0")):
        # ::1 and fe80::1%eth0: the first twelve zero bytes say IPv4, and the 16 bytes hold no zone.
        reader.refuse("ip-address", "is an IPv6 address that HS_SITE cannot hold (begins with 96 zero bits, or a zone)")
    return address


def _public_key_from_json(reader: JsonReader) -> bytes:
    reader.members(required=("format", "value"))
    value = reader.member("value")
    match reader.member("format").choice({"key": "key", "base64": "base64"}):
        case "key":
            return HsPubkey.from_json(value).encode()
        case "base64":
            return value.base64(bytes_max=SITE_KEY_BYTES_MAX)
        case _:
            return b""


def _interface_from_json(reader: JsonReader) -> SiteInterface:
    reader.members(required=("query", "admin", "protocol", "port"))
    is_query, is_admin = reader.member("query").boolean(), reader.member("admin").boolean()
    protocol = reader.member("protocol").choice(InterfaceProtocol.__members__)
    port = reader.member("port").integer(minimum=1, maximum=PORT_MAX)
    if not is_query and not is_admin:
        reader.refuse("interface-use", "serves neither query nor admin")
    use = InterfaceUse.QUERY * is_query | InterfaceUse.ADMIN * is_admin
    return SiteInterface(InterfaceUse(use), protocol or InterfaceProtocol.UDP, port)


def _version_from_json(reader: JsonReader) -> tuple[int, int]:
    text = reader.matching(_VERSION, "must be major and minor, such as 2.11", instead="0.0")
    major, minor = (int(part) for part in text.split("."))
    if max(major, minor) > 0xFF:
        reader.refuse("range", "each part must be at most 255", limit="255")
        return (0, 0)
    return (major, minor)


def _attribute_from_json(reader: JsonReader) -> SiteAttribute:
    reader.members(required=("name", "value"))
    return SiteAttribute(
        name=reader.member("name").plain_text(bytes_max=SITE_TEXT_BYTES_MAX),
        value=reader.member("value").plain_text(bytes_max=SITE_TEXT_BYTES_MAX),
    )
