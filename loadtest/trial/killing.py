"""Ends the relay without warning, again and again."""

import asyncio
import os
import random
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from loadtest.bench.processes import family

MODULE = b"idnode.relaying"
POLL_SECONDS = 0.05


@dataclass(slots=True)
class Kills:
    """Relays that were ended."""

    relays: int = 0


async def kill_relays(supervisor: int, times: int, seconds: tuple[float, float], seed: int, kills: Kills) -> None:
    """SIGKILL to the relay below `supervisor`, `times` times, each after it has run for some of these seconds."""
    draw = random.Random(seed)
    while kills.relays < times:
        pid = await _relay_of(supervisor)
        await asyncio.sleep(draw.uniform(*seconds))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            kills.relays += 1


async def _relay_of(supervisor: int) -> int:
    while (pid := next(filter(_is_relay, family(supervisor)), None)) is None:  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(POLL_SECONDS)
    return pid


def _is_relay(pid: int) -> bool:
    try:
        return MODULE in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
