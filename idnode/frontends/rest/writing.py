"""What a PUT or DELETE asks for: parameters and values, or the refusal with its code. Pure (handle-protocol.md §2)."""

from dataclasses import dataclass
from datetime import datetime

import orjson

from idnode.frontends.rest.parameters import JSON, Pairs, index_of, is_flag_set
from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import fold
from idnode.model.limits import VALUES_MAX
from idnode.registry.handle_rights import ValuesExist
from idnode.wire.handle_json_reading import values_from_json

VARIOUS = "various"
NOT_POSITIVE = "Value indexes must be positive"
_MEMBERS = frozenset({"handle", "values", "responseCode"})
"""Of a record; the code is there when a record is sent back as it was read."""


@dataclass(frozen=True, slots=True)
class PutParameters:
    """`adds`: the values are added to the record instead of replacing it; `indexes` are theirs if they were named."""

    overwrites: bool = True
    adds: bool = False
    indexes: frozenset[int] | None = None
    mints: bool = False

    @classmethod
    def of(cls, pairs: Pairs) -> "PutParameters":
        """Raises MalformedInput."""
        overwrite = next((text for name, text in pairs if name == "overwrite"), None)
        named = [text for name, text in pairs if name == "index"]
        indexes = None if not named or VARIOUS in named else frozenset(indexes_of(pairs))
        return cls(
            overwrites=overwrite is None or is_flag_set(overwrite),
            adds=bool(named),
            indexes=indexes,
            mints=is_flag_set(next((text for name, text in pairs if name == "mintNewSuffix"), None)),
        )

    def require_fit(self, values: tuple[HandleValue, ...]) -> None:
        """Raises MalformedInput unless the values have the indexes that were named."""
        sent = {value.index for value in values}
        if self.indexes is not None and self.indexes != sent:
            named, found = sorted(self.indexes), sorted(sent)
            detail = f"index names {_listed(named)}, the body has {_listed(found)}"
            raise MalformedInput(detail, violations=(Violation("index", "same-indexes", detail),))


def indexes_of(pairs: Pairs) -> list[int]:
    """The numbers of `index`. Raises MalformedInput."""
    texts = [text for name, text in pairs if name == "index"]
    if len(texts) > VALUES_MAX:
        detail = f"{len(texts)} index parameters, the limit is {VALUES_MAX}"
        raise MalformedInput(detail, violations=(Violation("index", "max-items", detail, None, str(VALUES_MAX)),))
    try:
        return [index_of(text) for text in texts]
    except InvalidInput as error:
        raise MalformedInput(error.detail, violations=error.violations) from None


def values_of(body: bytes, content_type: str, handle: str, *, now: datetime) -> tuple[HandleValue, ...]:
    """The values of a body: `{"values": […]}`, `[…]`, or one value by itself.

    Raises MalformedInput for what cannot be read, ValuesExist for an index that is there twice, InvalidInput with all
    that is wrong with the values.
    """
    if content_type != JSON:
        raise MalformedInput(f"the body is {shown(content_type)}; send Content-Type: {JSON}")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedInput(f"the body is not JSON: {error}") from None
    array, pointer = _array_of(document, handle)
    try:
        return values_from_json(array, now=now, pointer=pointer)
    except InvalidInput as error:
        raise _in_the_words_of_the_protocol(error) from None


def _array_of(document: object, handle: str) -> tuple[object, str]:
    if isinstance(document, list):
        return document, ""
    if not isinstance(document, dict):
        raise MalformedInput('the body must be {"values": […]}, an array of values, or one value')
    if "values" not in document and ("index" in document or "type" in document):
        return [document], ""
    if not isinstance(document.get("values"), list):
        raise MalformedInput("/values: must be an array of values")
    unknown = sorted(set(document) - _MEMBERS)
    if unknown:
        raise MalformedInput(f"/{shown(unknown[0])}: is no member here; known are handle and values")
    named = document.get("handle", handle)
    if not isinstance(named, str) or not _same(named, handle):
        raise MalformedInput(f"/handle: '{shown(named)}' is not the handle of the path, '{shown(handle)}'")
    return document["values"], "/values"


def _same(one: str, other: str) -> bool:
    try:
        return fold(one) == fold(other)
    except UnicodeEncodeError:
        return False


def _in_the_words_of_the_protocol(error: InvalidInput) -> InvalidInput | ValuesExist:
    for violation in error.violations:
        if violation.rule == "unique-index":
            return ValuesExist(violation.detail, violations=error.violations)
        value = (violation.value or "").lstrip("-")
        is_number = value.isascii() and value.isdigit()
        is_low = is_number and ((violation.value or "").startswith("-") or int(value) == 0)
        if is_low and violation.rule == "range" and violation.pointer.endswith("/index"):
            return InvalidInput(f"{violation.pointer}: {NOT_POSITIVE}", violations=error.violations)
    return error


def _listed(indexes: list[int]) -> str:
    return ", ".join(str(index) for index in indexes[:10]) or "none"
