"""Batches as files and verdicts from files: nothing half written, nothing twice, nothing lost in a crash."""

import asyncio
import os
import time
from datetime import date
from pathlib import Path

import pytest

from idnode.model.reporting import Purpose, RecordState, Report, ReportedRecord, Verdict, VerdictPage
from idnode.sync.transport import BatchRefused, TransportFailed
from idnode.sync.transports.file_drop import FileDrop
from idnode.wire.top_node.messages import batch_json, verdicts_json
from idnode.wire.top_node.signing import HmacSigner, read_signature, verify_hmac

NOW = 1_795_500_000.0
RECORDS = [
    ReportedRecord(f"88.118:T9:88.118.8/{n}:1", Report.T9, f"88.118.8/{n}", 1, "2026-11-24T02:03:04Z", {"n": n})
    for n in range(3)
]
ACCEPTED = Verdict("a", RecordState.ACCEPTED, "r-1")
REJECTED = Verdict("b", RecordState.REJECTED, None, "no")


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands."""
    return Clock()


def dropping(directory: Path, clock: Clock, *, secret: str | None = None) -> FileDrop:
    """A transport as a process that just started has it."""
    signer = None if secret is None else HmacSigner("app-1", secret)
    return FileDrop(directory, node="88.118", signer=signer, clock=clock, nonce=lambda: "n-1")


def names(directory: Path) -> list[str]:
    """The files in a directory, hidden ones too."""
    return sorted(path.name for path in directory.iterdir() if path.is_file())


def drop(directory: Path, name: str, *verdicts: Verdict) -> None:
    """Somebody brings verdicts."""
    (directory / "inbox").mkdir(exist_ok=True)
    (directory / "inbox" / name).write_bytes(verdicts_json(verdicts))


async def test_a_batch_becomes_a_file_and_is_said_to_be_sent(tmp_path: Path, clock: Clock) -> None:
    verdicts = await dropping(tmp_path, clock).deliver(Purpose.REPORT, RECORDS)

    assert list(verdicts) == [Verdict(record.id, RecordState.SENT) for record in RECORDS]
    (name,) = names(tmp_path / "outbox")
    assert name.startswith("1795500000000-T9-report-")
    written = (tmp_path / "outbox" / name).read_bytes()
    assert written == batch_json("88.118", Purpose.REPORT, RECORDS, "2026-11-24T06:00:00Z")


async def test_a_signature_lies_beside_each_file(tmp_path: Path, clock: Clock) -> None:
    await dropping(tmp_path, clock, secret="a fictitious secret").deliver(Purpose.WITHDRAW, RECORDS)

    batch, signature = names(tmp_path / "outbox")
    headers = dict(line.split(": ", 1) for line in (tmp_path / "outbox" / signature).read_text().splitlines())
    body = (tmp_path / "outbox" / batch).read_bytes()
    assert signature == f"{batch}.sig"
    assert verify_hmac(read_signature(headers), "a fictitious secret", "FILE", batch, body)


async def test_the_same_batch_is_one_file_however_often_it_is_delivered(tmp_path: Path, clock: Clock) -> None:
    await dropping(tmp_path, clock).deliver(Purpose.REPORT, RECORDS)
    before = names(tmp_path / "outbox")
    clock.now += 3_600
    await dropping(tmp_path, clock).deliver(Purpose.REPORT, RECORDS)

    assert names(tmp_path / "outbox") == before


async def test_another_content_or_purpose_is_another_file(tmp_path: Path, clock: Clock) -> None:
    transport = dropping(tmp_path, clock)
    await transport.deliver(Purpose.REPORT, RECORDS)
    await transport.deliver(Purpose.CORRECT, RECORDS)
    await transport.deliver(Purpose.REPORT, RECORDS[:2])

    assert [name.rsplit("-", 1)[0] for name in names(tmp_path / "outbox")] == [
        "1795500000000-T9-report",
        "1795500000001-T9-correct",
        "1795500000002-T9-report",
    ]


async def test_a_batch_that_was_carried_away_is_written_again(tmp_path: Path, clock: Clock) -> None:
    await dropping(tmp_path, clock).deliver(Purpose.REPORT, RECORDS)
    for name in names(tmp_path / "outbox"):
        (tmp_path / "outbox" / name).unlink()
    clock.now += 86_400
    await dropping(tmp_path, clock).deliver(Purpose.REPORT, RECORDS)

    assert [name[:13] for name in names(tmp_path / "outbox")] == ["1795586400000"]


async def test_files_are_in_the_order_of_delivery_even_when_two_lanes_write_at_once(
    tmp_path: Path, clock: Clock
) -> None:
    def slow() -> float:
        # Long enough for another thread to come between, if it may.
        time.sleep(0.01)
        return clock()

    transport = FileDrop(tmp_path, node="88.118", signer=None, clock=slow, nonce=lambda: "n-1")
    await asyncio.gather(*(transport.deliver(Purpose.REPORT, [record]) for record in RECORDS))

    assert [name[:13] for name in names(tmp_path / "outbox")] == ["1795500000000", "1795500000001", "1795500000002"]


async def test_a_batch_of_nothing_leaves_no_file(tmp_path: Path, clock: Clock) -> None:
    await dropping(tmp_path, clock).deliver(Purpose.REPORT, [])

    assert not (tmp_path / "outbox").exists()


async def test_a_directory_that_cannot_be_written(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "outbox").write_text("a file in its place")

    with pytest.raises(TransportFailed, match=r"outbox: File exists \(in IDNODE_SYNC_DIRECTORY\)"):
        await dropping(tmp_path, clock).deliver(Purpose.REPORT, RECORDS)


async def test_data_that_is_no_json_is_refused(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(BatchRefused):
        await dropping(tmp_path, clock).deliver(
            Purpose.REPORT, [ReportedRecord("a", Report.T9, "s", 1, "t", {"brand": "\ud800"})]
        )


async def test_verdicts_are_read_file_by_file_in_the_order_of_their_names(tmp_path: Path, clock: Clock) -> None:
    drop(tmp_path, "2.json", REJECTED)
    drop(tmp_path, "1.json", ACCEPTED)
    transport = dropping(tmp_path, clock)
    first = await transport.verdicts("", wait_seconds=0)
    second = await transport.verdicts(first.cursor, wait_seconds=0)
    third = await transport.verdicts(second.cursor, wait_seconds=0)

    assert first == VerdictPage((ACCEPTED,), "1795500000000-1.json")
    assert second == VerdictPage((REJECTED,), "1795500000001-2.json")
    assert third == VerdictPage((), "1795500000001-2.json")
    assert names(tmp_path / "inbox" / "done") == ["1795500000000-1.json", "1795500000001-2.json"]
    assert names(tmp_path / "inbox") == names(tmp_path / "inbox" / "taken") == []


async def test_what_was_read_and_not_settled_is_read_again(tmp_path: Path, clock: Clock) -> None:
    drop(tmp_path, "1.json", ACCEPTED)
    await dropping(tmp_path, clock).verdicts("", wait_seconds=0)
    drop(tmp_path, "0.json", REJECTED)

    again = await dropping(tmp_path, clock).verdicts("", wait_seconds=0)

    assert again == VerdictPage((ACCEPTED,), "1795500000000-1.json")


async def test_a_file_of_the_same_name_is_not_taken_for_the_one_before(tmp_path: Path, clock: Clock) -> None:
    drop(tmp_path, "verdicts.json", ACCEPTED)
    first = await dropping(tmp_path, clock).verdicts("", wait_seconds=0)
    drop(tmp_path, "verdicts.json", REJECTED)
    clock.now += 1
    second = await dropping(tmp_path, clock).verdicts(first.cursor, wait_seconds=0)

    assert second == VerdictPage((REJECTED,), "1795500001000-verdicts.json")


async def test_a_file_that_is_still_being_copied_is_left_until_it_is_whole(tmp_path: Path, clock: Clock) -> None:
    drop(tmp_path, "1.json", ACCEPTED)
    path = tmp_path / "inbox" / "1.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    os.utime(path, (NOW, NOW))
    transport = dropping(tmp_path, clock)

    assert await transport.verdicts("", wait_seconds=0) == VerdictPage((), "")
    path.write_bytes(whole)
    assert (await transport.verdicts("", wait_seconds=0)).verdicts == (ACCEPTED,)


async def test_a_file_that_is_no_verdicts_is_put_away_with_the_reason(tmp_path: Path, clock: Clock) -> None:
    drop(tmp_path, "1.json", Verdict("a", RecordState.PENDING))
    drop(tmp_path, "2.json", ACCEPTED)
    os.utime(tmp_path / "inbox" / "1.json", (NOW - 60, NOW - 60))

    page = await dropping(tmp_path, clock).verdicts("", wait_seconds=0)

    assert page.verdicts == (ACCEPTED,)
    assert names(tmp_path / "inbox" / "refused") == ["1.json", "1.json.reason.txt"]
    reason = (tmp_path / "inbox" / "refused" / "1.json.reason.txt").read_text()
    assert reason == "/verdicts/0/state: must be one of sent, accepted, rejected\n"


async def test_long_names_in_chinese_find_room(tmp_path: Path, clock: Clock) -> None:
    name = "回执" * 40 + ".json"
    drop(tmp_path, name, ACCEPTED)

    page = await dropping(tmp_path, clock).verdicts("", wait_seconds=0)

    assert page == VerdictPage((ACCEPTED,), f"1795500000000-{name[-48:]}")


async def test_a_file_whose_name_begins_with_a_point_is_not_finished(tmp_path: Path, clock: Clock) -> None:
    drop(tmp_path, ".1.json", ACCEPTED)

    assert await dropping(tmp_path, clock).verdicts("", wait_seconds=0) == VerdictPage((), "")


async def test_it_waits_for_verdicts(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.sync.transports.file_drop.LOOK_SECONDS", 0.01)
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(dropping(tmp_path, clock).verdicts("", wait_seconds=60))
        await asyncio.sleep(0.02)
        drop(tmp_path, ".1.json", ACCEPTED)
        (tmp_path / "inbox" / ".1.json").rename(tmp_path / "inbox" / "1.json")

    assert asked.result().verdicts == (ACCEPTED,)


async def test_a_portal_without_an_api_tells_no_digests(tmp_path: Path, clock: Clock) -> None:
    transport = dropping(tmp_path, clock)

    assert list(await transport.digests(date(2026, 11, 24))) == []
    assert dict(await transport.digest_lines("88.118.8", date(2026, 11, 24))) == {}
    assert FileDrop.has_digests is False
