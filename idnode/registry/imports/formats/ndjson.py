"""Rows of NDJSON: a JSON object on each line, as in `POST /v1/identifiers:batch`."""

import orjson

from idnode.model.errors import MalformedInput, Violation, shown
from idnode.registry.imports.formats.encoding import Encoding, misfit, not_decoded
from idnode.wire.strict_json import is_surely_strict, looseness

REASON_MEMBER = "reason"
"""Stands in files of rejected rows, and is passed over when they are sent again."""

Document = dict[str, object]


def document_of(line: bytes, encoding: Encoding, *, offset: int) -> Document:
    """The object of one line; `offset` is where the line begins in its file. Raises MalformedInput."""
    if encoding is Encoding.GB18030:
        line = _decoded(line, encoding, offset).encode()
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _unreadable(line, encoding, offset, error) from error
    if type(document) is not dict:
        detail = f"a row is a JSON object, this is {shown(document)}"
        raise _refused(Violation("", "object", detail, shown(document)))
    if not is_surely_strict(line, document):
        loose = looseness(line.decode())
        if loose is not None:
            raise _refused(loose)
    if REASON_MEMBER in document:
        del document[REASON_MEMBER]
    return document


def text_of(line: bytes, encoding: Encoding) -> str:
    """The line as text, with what cannot be decoded replaced."""
    return line.decode(encoding, "replace").rstrip("\r\n")


def _decoded(line: bytes, encoding: Encoding, offset: int) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        raise _refused(not_decoded(offset + error.start, encoding)) from error


def _unreadable(line: bytes, encoding: Encoding, offset: int, error: orjson.JSONDecodeError) -> MalformedInput:
    place = misfit(line, Encoding.UTF_8)
    if place is not None:
        return _refused(not_decoded(offset + place, encoding))
    return _refused(Violation("", "json", f"the line is no JSON: {error}", shown(text_of(line, Encoding.UTF_8))))


def _refused(violation: Violation) -> MalformedInput:
    return MalformedInput(violation.detail, violations=(violation,))
