"""`make loadtest`: a node, a dataset, the runs one after the other, a report; the exit code tells.

0 when every objective was met, 1 when one was missed or a part failed, 2 when an option or the objectives are wrong.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import uvloop
from rich.console import Console

from idnode.model.errors import IdnodeError
from idnode.model.identifier import Prefix
from loadtest.dataset import Dataset, DatasetForm, Zipf
from loadtest.loading import NodeRefused, load
from loadtest.objectives import Objective, judge, parse_objectives
from loadtest.own_node import NodeDidNotStart, Target, own_node
from loadtest.recording import RunResult
from loadtest.report import Finished, Setting, is_passed, markdown, results_json, summary
from loadtest.runs import JOB_VARIABLE, KEY_VARIABLE, Job, Run

DEFAULT_RUNS = ("factory:ramp:30", "reader:spike:40", "batch:steady:25", "mixed:steady:30")
HERE = Path(__file__).parent
OVERTIME_SECONDS_MAX = 60.0
"""Beyond its time a locust process has this long to end."""
STOP_SECONDS_MAX = 5
LOG_CHARACTERS_MAX = 2_000
SUMMARY_COLUMNS_MIN = 124


class LocustFailed(RuntimeError):
    """A locust process left no result; the message ends with the last of its log."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for, checked."""

    runs: tuple[Run, ...]
    dataset: DatasetForm
    zipf_exponent: float
    objectives: tuple[Objective, ...]
    output: Path
    target: Target | None


def main(arguments: Sequence[str]) -> int:
    """The whole load test."""
    try:
        options = read_options(arguments)
    except (ValueError, OSError, IdnodeError) as error:
        print(error, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _end_in_order)
    try:
        with tempfile.TemporaryDirectory(prefix="idnode-loadtest-") as folder, _target(options, Path(folder)) as target:
            setting, finished = _measure(options, target)
    except (NodeRefused, NodeDidNotStart, LocustFailed) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    _write(options.output, setting, finished)
    return int(not is_passed(finished))


def read_options(arguments: Sequence[str]) -> Options:
    """Raises ValueError, InvalidObjectives, InvalidPrefix, OSError for what cannot be done."""
    given = _parser().parse_args(arguments)
    runs = tuple(Run.parse(text) for text in given.run or DEFAULT_RUNS)
    runs = tuple(replace(run, seconds=run.seconds * given.scale) for run in runs)
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise ValueError(f"run: each scenario once in each shape, not {', '.join(names)}")
    Zipf(1, given.zipf)
    key = given.key or os.environ.get("IDNODE_KEY")
    if (given.url is None) != (given.key is None) and not (given.url and key):
        raise ValueError("url: a running node needs --url and its admin key (--key or IDNODE_KEY)")
    run_name = given.name or ("1" if given.url is None else f"{int(time.time()):x}")
    dataset = DatasetForm(given.seed, run_name, Prefix.parse(given.prefix).text, given.identifiers)
    objectives = parse_objectives(Path(given.objectives).read_text("utf-8"))
    target = None if given.url is None or key is None else Target(given.url.rstrip("/"), key)
    return Options(runs, dataset, given.zipf, objectives, Path(given.output), target)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtest.run", description=__doc__)
    parser.add_argument(
        "--run", action="append", metavar="SCENARIO:SHAPE:SECONDS[:USERS]",
        help=f"a run, instead of {' '.join(DEFAULT_RUNS)}; may be repeated",
    )  # fmt: skip
    parser.add_argument("--scale", type=float, default=1.0, help="all seconds times this")
    parser.add_argument("--url", help="a running node, instead of one of the load test's own")
    parser.add_argument("--key", help="its admin key; better given as IDNODE_KEY")
    parser.add_argument("--prefix", default="88.118", help="the node's own prefix (%(default)s)")
    parser.add_argument("--identifiers", type=int, default=10_000, help="registered first (%(default)s)")
    parser.add_argument("--zipf", type=float, default=1.0, help="exponent of the popularity (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the dataset and of everything drawn (%(default)s)")
    parser.add_argument(
        "--name", help="part of every identifier; another one for every test of a node (1; with --url: the time)"
    )
    parser.add_argument("--objectives", default=str(HERE / "objectives.toml"), help="(%(default)s)")
    parser.add_argument("--output", default=str(HERE / "results"), help="directory of the report (%(default)s)")
    return parser


@contextmanager
def _target(options: Options, folder: Path) -> Iterator[Target]:
    if options.target is not None:
        yield options.target
        return
    print("starting a node", flush=True)
    with own_node(folder / "home", prefix=options.dataset.prefix, environment=os.environ) as target:
        yield target


def _measure(options: Options, target: Target) -> tuple[Setting, list[Finished]]:
    dataset = Dataset(options.dataset)
    begun = time.monotonic()
    count = uvloop.run(load(target, dataset))
    load_seconds = time.monotonic() - begun
    print(f"registered {count:,} identifiers in {load_seconds:.1f} s", flush=True)
    node = "a node of its own" if options.target is None else options.target.url
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    seed, exponent = options.dataset.seed, options.zipf_exponent
    setting = Setting(datetime.now(UTC), node, machine, count, seed, exponent, load_seconds)
    options.output.mkdir(parents=True, exist_ok=True)
    finished = []
    for number, run in enumerate(options.runs):
        print(f"{run.name}: {run.seconds:g} s, up to {run.users} users", flush=True)
        output = (options.output / f"{run.name}.json").resolve()
        job = Job(run, options.dataset, f"{run.scenario[0].upper()}{number}N", options.zipf_exponent, str(output))
        result = _run_locust(job, target, options.output / f"{run.name}.log")
        finished.append(Finished(run, result, judge(run.name, run.scenario, result, options.objectives)))
    return setting, finished


def _run_locust(job: Job, target: Target, log: Path) -> RunResult:
    """One scenario in a process of its own; its result is in the job's output."""
    output = Path(job.output)
    output.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "locust", "--headless", "--only-summary", "--exit-code-on-error", "0"),
        *("--locustfile", str(HERE / "locustfile.py"), "--host", target.url, "--stop-timeout", str(STOP_SECONDS_MAX)),
    ]
    environment = os.environ | {JOB_VARIABLE: job.to_json(), KEY_VARIABLE: target.key}
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, cwd=HERE.parent, env=environment, stdin=subprocess.DEVNULL, stdout=written, stderr=written
        )
        try:
            process.wait(job.run.seconds + OVERTIME_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            pass  # the result may be there all the same
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if not output.exists():
        last = log.read_text("utf-8", errors="replace")[-LOG_CHARACTERS_MAX:]
        raise LocustFailed(f"{job.run.name}: exit code {process.returncode} and no result:\n{last}")
    return RunResult.from_json(output.read_bytes())


def _write(output: Path, setting: Setting, finished: Sequence[Finished]) -> None:
    for each in finished:
        (output / f"{each.run.name}.svg").write_text(each.svg(), "utf-8")
    (output / "loadtest.md").write_text(markdown(setting, finished), "utf-8")
    (output / "loadtest.json").write_bytes(results_json(setting, finished))
    console = Console()
    # Not a terminal, or a narrow one: lines may be longer than it, cells may not be cut.
    console.width = max(console.width, SUMMARY_COLUMNS_MIN)
    console.print(summary(finished))
    for each in finished:
        for verdict in each.verdicts:
            if not verdict.is_met:
                print(f"missed: {verdict.line()}")
    print(f"report: {output / 'loadtest.md'}")


def _end_in_order(number: int, _: FrameType | None) -> None:
    """Leave by the way of an exception, so that everything that was started is ended."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
