"""Bad requests, one table for each part of a request: every one is refused by name and leaves nothing behind."""

import json
from typing import Any

from faults import Table, expected, faults
from harness import TEXTILE, NodeUnderTest
from stored_rows import stored_rows

URL = {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/jx-1"}}
TEXTILES = {"prefix": "88.118", "version": "textiles-1.0"}
JX1 = "/v1/identifiers/88.118.8/JX-1"
LONG = "x" * 79 + "…"


def registration(**members: Any) -> bytes:
    """A good registration with some members changed."""
    return json.dumps({"identifier": "88.118.8/JX-1", "values": [URL], **members}).encode()


def with_value(**members: Any) -> bytes:
    """A good registration with some members of its value changed."""
    return registration(values=[{**URL, **members}])


def with_index(raw: bytes) -> bytes:
    """A good registration with an index that Python would not write like this."""
    return b'{"identifier":"88.118.8/JX-1","values":[{"index":%b,"type":"URL","data":"x"}]}' % raw


def with_attributes(**members: Any) -> bytes:
    """A good textile with some attributes changed."""
    content = {"identifier": "88.118.8/JX-1", "template": TEXTILES, "attributes": {**TEXTILE, **members}}
    return json.dumps(content).encode()


MALFORMED: Table = {
    "nothing": (b"", (400, "", "json", None, None)),
    "half an object": (b'{"identifier":', (400, "", "json", None, None)),
    "single quotes": (b"{'identifier':1}", (400, "", "json", None, None)),
    "a comma too many": (b'{"identifier":"88.118.8/JX-1",}', (400, "", "json", None, None)),
    "two documents": (b"{}{}", (400, "", "json", None, None)),
    "a byte order mark": (b"\xef\xbb\xbf" + registration(), (400, "", "json", None, None)),
    "UTF-16": (registration().decode().encode("utf-16"), (400, "", "json", None, None)),
    "a byte that is not UTF-8": (b'{"identifier":"88.118.8/\xff"}', (400, "", "json", None, None)),
    "an encoded surrogate": (b'{"identifier":"88.118.8/\xed\xa0\x80"}', (400, "", "json", None, None)),
    "a lone high surrogate": (registration(identifier="88.118.8/\ud800"), (400, "", "json", None, None)),
    "a lone low surrogate": (registration(identifier="88.118.8/\udc00"), (400, "", "json", None, None)),
    "a raw control character": (b'{"identifier":"88.118.8/a\x01"}', (400, "", "json", None, None)),
    "a raw NUL": (b'{"identifier":"88.118.8/a\x00"}', (400, "", "json", None, None)),
    "100,000 brackets": (b"[" * 100_000, (400, "", "json", None, None)),
    "100,000 objects": (b'{"a":' * 100_000, (400, "", "json", None, None)),
    "300 brackets that close": (
        b'{"attributes":{"a":' + b"[" * 300 + b"]" * 300 + b"}}",
        (400, "", "json", None, None),
    ),
    "a number of 5,000 digits": (with_index(b"1" + b"0" * 5_000), (400, "", "json", None, None)),
    "a leading zero": (with_index(b"01"), (400, "", "json", None, None)),
    "a hexadecimal number": (with_index(b"0x1"), (400, "", "json", None, None)),
    "NaN": (with_index(b"NaN"), (400, "/values/0/index", "json", "NaN", None)),
    "Infinity": (with_index(b"Infinity"), (400, "/values/0/index", "json", "Infinity", None)),
    "-Infinity": (with_index(b"-Infinity"), (400, "/values/0/index", "json", "-Infinity", None)),
    "NaN as an attribute": (with_attributes(width=float("nan")), (400, "/attributes/width", "json", "NaN", None)),
    "a member twice": (
        b'{"identifier":"88.118.8/JX-1","identifier":"88.118.8/JX-2","values":[{"index":1,"type":"URL","data":"x"}]}',
        (400, "/identifier", "given-twice", None, None),
    ),
    "a member of a value twice": (
        b'{"identifier":"88.118.8/JX-1","values":[{"index":1,"type":"URL","data":"x","data":"y"}]}',
        (400, "/values/0/data", "given-twice", None, None),
    ),
    "a member twice, escaped differently": (
        b'{"identifier":"88.118.8/JX-1","values":[{"index":1,"type":"URL","typ\\u0065":"A","data":"x"}]}',
        (400, "/values/0/type", "given-twice", None, None),
    ),
    "an attribute twice": (
        b'{"identifier":"88.118.8/JX-1","values":[],"attributes":{"a/b":[0,{"x":1,"x":2}]}}',
        (400, "/attributes/a~1b/1/x", "given-twice", None, None),
    ),
}
BODIES: Table = {
    "null": (b"null", (422, "", "model-type", "null", None)),
    "a number": (b"5", (422, "", "model-type", "5", None)),
    "an array": (b"[1]", (422, "", "model-type", "an array of 1", None)),
    "no members": (b"{}", (422, "/identifier", "required", None, None)),
    "an unknown member": (registration(extra=True), (422, "/extra", "unknown-member", "true", None)),
    "a name of 100,000 letters": (registration(**{"x" * 100_000: 1}), (422, "/" + LONG, "unknown-member", "1", None)),
    "a name with NUL and bidi": (
        registration(**{"a\0\u202e/~": 1}),
        (422, "/a\\x00\\u202e~1~0", "unknown-member", "1", None),
    ),
    "50,000 unknown members": (
        registration(**{f"x{n}": 1 for n in range(50_000)}),
        (422, "/x0", "unknown-member", "1", None),
    ),
}
IDENTIFIERS: Table = {
    "a number": (registration(identifier=5), (422, "/identifier", "string-type", "5", None)),
    "null": (registration(identifier=None), (422, "/identifier", "string-type", "null", None)),
    "an array of 100,000": (
        registration(identifier=[1] * 100_000),
        (422, "/identifier", "string-type", "an array of 100000", None),
    ),
    "empty": (registration(identifier=""), (422, "/identifier", "prefix-slash-suffix", "", None)),
    "no slash": (registration(identifier="88.118.8"), (422, "/identifier", "prefix-slash-suffix", "88.118.8", None)),
    "a percent-encoded slash": (
        registration(identifier="88.118.8%2FJX-1"),
        (422, "/identifier", "prefix-slash-suffix", "88.118.8%2FJX-1", None),
    ),
    "a fullwidth slash": (
        registration(identifier="88.118.8／JX-1"),
        (422, "/identifier", "prefix-slash-suffix", "88.118.8／JX-1", None),
    ),
    "no prefix": (registration(identifier="/JX-1"), (422, "/identifier", "dotted-labels", "", None)),
    "no suffix": (registration(identifier="88.118.8/"), (422, "/identifier", "suffix-not-empty", "88.118.8/", None)),
    "a space behind": (
        registration(identifier="88.118.8/a "),
        (422, "/identifier", "no-outer-space", "88.118.8/a ", None),
    ),
    "256 bytes": (
        registration(identifier="88.118.8/" + "x" * 247),
        (422, "/identifier", "max-bytes", "88.118.8/" + "x" * 70 + "…", "255 bytes"),
    ),
    "258 bytes in 92 characters": (
        registration(identifier="88.118.8/" + "品" * 83),
        (422, "/identifier", "max-bytes", "88.118.8/" + "品" * 70 + "…", "255 bytes"),
    ),
    "500,000 characters": (
        registration(identifier="88.118.8/" + "x" * 500_000),
        (422, "/identifier", "max-length", "88.118.8/" + "x" * 70 + "…", "4096"),
    ),
    "NUL": (registration(identifier="88.118.8/a\0"), (422, "/identifier", "printable", "88.118.8/a\\x00", None)),
    "bidi": (registration(identifier="88.118.8/\u202ea"), (422, "/identifier", "printable", "88.118.8/\\u202ea", None)),
    "zero width": (
        registration(identifier="88.118.8/a\u200b"),
        (422, "/identifier", "printable", "88.118.8/a\\u200b", None),
    ),
    "a no-break space": (
        registration(identifier="88.118.8/a\u00a0b"),
        (422, "/identifier", "printable", "88.118.8/a\\xa0b", None),
    ),
    "no character": (
        registration(identifier="88.118.8/\uffff"),
        (422, "/identifier", "printable", "88.118.8/\\uffff", None),
    ),
    "a prefix of another node": (
        registration(identifier="10.1000/1"),
        (404, "/identifier", "foreign-prefix", "10.1000", None),
    ),
    "a prefix that nobody has": (
        registration(identifier="88.118.9/1"),
        (404, "/identifier", "foreign-prefix", "88.118.9", None),
    ),
    "a prefix that begins like ours": (
        registration(identifier="88.118.80/1"),
        (404, "/identifier", "foreign-prefix", "88.118.80", None),
    ),
}
VALUES: Table = {
    "an object": (registration(values={}), (422, "/values", "list-type", "an object of 0", None)),
    "null": (registration(values=None), (422, "/values", "list-type", "null", None)),
    "none": (registration(values=[]), (422, "/values", "min-values", "[]", "1 value")),
    "numbers": (registration(values=[1]), (422, "/values/0", "object", "1", None)),
    "2,049": (registration(values=[URL] * 2_049), (422, "/values", "max-items", None, "2048 items")),
    "an index twice": (registration(values=[URL, URL]), (422, "/values/1/index", "unique-index", "1", None)),
    "an unknown member": (with_value(extra=1), (422, "/values/0/extra", "known-member", None, None)),
    "a record over its limit": (
        registration(values=[{**URL, "index": n, "data": "x" * 65_536} for n in (1, 2, 3)]),
        (422, "", "max-bytes", "197134", "196608 bytes"),
    ),
    "index 0": (with_value(index=0), (422, "/values/0/index", "range", "0", "1 to 2147483647")),
    "index -1": (with_value(index=-1), (422, "/values/0/index", "range", "-1", "1 to 2147483647")),
    "index 2**31": (with_value(index=2**31), (422, "/values/0/index", "range", "2147483648", "1 to 2147483647")),
    "index 10**400": (
        with_value(index=10**400),
        (422, "/values/0/index", "range", "an integer of 1329 bits", "1 to 2147483647"),
    ),
    "index 1e400": (with_index(b"1e400"), (422, "/values/0/index", "integer", "inf", None)),
    "index 1.0": (with_value(index=1.0), (422, "/values/0/index", "integer", "1.0", None)),
    "index true": (with_value(index=True), (422, "/values/0/index", "integer", "true", None)),
    "index 1000": (with_value(index=1000), (422, "/values/0/index", "reserved-index", "1000", None)),
    "index 1001": (with_value(index=1001), (422, "/values/0/index", "reserved-index", "1001", None)),
    "index 1999": (with_value(index=1999), (422, "/values/0/index", "reserved-index", "1999", None)),
    "an empty type": (with_value(type=""), (422, "/values/0/type", "not-empty", "", None)),
    "a type with NUL": (with_value(type="A\0"), (422, "/values/0/type", "printable", "A\\x00", None)),
    "a type of 129 bytes": (with_value(type="x" * 129), (422, "/values/0/type", "max-bytes", LONG, "128 bytes")),
    "data with NUL": (with_value(data="a\0"), (422, "/values/0/data", "plain-text", "a\\x00", None)),
    "data with bidi": (with_value(data="a\u202e"), (422, "/values/0/data", "plain-text", "a\\u202e", None)),
    "data of 65,537 bytes": (with_value(data="x" * 65_537), (422, "/values/0/data", "max-bytes", LONG, "65536 bytes")),
    "data of an unknown format": (
        with_value(data={"format": "xml", "value": "<a/>"}),
        (422, "/values/0/data/format", "one-of", "xml", "string, base64, hex, admin, vlist, key, site"),
    ),
    "data that is no base64": (
        with_value(data={"format": "base64", "value": "!!!!"}),
        (422, "/values/0/data/value", "base64", "!!!!", None),
    ),
    "ttl -1": (with_value(ttl=-1), (422, "/values/0/ttl", "range", "-1", "0 to 31536000")),
    "ttl of 31 years": (with_value(ttl=10**9), (422, "/values/0/ttl", "range", "1000000000", "0 to 31536000")),
    "ttl 1e9": (with_value(ttl=1e9), (422, "/values/0/ttl", "integer", "1000000000.0", None)),
    "ttl at the end of the calendar": (
        with_value(ttl="9999-12-31T23:59:59-14:00"),
        (422, "/values/0/ttl", "date-time", "9999-12-31T23:59:59-14:00", None),
    ),
    "ttl at its beginning": (
        with_value(ttl="0001-01-01T00:00:00+14:00"),
        (422, "/values/0/ttl", "date-time", "0001-01-01T00:00:00+14:00", None),
    ),
    "permissions 2222": (with_value(permissions="2222"), (422, "/values/0/permissions", "pattern", "2222", None)),
    "permissions in other digits": (
        with_value(permissions="١١١٠"),
        (422, "/values/0/permissions", "pattern", "١١١٠", None),
    ),
    "a timestamp that is none": (with_value(timestamp="now"), (422, "/values/0/timestamp", "date-time", "now", None)),
    "references that are no array": (with_value(references={}), (422, "/values/0/references", "array", None, None)),
    "65 references": (
        with_value(references=[{"handle": "88.118.8/JX-2", "index": 1}] * 65),
        (422, "/values/0/references", "max-items", None, "64 items"),
    ),
    "a reference without an index": (
        with_value(references=[{"handle": "88.118.8/JX-2"}]),
        (422, "/values/0/references/0/index", "required", None, None),
    ),
    "a reference with NUL": (
        with_value(references=[{"handle": "88.118.8/\0", "index": 1}]),
        (422, "/values/0/references/0/handle", "printable", "88.118.8/\\x00", None),
    ),
}
CONTENT: Table = {
    "a template by its version only": (
        registration(template="textiles-1.0"),
        (422, "/template", "model-type", "textiles-1.0", None),
    ),
    "an unknown template": (
        registration(template={**TEXTILES, "version": "nope"}),
        (422, "/template", "unknown-template", "88.118 nope", None),
    ),
    "a template with NUL": (
        registration(template={**TEXTILES, "version": "a\0"}),
        (422, "/template/version", "printable", "a\\x00", None),
    ),
    "attributes without a template": (
        registration(attributes={"width": 1, "\0": 2}),
        (422, "/attributes", "template-required", "width, \\x00", None),
    ),
    "an attribute of 500,000 letters without a template": (
        registration(attributes={"x" * 500_000: 1}),
        (422, "/attributes", "template-required", LONG, None),
    ),
    "an unknown attribute": (with_attributes(sky=1), (422, "/attributes/sky", "unknown-item", "sky", None)),
    "an attribute with NUL": (
        with_attributes(product_name="a\0"),
        (422, "/attributes/product_name", "type", "a\\x00", None),
    ),
    "an attribute with bidi": (
        with_attributes(product_name="a\u202e"),
        (422, "/attributes/product_name", "type", "a\\u202e", None),
    ),
    "NUL inside a JSON attribute": (
        with_attributes(fibre_composition=[{"fibre": "cotton\0", "percent": 100}]),
        (422, "/attributes/fibre_composition", "type", "an array of 1", None),
    ),
    "a JSON attribute 40 levels deep": (
        with_attributes(fibre_composition=json.loads("[" * 40 + "]" * 40)),
        (422, "/attributes/fibre_composition", "type", "an array of 1", None),
    ),
    "a number of 400 digits": (
        with_attributes(width=10**400),
        (422, "/attributes/width", "type", "an integer of more than 64 bits", None),
    ),
    "a number below its bound": (with_attributes(width=-1), (422, "/attributes/width", "minimum", "-1", "1 cm")),
}


async def test_no_bad_registration_is_accepted_or_leaves_anything_behind(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix("88.118.8")
    tables: Table = {}
    for name, table in (("json", MALFORMED), ("body", BODIES), ("identifier", IDENTIFIERS), ("content", CONTENT)):
        tables |= {f"{name}: {title}": case for title, case in table.items()}
    before = await stored_rows(dsn)

    found = await faults(node, "POST", "/v1/identifiers", tables | VALUES)

    assert found == expected(tables | VALUES)
    assert await stored_rows(dsn) == before


async def test_no_bad_replacement_or_patch_changes_the_record(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    content = {
        title: (json.dumps({"values": json.loads(body)["values"]}).encode(), fault)
        for title, (body, fault) in VALUES.items()
        if title != "index 1e400"
    }
    patches: Table = {
        "nothing": (b"{}", (422, "", "empty-patch", None, None)),
        "an unknown index": (b'{"remove":[7]}', (422, "/remove", "unknown-index", "7", None)),
        "an index both set and removed": (
            json.dumps({"remove": [1], "values": [URL]}).encode(),
            (422, "/remove", "set-and-removed", "1", None),
        ),
        "the last value": (b'{"remove":[1]}', (422, "/values", "min-values", "[]", "1 value")),
        "index 0": (b'{"remove":[0]}', (422, "/remove/0", "minimum", "0", "1")),
        "2,049 indexes": (
            json.dumps({"remove": list(range(1, 2_050))}).encode(),
            (422, "/remove", "max-items", "an array of 2049", "2048"),
        ),
        "an attribute without a template": (
            b'{"attributes":{"width":1}}',
            (422, "/attributes", "template-required", "width", None),
        ),
    }
    before = await stored_rows(dsn)

    replaced = await faults(node, "PUT", JX1, content)
    patch = await faults(node, "PATCH", JX1, patches)

    assert replaced == expected(content)
    assert patch == expected(patches)
    assert await stored_rows(dsn) == before
