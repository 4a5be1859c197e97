"""A run as SVG: users' rate above, percentiles of latency below, over time; legible on light and dark. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from loadtest.recording import Point

WIDTH, HEIGHT = 860, 560
LEFT, RIGHT = 64, 20
_TICKS_MAX = 6
_STYLE = """
:root{--ground:#ffffff;--ink:#1f2328;--faint:#656d76;--rule:#d8dee4;
--blue:#1f6feb;--orange:#bc4c00;--purple:#8250df;--red:#cf222e}
@media (prefers-color-scheme:dark){:root{--ground:#0d1117;--ink:#e6edf3;--faint:#9198a1;--rule:#30363d;
--blue:#58a6ff;--orange:#f0883e;--purple:#bc8cff;--red:#ff7b72}}
text{font:12px system-ui,sans-serif;fill:var(--faint)}
.title{font-size:15px;font-weight:600;fill:var(--ink)}.panel{font-weight:600;fill:var(--ink)}
.rule{stroke:var(--rule)}.line{fill:none;stroke-width:1.8;stroke-linejoin:round}
.rate,.p50{stroke:var(--blue)}.p95{stroke:var(--orange)}.p99{stroke:var(--purple)}.failures{stroke:var(--red)}
.asked{stroke:var(--faint);stroke-dasharray:3 4}.objective{stroke:var(--red);stroke-dasharray:8 4}
"""


@dataclass(frozen=True, slots=True)
class _Line:
    """One series: class of its style, its name in the legend, values at the points."""

    style: str
    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class _Panel:
    """A plotting area from `top` to `bottom`; `place` gives a value's share of its height."""

    top: float
    bottom: float
    title: str
    ticks: Sequence[float]
    place: Callable[[float], float]

    def y(self, value: float) -> float:
        """Where a value is drawn; what is off the scale is drawn at its end."""
        return self.bottom - min(1.0, max(0.0, self.place(value))) * (self.bottom - self.top)


def plot(title: str, points: Sequence[Point], *, seconds: float, p99_objective: float | None) -> str:
    """The document. Points without answers leave gaps in the latencies."""
    rates = (
        _Line("rate", "answers/s", [point.rate for point in points]),
        _Line("asked", "asked for/s", [point.asked for point in points]),
        _Line("failures", "failures/s", [point.failures for point in points]),
    )
    latencies = (
        _Line("p50", "p50", [point.p50 for point in points]),
        _Line("p95", "p95", [point.p95 for point in points]),
        _Line("p99", "p99", [point.p99 for point in points]),
    )
    at = [point.at for point in points]
    marks = [] if p99_objective is None else [p99_objective]
    above, below = _linear_panel(rates), _log_panel(latencies, marks)
    parts = [f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>']
    for panel, lines in ((above, rates), (below, latencies)):
        parts += _frame(panel)
        parts += [_path(line, at, seconds, panel) for line in lines]
        parts += _legend(panel, lines, has_objective=panel is below and bool(marks))
    parts += [_rule(below.y(mark), "objective line") for mark in marks]
    parts += _seconds_axis(below.bottom, seconds)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(title)}">\n<style>{_STYLE}</style>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="var(--ground)"/>\n{body}\n</svg>\n'
    )


def round_ticks(most: float) -> list[float]:
    """From 0 in even steps of 1, 2 or 5 times a power of ten to `most` or just beyond."""
    if most <= 0:
        return [0.0, 1.0]
    power = 10.0 ** floor(log10(most / _TICKS_MAX))
    step = next(factor * power for factor in (1, 2, 5, 10) if most / (factor * power) <= _TICKS_MAX)
    return [round(number * step, 9) for number in range(ceil(most / step - 1e-9) + 1)]


def _linear_panel(lines: Iterable[_Line]) -> _Panel:
    ticks = round_ticks(max((value for line in lines for value in line.values if value is not None), default=0.0))
    return _Panel(76, 280, "Rate per second", ticks, lambda value: value / ticks[-1])


def _log_panel(lines: Iterable[_Line], marks: Sequence[float]) -> _Panel:
    """Powers of ten: a spike of seconds and a median below a millisecond are to be seen in one picture."""
    values = [value for line in lines for value in line.values if value is not None and value > 0]
    values += [mark for mark in marks if mark > 0]
    low = floor(log10(min(values, default=1.0)))
    high = max(low + 1, ceil(log10(max(values, default=10.0))))
    ticks = [10.0**power for power in range(low, high + 1)]
    return _Panel(336, 510, "Latency, milliseconds", ticks, lambda value: _share_of_log(value, low, high))


def _share_of_log(value: float, low: int, high: int) -> float:
    return (log10(value) - low) / (high - low) if value > 0 else 0.0


def _frame(panel: _Panel) -> list[str]:
    parts = [f'<text class="panel" x="{LEFT}" y="{panel.top - 14}">{panel.title}</text>']
    for tick in panel.ticks:
        y = panel.y(tick)
        parts.append(_rule(y, "rule"))
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:,.10g}</text>')
    return parts


def _rule(y: float, style: str) -> str:
    return f'<line class="{style}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _path(line: _Line, at: Sequence[float], seconds: float, panel: _Panel) -> str:
    commands, is_open = [], False
    for second, value in zip(at, line.values, strict=True):
        if value is not None:
            commands.append(f"{'L' if is_open else 'M'}{_x(second, seconds):.1f} {panel.y(value):.1f}")
        is_open = value is not None
    return f'<path class="line {line.style}" d="{" ".join(commands)}"/>'


def _legend(panel: _Panel, lines: Iterable[_Line], *, has_objective: bool) -> list[str]:
    entries = [(f"line {line.style}", line.name) for line in lines]
    if has_objective:
        entries.append(("line objective", "objective for p99"))
    parts, y = [], panel.top - 18
    x = WIDTH - RIGHT - sum(_entry_width(name) for _, name in entries)
    for style, name in entries:
        parts.append(f'<path class="{style}" d="M{x} {y}h22"/><text x="{x + 28}" y="{y + 4}">{name}</text>')
        x += _entry_width(name)
    return parts


def _entry_width(name: str) -> int:
    return 46 + 7 * len(name)


def _seconds_axis(bottom: float, seconds: float) -> list[str]:
    ticks = [tick for tick in round_ticks(seconds) if tick <= seconds]
    return [
        *(
            f'<text x="{_x(tick, seconds):.1f}" y="{bottom + 20}" text-anchor="middle">{tick:g}</text>'
            for tick in ticks
        ),
        f'<text x="{WIDTH - RIGHT}" y="{bottom + 38}" text-anchor="end">seconds</text>',
    ]


def _x(second: float, seconds: float) -> float:
    return LEFT + min(1.0, second / seconds) * (WIDTH - LEFT - RIGHT)
