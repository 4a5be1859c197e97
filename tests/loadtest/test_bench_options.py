from pathlib import Path

import pytest

from loadtest.bench import CannotMeasure
from loadtest.bench.__main__ import main
from loadtest.bench.programs import require


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "hot,tepid"], "'tepid' is none of memory, hot, cold, batch, mixed, fresh, register"),
        (["--rows", "99999"], "'99999' is no whole number from 100,000 to 90,000,000"),
        (["--rounds", "0"], "'0' is no whole number from 1 to 100"),
        (["--seconds", "1.5"], "'1.5' is no whole number from 1 to 600"),
    ],
)
def test_a_wrong_option_is_named_before_anything_starts(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)

    assert complaint in capsys.readouterr().err


def test_a_program_that_is_absent_and_cannot_be_installed_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told: list[str] = []

    with pytest.raises(CannotMeasure, match=r"absent: wrk; install with `sudo apt-get install -y .* wrk`"):
        require(["wrk"], tell=told.append)

    assert told == []
