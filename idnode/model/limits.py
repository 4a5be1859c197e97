"""Every limit of the node that is part of its contract, with its unit last in the name."""

IDENTIFIER_BYTES_MAX = 255
"""Identifier in UTF-8 (industries.md, "Identifier syntax")."""
PREFIX_BYTES_MAX = 160
PREFIX_LABEL_DIGITS_MAX = 128
"""Digits of an enterprise label (industries.md)."""

VALUE_INDEX_MAX = 2**31 - 1
"""Handle value indexes are positive and four bytes long; readers treat them as signed (RFC 3651 §3.1)."""
VALUE_TYPE_BYTES_MAX = 128
VALUE_DATA_BYTES_MAX = 65_536
VALUE_REFERENCES_MAX = 64
VALUES_MAX = 2_048
"""Values of one record (handle-protocol.md §1.3)."""
RECORD_BYTES_MAX = 196_608
"""A record as JSON; keeps its native form under the 262,144 bytes of one Handle message (handle-protocol.md §1.1)."""

TTL_SECONDS_MAX = 365 * 86_400
TTL_SECONDS_DEFAULT = 86_400
"""RFC 3651 §3.1: 24 hours unless the value says otherwise."""

RESERVED_INDEXES = frozenset({1000, 1001, 1999})
"""TEMPLATE_ID, TEMPLATE and 1999 belong to the node (snms-api.md, "Rules")."""
TEMPLATE_INDEX_MIN = 2_000
TEMPLATE_ITEMS_MAX = 512
TEMPLATE_VERSION_CHARACTERS_MAX = 128

RECURSIVE_NODE_CHARACTERS_MAX = 128
"""Some recursive nodes take no longer identifier (snms-api.md, last paragraph); a warning, not an error."""

PAGE_ITEMS_MAX = 1_000
PAGE_ITEMS_DEFAULT = 50
RESOLVE_BATCH_MAX = 1_000
REQUEST_BYTES_MAX = 1 << 20
IDEMPOTENCY_KEY_CHARACTERS_MAX = 128
SHOWN_VALUE_CHARACTERS_MAX = 80
"""How much of an offending value an error repeats."""
INTEGER_BITS_SHOWN_MAX = 1_024
VIOLATIONS_MAX = 100
"""How many violations one refusal lists, the others being counted: junk must not make a bigger answer than itself."""
