"""Numbered pages as SNMS lists them, and times in Beijing; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from idnode.frontends.snms.envelope import SnmsRefusal
from idnode.model.beijing import BEIJING
from idnode.model.errors import shown

PAGE_SIZE_DEFAULT = 10
PAGE_SIZE_MAX = 1_000
PAGES_MAX = 1_000_000
PARAMETER_CHARACTERS_MAX = 255
_LAYOUT = "%Y-%m-%d %H:%M:%S"

Parameter = Callable[[str], str | None]
"""A query parameter by its name; None or "" without one."""


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Which page: `number` counts from 1, as the guide's examples do, and comes back as `number`."""

    number: int
    size: int

    @classmethod
    def of(cls, parameter: Parameter) -> "PageAsked":
        """From currentPage and pageSize. Raises SnmsRefusal."""
        return cls(
            _number("currentPage", parameter("currentPage"), 1, PAGES_MAX),
            _number("pageSize", parameter("pageSize"), PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX),
        )

    @property
    def offset(self) -> int:
        """Items before it."""
        return (self.number - 1) * self.size

    def document(self, content: Sequence[object], total: int) -> dict[str, object]:
        """The page."""
        pages = -(-total // self.size)
        return {
            "first": self.number == 1,
            "last": self.number >= pages,
            "totalPages": pages,
            "totalElements": total,
            "number": self.number,
            "size": self.size,
            "sort": None,
            "numberOfElements": len(content),
            "content": content,
        }


def beijing_text(moment: datetime) -> str:
    """yyyy-MM-dd HH:mm:ss in Beijing."""
    return moment.astimezone(BEIJING).strftime(_LAYOUT)


def span_of(parameter: Parameter) -> tuple[datetime | None, datetime | None]:
    """startDate and endDate, whole seconds in Beijing, both included. Raises SnmsRefusal."""
    since, until = (_moment(name, parameter(name)) for name in ("startDate", "endDate"))
    if since is not None and until is not None and until < since:
        raise SnmsRefusal("endDate 早于 startDate")
    return since, None if until is None else until + timedelta(milliseconds=999)


def _moment(name: str, sent: str | None) -> datetime | None:
    if not sent:
        return None
    try:
        moment = datetime.strptime(sent, _LAYOUT).replace(tzinfo=BEIJING)
    except ValueError:
        raise SnmsRefusal(f"{name} 必须是 yyyy-MM-dd HH:mm:ss 格式的时间，收到 {shown(sent)}") from None
    if not 1970 <= moment.year <= 9998:
        raise SnmsRefusal(f"{name} 的年份必须在 1970 到 9998 之间，收到 {shown(sent)}")
    return moment.astimezone(UTC)


def _number(name: str, sent: str | None, default: int, maximum: int) -> int:
    if not sent:
        return default
    if sent.isascii() and sent.isdigit() and len(sent) <= len(str(maximum)) and 1 <= int(sent) <= maximum:
        return int(sent)
    raise SnmsRefusal(f"{name} 必须是 1 到 {maximum} 的整数，收到 {shown(sent)}")
