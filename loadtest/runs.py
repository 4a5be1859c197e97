"""What a run is: a scenario in a shape for some seconds with some users. Pure: the words that all parts share."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Self

from pydantic import TypeAdapter

from loadtest.dataset import DatasetForm
from loadtest.shapes import SHAPES

REGISTER = "POST /v1/identifiers"
REPEAT = "POST /v1/identifiers (repeated)"
PATCH = "PATCH /v1/identifiers/{identifier}"
SUSPEND = "POST /v1/suspend/{identifier}"
HANDLE = "GET /api/handles/{identifier}"
UNKNOWN_HANDLE = "GET /api/handles/{identifier} (unknown)"
RECORD = "GET /v1/identifiers/{identifier}"
REDIRECT = "GET /{identifier}"
RESOLVE = "POST /v1/resolve"
ALL = "all"
"""In results and objectives: every request of the scenario together."""

SECONDS_MAX = 7 * 86_400
USERS_MAX = 2_000
JOB_VARIABLE, KEY_VARIABLE = "LOADTEST_JOB", "LOADTEST_KEY"
BACKLOG_SECONDS_MAX = 1.0
"""A user that is further behind gives up what it missed, instead of sending it all at once."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who calls. Each user sends `rate` requests per second, at moments of a Poisson process."""

    name: str
    title: str
    users: int
    rate: float
    requests: tuple[str, ...]


_FACTORY = Scenario("factory", "Factories register, revise and suspend", 40, 5.0, (REGISTER, REPEAT, PATCH, SUSPEND))
_READER = Scenario(
    "reader", "The supply chain reads, some identifiers far more than others", 60, 20.0,
    (HANDLE, UNKNOWN_HANDLE, RECORD, REDIRECT),
)  # fmt: skip
_BATCH = Scenario("batch", "Stock-taking resolves a hundred at a time", 10, 3.0, (RESOLVE,))
MIXED_WEIGHTS: Mapping[str, int] = MappingProxyType({"reader": 14, "factory": 5, "batch": 1})
"""Users of each kind among twenty of the mixed scenario."""
_PARTS = (_READER, _FACTORY, _BATCH)
_MIXED = Scenario(
    "mixed", "All of them at once", 40,
    sum(part.rate * MIXED_WEIGHTS[part.name] for part in _PARTS) / sum(MIXED_WEIGHTS.values()),
    tuple(request for part in _PARTS for request in part.requests),
)  # fmt: skip
SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {scenario.name: scenario for scenario in (_FACTORY, _READER, _BATCH, _MIXED)}
)


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario in one shape; `users` is the peak."""

    scenario: str
    shape: str
    seconds: float
    users: int

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise ValueError(f"scenario: {self.scenario!r} is none of {', '.join(SCENARIOS)}")
        if self.shape not in SHAPES:
            raise ValueError(f"shape: {self.shape!r} is none of {', '.join(SHAPES)}")
        if not 0 < self.seconds <= SECONDS_MAX:
            raise ValueError(f"seconds: {self.seconds:g} is not above 0 and at most {SECONDS_MAX}")
        if not 1 <= self.users <= USERS_MAX:
            raise ValueError(f"users: {self.users} is not between 1 and {USERS_MAX}")

    @property
    def name(self) -> str:
        """What the files of its results are called."""
        return f"{self.scenario}-{self.shape}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `scenario:shape:seconds`, with `:users` if it shall be others than the scenario's."""
        scenario, shape, seconds, users = (*text.split(":"), "", "", "")[:4]
        if text.count(":") not in (2, 3) or scenario not in SCENARIOS:
            raise ValueError(f"{text!r} is not scenario:shape:seconds or scenario:shape:seconds:users")
        return cls(scenario, shape, float(seconds), int(users) if users else SCENARIOS[scenario].users)


@dataclass(frozen=True, slots=True)
class Job:
    """What one locust process is told, as JSON in an environment variable; `series` names what it registers."""

    run: Run
    dataset: DatasetForm
    series: str
    zipf_exponent: float
    output: str

    def to_json(self) -> str:
        """As `from_json` reads it."""
        return _JOBS.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """What `to_json` wrote."""
        return _JOBS.validate_json(text)


_JOBS = TypeAdapter(Job)


class Pacing:
    """When one user sends next: a Poisson process that does not slow down when answers are slow, as long as it can."""

    def __init__(self, rate: float, rng: Random) -> None:
        self._rate = rate
        self._rng = rng
        self._due: float | None = None

    def wait_seconds(self, now: float) -> float:
        """Seconds from `now` until the next request; 0 while the user is behind."""
        due = now if self._due is None else max(self._due, now - BACKLOG_SECONDS_MAX)
        self._due = due + self._rng.expovariate(self._rate)
        return max(0.0, self._due - now)
