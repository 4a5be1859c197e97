"""Changes over HTTP: every identifier goes through its whole life, many of them at once."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import aiohttp

from loadtest.own_node import Target

WRITERS = 32
ANSWER_SECONDS_MAX = 60.0
USCC = "91110108000000006R"
VALUE = {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/1"}}
OTHER_VALUE = {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/2"}}

Step = tuple[str, str, Mapping[str, object] | None]
LIFE: tuple[Step, ...] = (
    ("POST", "/v1/identifiers", {"values": [VALUE]}),
    ("PATCH", "/v1/identifiers/{identifier}", {"values": [OTHER_VALUE]}),
    ("PUT", "/v1/identifiers/{identifier}", {"values": [VALUE]}),
    ("POST", "/v1/suspend/{identifier}", None),
    ("POST", "/v1/restore/{identifier}", None),
    ("DELETE", "/v1/identifiers/{identifier}", None),
    ("POST", "/v1/restore/{identifier}", None),
    ("PATCH", "/v1/identifiers/{identifier}", {"values": [OTHER_VALUE]}),
)
"""One change each."""


class NotWritten(RuntimeError):
    """The node did not take a change."""


@dataclass(slots=True)
class Written:
    """Changes that were acknowledged."""

    changes: int = 0


async def write_changes(target: Target, prefix: str, changes: int, written: Written) -> None:
    """Give out `prefix`, then make `changes` changes to identifiers below it. Raises NotWritten."""
    headers = {"Authorization": f"Bearer {target.key}"}
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
    connector = aiohttp.TCPConnector(limit=WRITERS)
    async with aiohttp.ClientSession(target.url, headers=headers, timeout=timeout, connector=connector) as session:
        form = {"name": "示例企业", "uscc": USCC, "industry": "C1711"}
        enterprise = await _call(session, "POST", "/v1/enterprises", form)
        await _call(session, "POST", "/v1/prefixes", {"prefix": prefix, "enterprise": enterprise["id"]})
        lives = iter(range(-(-changes // len(LIFE))))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(WRITERS):
                tasks.create_task(_live(session, prefix, lives, changes, written))


async def _live(
    session: aiohttp.ClientSession, prefix: str, lives: Iterator[int], changes: int, written: Written
) -> None:
    for number in lives:
        identifier = f"{prefix}/TRIAL-{number:06d}"
        for method, path, document in LIFE:
            if written.changes >= changes:
                return
            body = {"identifier": identifier, **document} if path == "/v1/identifiers" and document else document
            written.changes += 1
            await _call(session, method, path.format(identifier=identifier), body)


async def _call(
    session: aiohttp.ClientSession, method: str, path: str, document: Mapping[str, object] | None
) -> dict[str, str]:
    async with session.request(method, path, json=document) as response:
        if response.status not in (200, 201):
            raise NotWritten(f"{method} {path}: {response.status} {await response.text()}")
        found: dict[str, str] = await response.json()
        return found
