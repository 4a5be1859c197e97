"""Parameters of the REST interface: which values, for whom, in which form (handle-protocol.md §2). Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import orjson

from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown
from idnode.model.limits import VALUE_INDEX_MAX, VALUES_MAX
from idnode.resolver.selection import Selection

INDEXES_MAX = VALUES_MAX
TYPES_MAX = 256
PARAMETERS_MAX = 4_096
"""Name-value pairs of a query and a body together."""
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

_INDEX = re.compile(r"-?[0-9]{1,10}", re.ASCII)
# A path of names such as `app.callbacks.on_record`; nothing that could call, quote or assign.
_NOT_IN_CALLBACK = re.compile(r"[^A-Za-z0-9_$.]", re.ASCII)
_TRUE = frozenset({"", "true", "yes"})

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Presentation:
    """The form of an answer, of refusals too; `callback` is safe to stand in a script."""

    callback: str | None = None
    is_pretty: bool = False

    @classmethod
    def of(cls, pairs: Pairs) -> "Presentation":
        """Refuses nothing: characters that may not stand in a callback become `_`."""
        callback = next((text for name, text in pairs if name == "callback"), "")
        return cls(_NOT_IN_CALLBACK.sub("_", callback) or None, bool(_flag(pairs, "pretty")))


@dataclass(frozen=True, slots=True)
class Lookup:
    """What is asked for. `public_only` is None when the request leaves it to its credentials.

    `is_authoritative` (auth) and `is_certified` (cert) ask for what every answer of this node is, or none yet.
    """

    selection: Selection
    public_only: bool | None
    refuses_referral: bool
    is_authoritative: bool
    is_certified: bool

    @classmethod
    def of(cls, pairs: Pairs) -> "Lookup":
        """Raises InvalidInput for an index that is no number, and for more than the limits."""
        if len(pairs) > PARAMETERS_MAX:
            raise _too_many("parameters", len(pairs), PARAMETERS_MAX)
        return cls(
            selection=selection_of(pairs),
            public_only=_flag(pairs, "publicOnly"),
            refuses_referral=bool(_flag(pairs, "doNotRefer")),
            is_authoritative=bool(_flag(pairs, "auth")),
            is_certified=bool(_flag(pairs, "cert")),
        )


def is_flag_set(text: str | None) -> bool:
    """A flag is set by its name alone, `true` or `yes`; anything else leaves it unset."""
    return text is not None and text.lower() in _TRUE


def pairs_of_body(content_type: str, body: bytes) -> Pairs:
    """The parameters in the body of a POST, form or JSON. Raises MalformedInput."""
    match content_type:
        case "application/json":
            return _pairs_of_json(body)
        case "application/x-www-form-urlencoded":
            return _pairs_of_form(body)
        case _:
            raise MalformedInput(f"parameters in a body are {FORM} or {JSON}, not {shown(content_type)}")


def selection_of(pairs: Pairs) -> Selection:
    """`index` and `type`, each repeatable; a type that ends in a dot is a beginning. Raises InvalidInput."""
    indexes = [index_of(text) for text in _texts(pairs, "index", INDEXES_MAX)]
    return Selection.of(indexes, _texts(pairs, "type", TYPES_MAX))


def _pairs_of_form(body: bytes) -> Pairs:
    try:
        return parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS_MAX, separator="&"
        )
    except UnicodeDecodeError:
        raise MalformedInput("the form is not UTF-8") from None
    except ValueError:
        raise MalformedInput(f"the form has more than {PARAMETERS_MAX} parameters") from None


def _pairs_of_json(body: bytes) -> Pairs:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedInput(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise MalformedInput('the body must be an object of parameters, such as {"index": [1, 2], "pretty": true}')
    return [
        (name, _text_of(name, each))
        for name, value in document.items()
        for each in (value if isinstance(value, list) else [value])
    ]


def _text_of(name: str, value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | str():
            return str(value)
        case _:
            raise MalformedInput(f"parameter {shown(name)} takes text, whole numbers, true, false and lists of these")


def _flag(pairs: Pairs, name: str) -> bool | None:
    texts = [text for given, text in pairs if given == name]
    return is_flag_set(texts[0]) if texts else None


def _texts(pairs: Pairs, name: str, items_max: int) -> list[str]:
    texts = [text for given, text in pairs if given == name]
    if len(texts) > items_max:
        raise _too_many(f"{name} parameters", len(texts), items_max)
    return texts


def index_of(text: str) -> int:
    """One index of a query. Raises InvalidInput."""
    if _INDEX.fullmatch(text) is None or abs(int(text)) > VALUE_INDEX_MAX:
        detail = f"index '{shown(text)}' is not a number of at most {VALUE_INDEX_MAX}"
        raise InvalidInput(detail, violations=(Violation("index", "integer", detail, shown(text)),))
    return int(text)


def _too_many(what: str, count: int, limit: int) -> InvalidInput:
    detail = f"{count} {what}, the limit is {limit}"
    return InvalidInput(detail, violations=(Violation("query", "max-items", detail, str(count), str(limit)),))
