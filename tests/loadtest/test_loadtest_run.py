"""The load test as it is called: options, exit codes, and one real run."""

import asyncio
import sys
from pathlib import Path
from xml.etree import ElementTree

import orjson
import pytest
from process import NodeProcess

from loadtest.run import main, read_options
from loadtest.runs import Run

RUN_SECONDS_MAX = 60.0


async def loadtest(node: NodeProcess, output: Path, objectives: str) -> tuple[int, str]:
    """Four users for two seconds against a running node."""
    file = output / "objectives.toml"
    file.write_text(objectives, "utf-8")
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "loadtest.run",
            "--url",
            node.url,
            "--key",
            node.admin_key,
            "--run",
            "mixed:steady:2:4",
        ),
        *("--identifiers", "100", "--objectives", str(file), "--output", str(output)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(RUN_SECONDS_MAX):
        told, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode()


# Takes seconds: a node, a dataset and a locust process are started for real.
async def test_a_real_run_reports_and_ends_with_the_verdict(tmp_path: Path) -> None:
    async with NodeProcess(tmp_path, seed="none") as node:
        code, told = await loadtest(node, tmp_path, "[mixed.all]\nerror_share = 0\nrate_per_second = 1000000")

    document = orjson.loads((tmp_path / "loadtest.json").read_bytes())
    errors = document["runs"][0]["result"]["errors"]
    assert (code, errors) == (1, {}), told
    assert "missed: mixed-steady, all: rate_per_second is " in told
    assert "at least 1,000,000 is wanted" in told
    assert [verdict["is_met"] for verdict in document["runs"][0]["verdicts"]] == [True, False]
    assert document["runs"][0]["result"]["requests"]["GET /api/handles/{identifier}"]["count"] > 0
    assert "# Load test" in (tmp_path / "loadtest.md").read_text("utf-8")
    ElementTree.parse(tmp_path / "mixed-steady.svg")  # noqa: S314  # our own


def test_defaults_are_four_runs_within_three_minutes() -> None:
    options = read_options([])

    assert [run.name for run in options.runs] == ["factory-ramp", "reader-spike", "batch-steady", "mixed-steady"]
    assert sum(run.seconds for run in options.runs) == 125
    assert options.target is None


def test_scale_stretches_every_run() -> None:
    options = read_options(["--scale", "2", "--run", "mixed:soak:600", "--run", "reader:ramp:10:5"])

    assert options.runs == (Run("mixed", "soak", 1200.0, 40), Run("reader", "ramp", 20.0, 5))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--run", "mixed:wave:10"], "shape: 'wave' is none of ramp, steady, spike, soak"),
        (["--scale", "0"], "seconds: 0 is not above 0"),
        (["--run", "mixed:soak:9", "--run", "mixed:soak:8"], "each scenario once in each shape"),
        (["--identifiers", "0"], "identifiers: 0 is not between 1 and 5000000"),
        (["--zipf", "-1"], "zipf exponent: -1.0 is not between 0 and 10"),
        (["--name", "a/b"], "run: 'a/b' is not 1 to 16 ASCII letters and digits"),
        (["--prefix", "88..1"], "88..1"),
        (["--url", "http://127.0.0.1:1"], "a running node needs --url and its admin key"),
        (["--objectives", "/nowhere.toml"], "/nowhere.toml"),
    ],
)
def test_an_option_that_is_wrong_ends_with_two(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDNODE_KEY", raising=False)

    assert main(arguments) == 2
    assert told in capsys.readouterr().err


def test_objectives_that_are_wrong_end_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "objectives.toml"
    file.write_text("[reader.all]\nerror_share = 7", "utf-8")

    assert main(["--objectives", str(file)]) == 2
    assert capsys.readouterr().err == "reader.'all'.error_share: 7 is not between 0 and 1\n"
