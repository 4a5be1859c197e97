"""How awkward the simulated top node is: two profiles, every value of them changeable while it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from idnode.model.errors import InvalidInput, Violation, shown

MILLISECONDS_MAX = 600_000
"""Of a delay, or of the time until a verdict."""
SECONDS_MAX = 86_400
"""Of an outage, its distance, or the clock's error."""
REQUESTS_PER_SECOND_MAX = 1_000_000


class Profile(StrEnum):
    """How it behaves unless told otherwise."""

    CALM = "calm"
    AWKWARD = "awkward"


class ApplicationVerdict(StrEnum):
    """What becomes of an application for a prefix. Ask: it waits for a person. Draw: one in two, by seed."""

    ACCEPT = "accept"
    REJECT = "reject"
    ASK = "ask"
    DRAW = "draw"


@dataclass(frozen=True, slots=True)
class Span:
    """From `least` to `most` milliseconds, both included."""

    least: int
    most: int

    @classmethod
    def parse(cls, text: str) -> "Span":
        """`20-80`, or `50` for always the same. Raises InvalidInput."""
        parts = text.split("-")
        if len(parts) <= 2 and all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
            span = cls(int(parts[0]), int(parts[-1]))
            if span.least <= span.most <= MILLISECONDS_MAX:
                return span
        detail = f"'{shown(text)}' is no span of milliseconds such as 20-80; the most is {MILLISECONDS_MAX}"
        raise InvalidInput(detail)

    def __str__(self) -> str:
        return f"{self.least}-{self.most}"

    def at(self, share: float) -> float:
        """Seconds at a share (0 to 1) of the way."""
        return (self.least + (self.most - self.least) * share) / 1000


NO_DELAY = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Awkwardness:
    """What it does to requests and records. Shares are from 0 (never) to 1 (always).

    `errors`, `resets` and `lost_replies` are shares of requests: answered with 5xx, cut off before anything was taken
    in, cut off after everything was. `duplicates` and `rejections` are shares of verdicts: told a second time, and
    negative without a reason that the data would give. The outage begins `outage_after_seconds` after the start, or
    after this setting was changed. `clock_skew_seconds` is how far its clock is ahead. `judges_again`: a rejected
    record that comes again is judged anew, even if it is the same.
    """

    errors: float = 0.0
    resets: float = 0.0
    lost_replies: float = 0.0
    duplicates: float = 0.0
    rejections: float = 0.0
    delay_ms: Span = NO_DELAY
    verdict_delay_ms: Span = NO_DELAY
    outage_after_seconds: float | None = None
    outage_seconds: float = 60.0
    clock_skew_seconds: float = 0.0
    requests_per_second_max: float | None = None
    application_verdict: ApplicationVerdict = ApplicationVerdict.ACCEPT
    judges_again: bool = False


PROFILES: Mapping[Profile, Awkwardness] = {
    Profile.CALM: Awkwardness(),
    Profile.AWKWARD: Awkwardness(
        errors=0.05,
        resets=0.02,
        lost_replies=0.05,
        duplicates=0.01,
        delay_ms=Span(0, 40),
        verdict_delay_ms=Span(0, 500),
        outage_after_seconds=30.0,
    ),
}


def changed(present: Awkwardness, changes: Mapping[str, object]) -> Awkwardness:
    """`present` with some values replaced, given as JSON has them. Raises InvalidInput with every violation."""
    taken: dict[str, object] = {}
    violations: list[Violation] = []
    for name, value in changes.items():
        reader = _READERS.get(name)
        if reader is None:
            detail = f"there is no such setting; there are {', '.join(_READERS)}"
            violations.append(Violation(f"/{shown(name)}", "unknown", detail))
            continue
        try:
            taken[name] = reader(value)
        except InvalidInput as error:
            violations.append(Violation(f"/{name}", "setting", str(error), shown(value)))
    if violations:
        raise InvalidInput.of(violations)
    return replace(present, **taken)  # type: ignore[arg-type]  # each value has passed its field's reader


def as_document(awkwardness: Awkwardness) -> dict[str, object]:
    """The settings as JSON has them."""
    values = {field.name: getattr(awkwardness, field.name) for field in fields(awkwardness)}
    return {name: str(value) if isinstance(value, Span) else value for name, value in values.items()}


def _share(value: object) -> float:
    return _number(value, most=1)


def _seconds(value: object) -> float:
    return _number(value, most=SECONDS_MAX)


def _optional_seconds(value: object) -> float | None:
    return None if value is None else _seconds(value)


def _skew(value: object) -> float:
    return _number(value, least=-SECONDS_MAX, most=SECONDS_MAX)


def _rate(value: object) -> float | None:
    return None if value is None else _number(value, least=0.001, most=REQUESTS_PER_SECOND_MAX)


def _number(value: object, *, least: float = 0, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise InvalidInput(f"it must be a number from {least:g} to {most:g}")
    return float(value)


def _span(value: object) -> Span:
    return Span.parse(value if isinstance(value, str) else shown(value))


def _application_verdict(value: object) -> ApplicationVerdict:
    if value not in list(ApplicationVerdict):
        raise InvalidInput(f"it must be one of {', '.join(ApplicationVerdict)}")
    return ApplicationVerdict(str(value))


def _claim(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("it must be true or false")
    return value


_READERS: Mapping[str, Callable[[object], object]] = {
    "errors": _share,
    "resets": _share,
    "lost_replies": _share,
    "duplicates": _share,
    "rejections": _share,
    "delay_ms": _span,
    "verdict_delay_ms": _span,
    "outage_after_seconds": _optional_seconds,
    "outage_seconds": _seconds,
    "clock_skew_seconds": _skew,
    "requests_per_second_max": _rate,
    "application_verdict": _application_verdict,
    "judges_again": _claim,
}
