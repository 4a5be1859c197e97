"""What locust loads: the users of one scenario, its shape, and the record of what happened. Started by loadtest.run."""

import time
from pathlib import Path

from locust import LoadTestShape, events
from locust.env import Environment

from loadtest.recording import Load, Recorder
from loadtest.runs import MIXED_WEIGHTS, SCENARIOS
from loadtest.scenarios.batch import BatchResolver
from loadtest.scenarios.calling import JOB, CallingUser
from loadtest.scenarios.factory import FactoryUser
from loadtest.scenarios.reader import SupplyChainReader
from loadtest.shapes import users_at

_CLASSES: dict[str, type[CallingUser]] = {
    "reader": SupplyChainReader,
    "factory": FactoryUser,
    "batch": BatchResolver,
}
_IDLE_FIELDS = (3, 4)
"""idle and iowait in the first line of /proc/stat (proc_stat(5)); guest time is part of user time already."""
_OWN_FIELDS = 8


def _load() -> Load:
    ticks = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:][:_OWN_FIELDS]]
    idle = sum(ticks[field] for field in _IDLE_FIELDS)
    return Load(time.process_time(), sum(ticks) - idle, sum(ticks))


RECORDER = Recorder(seconds=JOB.run.seconds, rate_per_user=SCENARIOS[JOB.run.scenario].rate, load=_load())


class Shape(LoadTestShape):
    """The job's shape. locust asks once a second; intervals of the record are closed on the same beat."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # locust's own has no types
        self._begun: float | None = None

    def tick(self) -> tuple[int, float] | None:
        """Users now, and how many of them may begin in a second: all."""
        run, now = JOB.run, time.perf_counter()
        if self._begun is None:
            self._begun = now
        second = now - self._begun
        if second > 0 and self.runner is not None:
            RECORDER.turn(second, users=self.runner.user_count, load=_load())
        users = users_at(run.shape, second=second, seconds=run.seconds, users=run.users)
        if users is None:
            Path(JOB.output).write_bytes(RECORDER.result(second, _load()).to_json())
            return None
        return users, float(run.users)


def _record(name: str, response_time: float, exception: Exception | None, **_: object) -> None:
    RECORDER.add(name, response_time, None if exception is None else str(exception))


def _choose(environment: Environment, **_: object) -> None:
    """The users of the scenario; locust has found all of them."""
    scenario = JOB.run.scenario
    if scenario != "mixed":
        environment.user_classes = [_CLASSES[scenario]]
        return
    for name, weight in MIXED_WEIGHTS.items():
        _CLASSES[name].weight = weight
    environment.user_classes = list(_CLASSES.values())


events.request.add_listener(_record)  # type: ignore[no-untyped-call]  # locust's own has no types
events.init.add_listener(_choose)  # type: ignore[no-untyped-call]  # likewise
