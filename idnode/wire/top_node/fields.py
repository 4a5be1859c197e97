"""Fields of the tables that a top node gets: what kind of value each takes, and the check of one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address

from idnode.model.errors import Violation, shown
from idnode.model.industry import Industry
from idnode.wire.encoded_bytes import from_base64
from idnode.wire.iso_time import moment_of
from idnode.wire.plain_text import is_plain, not_plain

COUNT_MAX = (1 << 53) - 1
"""The largest integer that every JSON reader keeps exactly (RFC 7493 §2.2)."""
DECIMAL_MAX = 1e12
PORT_MAX = 65_535
PHOTO_BYTES_MAX = 512 << 10
PHOTO_CHARACTERS_MAX = (PHOTO_BYTES_MAX + 2) // 3 * 4
ADDRESS_CHARACTERS_MAX = 64


Options = Mapping[str | int, str]
"""What may be written, and its Chinese name."""


class Kind(StrEnum):
    """What a field's value is in JSON."""

    TEXT = "text"
    """1 to `max_length` characters, without control characters."""
    CHOICE = "choice"
    """One of the texts of `options`."""
    CODE = "code"
    """One of the integers of `options`, which the contract numbers."""
    COUNT = "count"
    """An integer from 0."""
    PORT = "port"
    """An integer from 1 to 65535."""
    DECIMAL = "decimal"
    """A number from 0."""
    DATE = "date"
    """yyyy-MM-dd."""
    MOMENT = "moment"
    """RFC 3339 to the second, with Z or an offset."""
    ADDRESS = "address"
    """An IPv4 or IPv6 address."""
    ADDRESSES = "addresses"
    """IPv4 and IPv6 addresses with `;` between them."""
    INDUSTRY = "industry"
    """A code of GB/T 4754-2017, such as C17."""
    PHOTO = "photo"
    """Base64 of an image of at most 512 KiB."""
    OBJECT = "object"
    """An object of `fields`."""
    TEXTS = "texts"
    """A list of texts."""
    OBJECTS = "objects"
    """A list of objects of `fields`."""


@dataclass(frozen=True, slots=True)
class TableField:
    """A field of a table. An optional one is absent when it has no value: null and "" are refused.

    `title` is its Chinese name. `max_length` counts characters (of each text of a list). `options` maps what may be
    written to the Chinese name of it. `required_when` is a sibling and the value of it that makes this one required.
    `is_personal`: no refusal repeats its value.
    """

    name: str
    title: str
    kind: Kind = Kind.TEXT
    is_required: bool = False
    max_length: int = 255
    options: Options | None = None
    fields: tuple["TableField", ...] = ()
    items_min: int = 0
    items_max: int = 0
    required_when: tuple[str, str] | None = None
    is_personal: bool = False


def check_members(fields: Mapping[str, TableField], members: Mapping[str, object], pointer: str) -> list[Violation]:
    """What is wrong with an object of `fields`: every unknown, missing and broken member."""
    found: list[Violation] = []
    for name, value in members.items():
        field = fields.get(name)
        if field is None:
            detail = f"is no field here; known are {', '.join(fields)}"
            found.append(Violation(f"{pointer}/{_step(name)}", "known-field", detail))
        else:
            found += check_value(field, value, f"{pointer}/{name}")
    for field in fields.values():
        if field.name not in members and _is_wanted(field, members):
            found.append(Violation(f"{pointer}/{field.name}", "required", f"{field.title} is missing"))
    return found


def check_value(field: TableField, value: object, pointer: str) -> list[Violation]:
    """What is wrong with one value, and everything that is wrong below it."""
    match field.kind:
        case Kind.OBJECT:
            return _check_object(field, value, pointer)
        case Kind.OBJECTS | Kind.TEXTS:
            return _check_list(field, value, pointer)
    problem = _CHECKS[field.kind](field, value)
    if problem is None:
        return []
    rule, detail, limit = problem
    is_told = not field.is_personal and field.kind is not Kind.PHOTO
    return [Violation(pointer, rule, detail, shown(value) if is_told else None, limit)]


def _is_wanted(field: TableField, members: Mapping[str, object]) -> bool:
    if field.required_when is None:
        return field.is_required
    sibling, value = field.required_when
    return members.get(sibling) == value


def _step(name: str) -> str:
    return shown(name).replace("~", "~0").replace("/", "~1")


def _check_object(field: TableField, value: object, pointer: str) -> list[Violation]:
    if not isinstance(value, Mapping):
        return [Violation(pointer, "object", "must be an object", shown(value))]
    return check_members({inner.name: inner for inner in field.fields}, value, pointer)


def _check_list(field: TableField, value: object, pointer: str) -> list[Violation]:
    if not isinstance(value, list | tuple):
        return [Violation(pointer, "list", "must be a list", shown(value))]
    if not field.items_min <= len(value) <= field.items_max:
        span = f"{field.items_min} to {field.items_max}"
        return [Violation(pointer, "items", f"has {len(value)} items, must have {span}", limit=f"{span} items")]
    found: list[Violation] = []
    members = {inner.name: inner for inner in field.fields}
    for at, item in enumerate(value):
        place = f"{pointer}/{at}"
        if field.kind is Kind.TEXTS:
            problem = text_problem(field, item)
            if problem is not None:
                found.append(Violation(place, problem[0], problem[1], shown(item), problem[2]))
        elif isinstance(item, Mapping):
            found += check_members(members, item, place)
        else:
            found.append(Violation(place, "object", "must be an object", shown(item)))
    return found


_Problem = tuple[str, str, str | None]
"""The rule that is broken, how, and the limit."""


def text_problem(field: TableField, value: object) -> _Problem | None:
    """Why `value` is no text of 1 to `max_length` characters, or None."""
    if not isinstance(value, str):
        return ("text", "must be text", None)
    if not value:
        return ("not-empty", "must not be empty; a field without a value is left out", None)
    if len(value) > field.max_length:
        limit = f"{field.max_length} characters"
        return ("max-length", f"has {len(value)} characters, the limit is {field.max_length}", limit)
    if not is_plain(value):
        return ("plain-text", f"holds the control character {not_plain(value)}", None)
    return None


def _option_problem(field: TableField, value: object) -> _Problem | None:
    options = field.options or {}
    wanted = str if field.kind is Kind.CHOICE else int
    if type(value) is wanted and value in options:
        return None
    listed = ", ".join(f"{option} ({title})" for option, title in options.items())
    return ("one-of", f"must be one of {listed}", listed)


def _integer_problem(field: TableField, value: object) -> _Problem | None:
    least, most = (1, PORT_MAX) if field.kind is Kind.PORT else (0, COUNT_MAX)
    if type(value) is int and least <= value <= most:
        return None
    span = f"{least} to {most}"
    return ("integer", f"must be an integer from {span}", span)


def _decimal_problem(_field: TableField, value: object) -> _Problem | None:
    # Written so that NaN, which is not less than anything, is refused too.
    if type(value) in (int, float) and 0 <= value <= DECIMAL_MAX:  # type: ignore[operator]  # a number by now
        return None
    return ("number", f"must be a number from 0 to {DECIMAL_MAX:.0f}", f"0 to {DECIMAL_MAX:.0f}")


@lru_cache(maxsize=4_096)  # the records of a batch share few days
def is_date(text: str) -> bool:
    """The text is a day as yyyy-MM-dd."""
    # Python also takes 2026-W01-1 and 20260101.
    if len(text) != 10 or text[4] != "-" or text[7] != "-" or not text.isascii():
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _date_problem(_field: TableField, value: object) -> _Problem | None:
    if isinstance(value, str) and is_date(value):
        return None
    return ("date", "must be a day as yyyy-MM-dd", None)


def _moment_problem(_field: TableField, value: object) -> _Problem | None:
    if isinstance(value, str) and moment_of(value) is not None:
        return None
    return ("moment", "must be a time to the second as 2026-01-31T08:00:00+08:00", None)


def _address_problem(_field: TableField, value: object) -> _Problem | None:
    if isinstance(value, str) and _is_address(value):
        return None
    return ("address", "must be an IPv4 or IPv6 address", None)


def _addresses_problem(field: TableField, value: object) -> _Problem | None:
    problem = text_problem(field, value)
    if problem is not None:
        return problem
    wrong = next((part for part in str(value).split(";") if not _is_address(part)), None)
    if wrong is None:
        return None
    return ("addresses", f"must be IP addresses with ; between them, and {shown(wrong)!r} is none", None)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return len(text) <= ADDRESS_CHARACTERS_MAX


def _industry_problem(_field: TableField, value: object) -> _Problem | None:
    problem = Industry.problem_of(value) if isinstance(value, str) else "must be text"
    return None if problem is None else ("industry", problem, None)


def _photo_problem(_field: TableField, value: object) -> _Problem | None:
    limit = f"{PHOTO_BYTES_MAX} bytes"
    # Four characters stand for three bytes; what is far too long is not even decoded.
    if isinstance(value, str) and len(value) <= PHOTO_CHARACTERS_MAX:
        size = len(from_base64(value) or b"")
    else:
        size = len(value) // 4 * 3 if isinstance(value, str) else 0
    if 0 < size <= PHOTO_BYTES_MAX:
        return None
    if size > PHOTO_BYTES_MAX:
        return ("max-bytes", f"has about {size} bytes, the limit is {PHOTO_BYTES_MAX}", limit)
    return ("photo", "must be an image in base64 (RFC 4648 §4)", limit)


_CHECKS: Mapping[Kind, Callable[[TableField, object], _Problem | None]] = {
    Kind.TEXT: text_problem,
    Kind.CHOICE: _option_problem,
    Kind.CODE: _option_problem,
    Kind.COUNT: _integer_problem,
    Kind.PORT: _integer_problem,
    Kind.DECIMAL: _decimal_problem,
    Kind.DATE: _date_problem,
    Kind.MOMENT: _moment_problem,
    Kind.ADDRESS: _address_problem,
    Kind.ADDRESSES: _addresses_problem,
    Kind.INDUSTRY: _industry_problem,
    Kind.PHOTO: _photo_problem,
}
