"""Fields of SNMS forms: each reads one value, or says in Chinese what is wrong with it; pure.

Its clients send numbers as texts and texts as numbers, and "" for what they leave out: both are taken.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from idnode.frontends.snms.envelope import SnmsRefusal
from idnode.model.errors import InvalidPrefix, Violation, shown
from idnode.model.identifier import Prefix, unprintable
from idnode.model.industry import Industry
from idnode.wire.top_node.fields import is_date

REGION_DIGITS_MAX = 8
"""A code of GB/T 2260."""
NUMBER_MAX = (1 << 63) - 1
PORT_MAX = 65_535
ADDRESSES_MAX = 64
ITEMS_MAX = 50
FAULTS_TOLD_MAX = 8
"""Of a message; further ones are counted."""
REQUIRED = "required"
MISSING = "缺少必要的请求参数"

_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOBILE = re.compile(r"\+?[0-9][0-9 -]{2,}", re.ASCII)
_SHA_256 = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_ENDPOINT = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\]:([0-9]{1,5})", re.ASCII)

Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a value: the rule, how it is broken, and the limit."""

    rule: str
    detail: str
    limit: str | None = None


Read = Callable[[object], object]
"""From what was sent to the value, or Wrong."""


@dataclass(frozen=True, slots=True)
class FormField:
    """A member of a form. `is_secret`: no refusal repeats its value, for it is a password or names a person."""

    name: str
    read: Read
    is_required: bool = False
    is_secret: bool = False


class Faults:
    """The violations of a form so far. A path is dotted, as the vendor's guide writes it: `a.b[0].c`."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def note(self, path: str, wrong: Wrong, value: object = None, *, is_secret: bool = False) -> None:
        """One more."""
        told = None if value is None or is_secret else shown(value)
        pointer = "/" + path.replace("[", "/").replace("]", "").replace(".", "/") if path else ""
        self.violations.append(Violation(pointer, wrong.rule, wrong.detail, told, wrong.limit, path or None))

    def refuse_any(self) -> None:
        """Raises SnmsRefusal, in the words of the sheet, when there are some."""
        if not self.violations:
            return
        told = self.violations[:FAULTS_TOLD_MAX]
        missing = [str(each.item) for each in told if each.rule == REQUIRED and each.detail == MISSING]
        parts = [f"{MISSING}: {', '.join(missing)}"] if missing else []
        for each in told:
            if each.detail != MISSING:
                value = "" if each.value is None else f"，收到 {each.value}"
                parts.append(f"{each.item or '请求体'}: {each.detail}{value}")
        more = len(self.violations) - len(told)
        if more:
            parts.append(f"另有 {more} 处错误")
        raise SnmsRefusal("；".join(parts), violations=tuple(told))


def read_members(fields: Iterable[FormField], sent: object, path: str, faults: Faults) -> Fields:
    """The known members of an object; others are not looked at."""
    if not isinstance(sent, Mapping):
        missing = sent is None
        wrong = Wrong(REQUIRED, MISSING) if missing else Wrong("object", "必须是 JSON 对象")
        faults.note(path, wrong, sent)
        return {}
    found: Fields = {}
    for field in fields:
        value, place = sent.get(field.name), f"{path}.{field.name}" if path else field.name
        if value is None or value == "":
            if field.is_required:
                faults.note(place, Wrong(REQUIRED, MISSING))
            continue
        read = field.read(value)
        if isinstance(read, Wrong):
            faults.note(place, read, value, is_secret=field.is_secret)
        else:
            found[field.name] = read
    return found


def read_list(
    fields: Iterable[FormField], sent: object, path: str, faults: Faults, *, is_required: bool
) -> list[tuple[str, Fields]]:
    """The objects of a list, each with its path."""
    if sent is None or sent == "":
        sent = []
    if not isinstance(sent, list):
        faults.note(path, Wrong("list", "必须是数组"), sent)
        return []
    if not sent and is_required:
        faults.note(path, Wrong(REQUIRED, MISSING))
    if len(sent) > ITEMS_MAX:
        faults.note(path, Wrong("max-items", f"有 {len(sent)} 组，最多 {ITEMS_MAX} 组", f"{ITEMS_MAX} items"))
        return []
    fields = tuple(fields)
    return [(f"{path}[{at}]", read_members(fields, item, f"{path}[{at}]", faults)) for at, item in enumerate(sent)]


def text(characters_max: int) -> Read:
    """Printable text of at most `characters_max` characters."""

    def read(sent: object) -> object:
        if not isinstance(sent, str):
            return Wrong("string", "必须是字符串")
        if len(sent) > characters_max:
            limit = f"{characters_max} characters"
            return Wrong("max-length", f"有 {len(sent)} 个字符，最多 {characters_max} 个", limit)
        bad = unprintable(sent)
        if bad is not None:
            return Wrong("printable", f"含有不允许的字符：{bad}")
        return sent if sent == sent.strip() else Wrong("no-outer-space", "首尾不能有空格")

    return read


def email(characters_max: int) -> Read:
    """An address `name@host.domain`."""
    as_text = text(characters_max)

    def read(sent: object) -> object:
        found = as_text(sent)
        if isinstance(found, str) and _EMAIL.fullmatch(found) is None:
            return Wrong("email", "不是邮箱地址")
        return found

    return read


def mobile(characters_max: int) -> Read:
    """A telephone number."""
    as_text = text(characters_max)

    def read(sent: object) -> object:
        found = as_text(sent)
        if isinstance(found, str) and _MOBILE.fullmatch(found) is None:
            return Wrong("mobile", "不是电话号码")
        return found

    return read


def code(names: Mapping[int, str]) -> Read:
    """One of the numbers of a code list."""

    def read(sent: object) -> object:
        number = _number(sent)
        if number in names:
            return number
        listed = "，".join(f"{known} {name}" for known, name in names.items())
        return Wrong("one-of", f"必须是枚举值之一：{listed}", listed)

    return read


def number(sent: object) -> object:
    """A whole number from 0 that fits into eight bytes."""
    found = _number(sent)
    if found is None or found > NUMBER_MAX:
        return Wrong("integer", f"必须是 0 到 {NUMBER_MAX} 的整数", f"0 to {NUMBER_MAX}")
    return found


def port(sent: object) -> object:
    """A port, 1 to 65535."""
    found = _number(sent)
    if found is None or not 1 <= found <= PORT_MAX:
        return Wrong("port", f"必须是 1 到 {PORT_MAX} 的端口", f"1 to {PORT_MAX}")
    return found


def day(sent: object) -> object:
    """yyyy-MM-dd."""
    return sent if isinstance(sent, str) and is_date(sent) else Wrong("date", "必须是 yyyy-MM-dd 格式的日期")


def prefix(characters_max: int) -> Read:
    """A prefix of dotted labels, as Prefix."""
    as_text = text(characters_max)

    def read(sent: object) -> object:
        found = as_text(sent)
        if isinstance(found, Wrong):
            return found
        try:
            return Prefix.parse(str(found))
        except InvalidPrefix:
            return Wrong("prefix", "不是前缀")

    return read


def region(sent: object) -> object:
    """A code of GB/T 2260: 2 to 8 digits."""
    found = str(sent) if type(sent) is int else sent
    if isinstance(found, str) and found.isascii() and found.isdigit() and 2 <= len(found) <= REGION_DIGITS_MAX:
        return found
    limit = f"{REGION_DIGITS_MAX} digits"
    return Wrong("region", f"必须是 GB/T 2260 行政区划代码，最多 {REGION_DIGITS_MAX} 位数字", limit)


def sha_256(sent: object) -> object:
    """A password as the guide sends it: 64 hexadecimal digits."""
    if isinstance(sent, str) and _SHA_256.fullmatch(sent):
        return sent.lower()
    return Wrong("sha256", "必须是密码的 sha256 值：64 位十六进制数字", "64 characters")


def endpoints(characters_max: int) -> Read:
    """`[ip]:port` with `;` between them."""
    as_text = text(characters_max)

    def read(sent: object) -> object:
        found = as_text(sent)
        if isinstance(found, Wrong):
            return found
        for part in str(found).split(";"):
            match = _ENDPOINT.fullmatch(part.strip())
            if match is None or address(match[1]) is None or not 1 <= int(match[2]) <= PORT_MAX:
                detail = f"{shown(part)!r} 不符合格式 [ip]:port，多个之间用英文分号分隔"
                return Wrong("endpoints", detail, "[ip]:port;[ip]:port")
        return found

    return read


def addresses(characters_max: int) -> Read:
    """IPv4 and IPv6 addresses with `;` between them."""
    as_text = text(characters_max)

    def read(sent: object) -> object:
        found = as_text(sent)
        if isinstance(found, Wrong):
            return found
        wrong = next((part for part in str(found).split(";") if address(part.strip()) is None), None)
        return found if wrong is None else Wrong("ip-addresses", f"{shown(wrong)!r} 不是 IPv4 或 IPv6 地址")

    return read


def address(sent: str) -> IPv4Address | IPv6Address | None:
    """An address without a zone, or None."""
    if "%" in sent:
        return None
    try:
        return ip_address(sent)
    except ValueError:
        return None


def check_industry(levels: Mapping[str, object], path: str, faults: Faults) -> None:
    """The four levels of GB/T 4754, as many as are there, must be a way down the tree."""
    section = levels.get("industryCategory")
    if not isinstance(section, str):
        return
    above = ""
    for name in ("industrySpecific", "industryTrade", "industrySubclass"):
        digits = levels.get(name)
        if not isinstance(digits, str):
            return
        if not digits.startswith(above) or Industry.problem_of(section + digits) is not None:
            detail = f"不是 {section}{above} 之下的国民经济行业代码（GB/T 4754）"
            faults.note(f"{path}.{name}", Wrong("industry", detail), digits)
            return
        above = digits


def _number(sent: object) -> int | None:
    if isinstance(sent, str) and _DIGITS.fullmatch(sent):
        return int(sent)
    return sent if isinstance(sent, int) and not isinstance(sent, bool) and sent >= 0 else None
