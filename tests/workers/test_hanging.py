"""A process that hangs is noticed by its silence and replaced."""

import asyncio
import os
import signal
from pathlib import Path

from process import free_port

from idnode.config import Settings
from idnode.workers.child import Role
from idnode.workers.port import Port
from idnode.workers.supervisor import SILENCE_SECONDS_MAX, WATCH_SECONDS, Terms, supervising

WAIT_SECONDS_MAX = 60.0


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


async def test_a_worker_that_hangs_is_ended_and_replaced_and_one_that_works_is_not(dsn: str, tmp_path: Path) -> None:
    clock, port = Clock(), free_port()
    settings = Settings(home=tmp_path, seed="none", database_url=dsn, http_port=port, workers=2)
    content: dict[str, object] = {"settings": settings.model_dump(mode="json"), "dsn": dsn}
    with Port.take("127.0.0.1", port) as ports:
        async with supervising(ports, own=lambda _: (), monotonic=clock) as supervisor:
            await supervisor.recruit(2)
            await supervisor.begin(Terms(2, 1.0, content, has_relay=False))
            hanging, sound = sorted(child.pid for child in supervisor._children)
            os.kill(hanging, signal.SIGSTOP)

            async with asyncio.timeout(WAIT_SECONDS_MAX):
                while not supervisor.restarts[Role.WORKER]:
                    # No faster than the one that works says that it does.
                    clock.seconds += SILENCE_SECONDS_MAX / 5
                    await asyncio.sleep(WATCH_SECONDS)
            left = {child.pid for child in supervisor._children}

            assert sound in left
            assert hanging not in left
            await supervisor.drain()
