"""What becomes of records: taken once, in order, corrected, withdrawn, judged later, told twice; kept when it ends."""

from pathlib import Path

import pytest
from aiohttp import ClientError
from simulated_caller import ManualClock, batch, calling, identifier

from idnode.model.reporting import Purpose, Report, ReportedRecord
from idnode.simulator.journal import arrivals
from idnode.simulator.running import Arrangement
from idnode.simulator.settings import ApplicationVerdict, Awkwardness, Span


def application_record() -> ReportedRecord:
    """An application for a prefix."""
    data = {
        "prefix": "88.118.21",
        "enterprise": {"name": "示例纺织有限公司", "uscc": "91110000100000010X"},
        "hosting": "hosted",
    }
    return ReportedRecord(
        "88.118:prefix-application:88.118.21:1", Report.APPLICATION, "88.118.21", 1, "2026-11-24T07:18:31Z", data
    )


async def test_a_record_is_accepted_with_a_receipt() -> None:
    async with calling() as node:
        verdicts = await node.send(identifier("JX-1"), identifier("JX-2"))

    assert verdicts == [
        {"id": "88.118:T9:88.118.8/JX-1:1", "state": "accepted", "receipt": "R000000000001", "reason": None},
        {"id": "88.118:T9:88.118.8/JX-2:1", "state": "accepted", "receipt": "R000000000002", "reason": None},
    ]


async def test_a_record_that_comes_again_gets_the_verdict_it_got() -> None:
    async with calling() as node:
        first = await node.send(identifier("JX-1"))
        await node.send(identifier("JX-2"))
        again = await node.send(identifier("JX-1"))
        records = await node.records()

    assert again == first
    assert [(each["subject"], each["received"]) for each in records] == [("88.118.8/JX-1", 2), ("88.118.8/JX-2", 1)]


async def test_a_record_that_stands_twice_in_a_batch_is_taken_once() -> None:
    async with calling() as node:
        verdicts = await node.send(identifier("JX-1"), identifier("JX-1"))
        records = await node.records()

    assert [each["receipt"] for each in verdicts] == ["R000000000001", "R000000000001"]
    assert [each["received"] for each in records] == [2]


async def test_a_reply_that_was_lost_does_no_harm(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with calling(Arrangement(Awkwardness(lost_replies=1), journal=journal)) as node:
        with pytest.raises(ClientError):
            await node.send(identifier("JX-1"))
        await node.steer("settings", {"lost_replies": 0})
        verdicts = await node.send(identifier("JX-1"))
    read = arrivals(journal)

    assert [each["receipt"] for each in verdicts] == ["R000000000001"]
    assert read.in_effect == {"88.118:T9:88.118.8/JX-1:1": 1}
    assert read.repeated == ["88.118:T9:88.118.8/JX-1:1"]
    assert read.acts == {"reply-lost": 1, "served": 1}


async def test_a_request_that_was_cut_off_before_left_nothing() -> None:
    async with calling(Arrangement(Awkwardness(resets=1))) as node:
        with pytest.raises(ClientError):
            await node.send(identifier("JX-1"))

        assert await node.records() == []


async def test_other_data_under_a_known_id_is_a_conflict_and_changes_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with calling(Arrangement(Awkwardness(), journal=journal)) as node:
        first = await node.send(identifier("JX-1", brand="经纬"))
        before = await node.records()
        second = await node.send(identifier("JX-1", brand="other"))
        after = await node.records()
        summary = await node.summary()

    assert second == first
    assert [each["sha256"] for each in after] == [each["sha256"] for each in before]
    assert summary["conflicts"] == 1
    assert arrivals(journal).conflicts == ["88.118:T9:88.118.8/JX-1:1"]


async def test_a_correction_replaces_the_data_and_a_withdrawal_takes_it_away() -> None:
    async with calling() as node:
        await node.send(identifier("JX-1", brand="经纬"), identifier("JX-2"))
        before = await node.records()
        corrected = await node.send(identifier("JX-1", brand="other"), purpose=Purpose.CORRECT)
        withdrawn = await node.send(identifier("JX-2"), identifier("JX-3"), purpose=Purpose.WITHDRAW)
        after = await node.records()

    assert [each["receipt"] for each in corrected] == ["R000000000001"]
    assert [each["state"] for each in withdrawn] == ["accepted", "accepted"]
    assert after[0]["sha256"] != before[0]["sha256"]
    assert [each["state"] for each in after] == ["accepted", "withdrawn"]


async def test_versions_that_do_not_rise_are_counted_and_journaled(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with calling(Arrangement(Awkwardness(), journal=journal)) as node:
        await node.send(identifier("JX-1", 1), identifier("JX-1", 3), identifier("JX-2", 1))
        before = await node.summary()
        await node.send(identifier("JX-1", 2), identifier("JX-2", 2))
        after = await node.summary()
    read = arrivals(journal)

    assert (before["order_violations"], after["order_violations"]) == (0, 1)
    assert read.disorders == ["88.118:T9:88.118.8/JX-1:2"]
    assert read.versions["T9", "88.118.8/JX-1"] == [1, 3, 2]
    assert read.out_of_order() == [("T9", "88.118.8/JX-1")]


async def test_data_that_breaks_its_table_is_rejected_with_the_reason() -> None:
    async with calling() as node:
        verdicts = await node.send(identifier("JX-1", operation=7), identifier("JX-2", colour="red"))

    assert [each["state"] for each in verdicts] == ["rejected", "rejected"]
    assert verdicts[0]["reason"] == "/operation: must be one of 1 (新增), 2 (删除), 3 (修改)"
    assert verdicts[1]["reason"].startswith("/colour: is no field here")


async def test_a_rejected_record_is_judged_anew_once_it_says_something_else() -> None:
    async with calling() as node:
        await node.send(identifier("JX-1", operation=7))
        same = await node.send(identifier("JX-1", operation=7))
        other = await node.send(identifier("JX-1", operation=1))

    assert [each["state"] for each in (*same, *other)] == ["rejected", "accepted"]


async def test_rejections_by_seed_are_the_same_each_time_and_can_be_judged_again() -> None:
    seen = []
    for _ in range(2):
        async with calling(Arrangement(Awkwardness(rejections=0.5), seed=7)) as node:
            verdicts = await node.send(*(identifier(f"JX-{number}") for number in range(40)))
            await node.steer("settings", {"rejections": 0, "judges_again": True})
            again = await node.send(*(identifier(f"JX-{number}") for number in range(40)))
        seen.append([each["state"] for each in verdicts])

        assert {each["state"] for each in again} == {"accepted"}

    assert seen[0] == seen[1]
    assert set(seen[0]) == {"accepted", "rejected"}


async def test_a_verdict_that_takes_time_is_told_when_it_is_due() -> None:
    clock = ManualClock()
    async with calling(Arrangement(Awkwardness(verdict_delay_ms=Span(2_000, 2_000))), clock=clock) as node:
        sent = await node.send(identifier("JX-1"), identifier("JX-2", operation=7))
        early = await node.call("GET", "/v1/verdicts?after=&wait=0")
        clock.seconds += 2
        status, page = await node.call("GET", "/v1/verdicts?after=&wait=0")
        after = await node.call("GET", f"/v1/verdicts?after={page['cursor']}&wait=0")

    assert [each["state"] for each in sent] == ["sent", "sent"]
    assert early == (200, {"verdicts": [], "cursor": "0"})
    assert status == 200
    assert [(each["state"], each["receipt"]) for each in page["verdicts"]] == [
        ("accepted", "R000000000001"),
        ("rejected", None),
    ]
    assert after == (200, {"verdicts": [], "cursor": page["cursor"]})


async def test_a_long_poll_ends_when_there_is_something_to_tell() -> None:
    async with calling(Arrangement(Awkwardness(duplicates=1))) as node:
        first = await node.send(identifier("JX-1"))
        _, page = await node.call("GET", "/v1/verdicts?after=0&wait=30")

    assert page == {"verdicts": first, "cursor": "1"}


async def test_verdicts_that_are_due_later_are_told_twice_too() -> None:
    clock = ManualClock()
    awkward = Awkwardness(duplicates=1, verdict_delay_ms=Span(1_000, 1_000))
    async with calling(Arrangement(awkward), clock=clock) as node:
        await node.send(identifier("JX-1"))
        clock.seconds += 1
        _, page = await node.call("GET", "/v1/verdicts?after=0&wait=0")

    assert [each["receipt"] for each in page["verdicts"]] == ["R000000000001", "R000000000001"]


async def test_an_application_waits_for_a_person_who_may_refuse_it(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    awkward = Awkwardness(application_verdict=ApplicationVerdict.ASK)
    async with calling(Arrangement(awkward, journal=journal)) as node:
        sent = await node.send(application_record())
        waiting = (await node.summary())["waiting"]
        path = f"applications/{waiting[0]}"
        await node.steer(path, {"verdict": "reject", "reason": "the name is not in the register"})
        _, page = await node.call("GET", "/v1/verdicts?after=0&wait=0")
        again, _ = await node.call("POST", f"/simulator/{path}", b'{"verdict":"accept"}')

    assert [each["state"] for each in sent] == ["sent"]
    assert waiting == ["88.118:prefix-application:88.118.21:1"]
    assert [(each["state"], each["reason"]) for each in page["verdicts"]] == [
        ("rejected", "the name is not in the register")
    ]
    assert again == 404
    assert arrivals(journal).rejected == waiting


async def test_the_page_has_buttons_for_an_application_that_waits() -> None:
    awkward = Awkwardness(application_verdict=ApplicationVerdict.ASK)
    async with calling(Arrangement(awkward)) as node:
        await node.send(application_record())
        page = (await node.answer("GET", "/")).body.decode()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        target = "/simulator/applications/88.118%3Aprefix-application%3A88.118.21%3A1"
        pressed = await node.answer("POST", target, b"verdict=accept", **form)
        verdicts = await node.send(application_record())

    assert f'<form method="post" action="{target}">' in page
    assert pressed.status == 200, "the browser is led back to the page"
    assert [each["state"] for each in verdicts] == ["accepted"]


async def test_an_application_is_accepted_or_refused_as_it_was_told() -> None:
    async with calling(Arrangement(Awkwardness(application_verdict=ApplicationVerdict.REJECT))) as node:
        refused = await node.send(application_record())
    async with calling() as node:
        accepted = await node.send(application_record())

    assert [each["state"] for each in (*refused, *accepted)] == ["rejected", "accepted"]


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    awkward = Awkwardness(verdict_delay_ms=Span(1_000, 1_000))
    arrangement = Arrangement(awkward, store=tmp_path / "store", journal=tmp_path / "journal")
    async with calling(arrangement, clock=clock) as node:
        await node.send(identifier("JX-1", 2))
    async with calling(arrangement, clock=clock) as node:
        clock.seconds += 1
        again = await node.send(identifier("JX-1", 2))
        await node.send(identifier("JX-1", 1))
        _, page = await node.call("GET", "/v1/verdicts?after=0&wait=0")
        summary = await node.summary()

    assert [each["receipt"] for each in (*again, *page["verdicts"])] == ["R000000000001", "R000000000001"]
    assert summary["order_violations"] == 1
    assert summary["records"] == {"T9": {"sent": 1, "accepted": 1}}
    assert arrivals(tmp_path / "journal").in_effect == {"88.118:T9:88.118.8/JX-1:2": 1, "88.118:T9:88.118.8/JX-1:1": 1}


async def test_a_journal_catches_up_with_the_store_after_a_kill_between_the_two(tmp_path: Path) -> None:
    arrangement = Arrangement(Awkwardness(), store=tmp_path / "store", journal=tmp_path / "journal")
    async with calling(arrangement) as node:
        await node.send(identifier("JX-1"))
        kept = (tmp_path / "journal").read_bytes()
        await node.send(identifier("JX-2"))
    # As a kill leaves it: the line of the second batch is cut off in its middle.
    (tmp_path / "journal").write_bytes(kept + b'{"at":"2026-11-24T07:1')
    async with calling(arrangement) as node:
        await node.send(identifier("JX-2"))
    read = arrivals(tmp_path / "journal")

    assert read.in_effect == {"88.118:T9:88.118.8/JX-1:1": 1, "88.118:T9:88.118.8/JX-2:1": 1}
    assert read.repeated == ["88.118:T9:88.118.8/JX-2:1"]


async def test_an_empty_batch_and_one_of_two_reports_are_answered() -> None:
    other = ReportedRecord("88.118:T1::1", Report.T1, "", 1, "2026-11-24T07:18:31Z", {})
    async with calling() as node:
        empty = await node.send()
        status, problem = await node.call("POST", "/v1/batches", batch(identifier("JX-1"), other))

        assert empty == []
        assert (status, problem["status"]) in {(400, 400), (422, 422)}
        assert await node.records() == []
