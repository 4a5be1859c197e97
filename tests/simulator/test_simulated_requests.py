"""What becomes of requests: signatures, clock, errors, outages, rate limits, bad input; digests, drift and the page."""

import asyncio

import pytest
from aiohttp import ClientError
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from simulated_caller import Caller, ManualClock, batch, calling, identifier

from idnode.model.reporting import Purpose
from idnode.simulator.doorkeeper import Credentials
from idnode.simulator.running import Arrangement
from idnode.simulator.settings import Awkwardness, Span
from idnode.wire.top_node.digests import digest_of
from idnode.wire.top_node.signing import HmacSigner, RsaSigner

DAY = "2026-11-24"


def rsa_pair() -> tuple[bytes, bytes]:
    """A private key and its public half, PEM."""
    key = generate_private_key(public_exponent=65_537, key_size=2_048)
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def signed_by_secret() -> Arrangement:
    """A simulated top node that knows one application by a shared secret."""
    return Arrangement(Awkwardness(), credentials=Credentials("node-88-118", secret="demo"))


async def lines(node: Caller) -> dict[str, str]:
    """What is held of the day."""
    _, document = await node.call("GET", f"/v1/digests/88.118.8?day={DAY}")
    held: dict[str, str] = document["lines"]
    return held


async def test_an_hmac_signature_is_asked_for_and_checked() -> None:
    body = batch(identifier("JX-1"))
    async with calling(signed_by_secret(), signer=HmacSigner("node-88-118", "demo")) as node:
        right, _ = await node.call("POST", "/v1/batches", body)
        headers = node.signed("POST", "/v1/batches", body)
        changed, problem = await node.call("POST", "/v1/batches", batch(identifier("JX-2")), **headers)
        node.signer = HmacSigner("node-88-118", "wrong")
        wrong, _ = await node.call("POST", "/v1/batches", body)
        node.signer = HmacSigner("somebody", "demo")
        unknown, _ = await node.call("POST", "/v1/batches", body)
        node.signer = None
        unsigned, _ = await node.call("GET", "/v1/verdicts")
        records = await node.records()

    assert (right, changed, wrong, unknown, unsigned) == (200, 401, 401, 401, 401)
    assert problem["type"] == "urn:idnode:problem:not-authenticated"
    assert [each["received"] for each in records] == [1]


async def test_an_rsa_signature_is_checked() -> None:
    private, public = rsa_pair()
    arrangement = Arrangement(Awkwardness(), credentials=Credentials("node-88-118", public_key_pem=public))
    async with calling(arrangement, signer=RsaSigner("node-88-118", private)) as node:
        right, _ = await node.call("POST", "/v1/batches", batch(identifier("JX-1")))
        node.signer = RsaSigner("node-88-118", rsa_pair()[0])
        wrong, _ = await node.call("POST", "/v1/batches", batch(identifier("JX-1")))
        node.signer = HmacSigner("node-88-118", "demo")
        other, _ = await node.call("POST", "/v1/batches", batch(identifier("JX-1")))

    assert (right, wrong, other) == (200, 401, 401)


async def test_a_request_that_is_played_again_is_refused_until_its_timestamp_is_too_old_anyway() -> None:
    body = batch(identifier("JX-1"))
    async with calling(signed_by_secret(), signer=HmacSigner("node-88-118", "demo")) as node:
        headers = node.signed("POST", "/v1/batches", body)
        first, _ = await node.call("POST", "/v1/batches", body, **headers)
        again, problem = await node.call("POST", "/v1/batches", body, **headers)
        node.clock.seconds += 301
        _, later = await node.call("POST", "/v1/batches", body, **headers)

    assert (first, again) == (200, 401)
    assert problem["detail"] == "a request with this nonce came before"
    assert later["type"] == "urn:idnode:problem:clock-skew"


async def test_a_skewed_clock_shows_in_the_date_and_refuses_who_does_not_follow_it() -> None:
    async with calling(signed_by_secret(), signer=HmacSigner("node-88-118", "demo")) as node:
        await node.steer("settings", {"clock_skew_seconds": 3_600})
        answer = await node.answer("GET", "/v1/verdicts")
        headers = HmacSigner("node-88-118", "demo").headers(
            "GET", "/v1/verdicts", b"", at=int(node.clock.seconds) + 3_600, nonce="corrected"
        )
        corrected, _ = await node.call("GET", "/v1/verdicts", b"", **headers)

    assert answer.status == 401
    assert b"clock-skew" in answer.body
    assert answer.headers["Date"] == "Tue, 24 Nov 2026 08:18:31 GMT"
    assert corrected == 200


async def test_errors_come_before_anything_is_taken_in_and_are_the_same_for_a_seed() -> None:
    seen = []
    for _ in range(2):
        async with calling(Arrangement(Awkwardness(errors=0.5), seed=3)) as node:
            answers = [await node.call("POST", "/v1/batches", batch(identifier(f"JX-{n}"))) for n in range(20)]
            records = await node.records()
        seen.append([status for status, _ in answers])

        assert len(records) == seen[-1].count(200)

    assert seen[0] == seen[1]
    assert 0 < seen[0].count(200) < 20
    assert set(seen[0]) <= {200, 500, 502, 503, 504}


async def test_a_request_too_many_is_told_when_to_come_again() -> None:
    clock = ManualClock()
    async with calling(Arrangement(Awkwardness(requests_per_second_max=0.5)), clock=clock) as node:
        first = await node.answer("GET", "/v1/verdicts")
        second = await node.answer("GET", "/v1/verdicts")
        clock.seconds += 2
        third = await node.answer("GET", "/v1/verdicts")

    assert [first.status, second.status, third.status] == [200, 429, 200]
    assert second.headers["Retry-After"] == "2"
    assert second.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("seed", "is_cut_off"), [(1, True), (4, False)])
async def test_an_outage_begins_and_ends_in_its_time(seed: int, is_cut_off: bool) -> None:
    clock = ManualClock()
    awkward = Awkwardness(outage_after_seconds=10, outage_seconds=60)
    async with calling(Arrangement(awkward, seed=seed), clock=clock) as node:
        before, _ = await node.call("GET", "/v1/verdicts")
        clock.seconds += 10
        if is_cut_off:
            with pytest.raises(ClientError):
                await node.send(identifier("JX-1"))
        else:
            during, _ = await node.call("POST", "/v1/batches", batch(identifier("JX-1")))

            assert during == 503
        summary = await node.summary()
        clock.seconds += 60
        after = await node.send(identifier("JX-1"))

    assert before == 200
    assert summary["is_out"] is True
    assert summary["records"] == {}
    assert [each["state"] for each in after] == ["accepted"]


async def test_an_outage_ends_a_long_poll_too() -> None:
    clock = ManualClock()
    awkward = Awkwardness(outage_after_seconds=10)
    async with calling(Arrangement(awkward, seed=4), clock=clock) as node, asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(node.call("GET", "/v1/verdicts?after=0&wait=30"))
        # Answered after the poll was taken in: the poll was sent first, and both are served by one loop.
        await node.call("GET", "/v1/digests?day=2026-11-24")
        clock.seconds += 10
        status, _ = await poll

    assert status == 503


async def test_digests_are_of_the_beijing_day_and_of_accepted_records_only() -> None:
    late = identifier("JX-3", occurred="2026-11-24T16:00:00Z")
    async with calling() as node:
        await node.send(identifier("JX-1"), identifier("JX-2", operation=7), late)
        _, today = await node.call("GET", f"/v1/digests?day={DAY}")
        _, tomorrow = await node.call("GET", "/v1/digests?day=2026-11-25")
        held = await lines(node)

    assert held == {
        "88.118:T9:88.118.8/JX-1:1": "0eea6a1a0e1248baf0a967efe4dfbdc25b1c397ed975b2b041de8e8bda37a570",
    }
    assert today["digests"] == [{"prefix": "88.118.8", "day": DAY, "records": 1, "sha256": digest_of(held)}]
    assert [(each["day"], each["records"]) for each in tomorrow["digests"]] == [("2026-11-25", 1)]


async def test_planted_drift_shows_in_the_lines_and_can_be_put_right() -> None:
    sent = [identifier(f"JX-{number}") for number in range(20)]
    async with calling() as node:
        await node.send(*sent)
        before = await lines(node)
        planted = await node.steer("plant", {"drop": 3, "change": 2, "extra": 1})
        drifted = await lines(node)
        by_id = {record.id: record for record in sent}
        await node.send(*(by_id[each] for each in planted["dropped"]))
        await node.send(*(by_id[each] for each in planted["changed"]), purpose=Purpose.CORRECT)
        (extra,) = [each for each in await node.records() if each["id"] in planted["extra"]]
        await node.send(identifier(extra["subject"].partition("/")[2]), purpose=Purpose.WITHDRAW)
        after = await lines(node)
        summary = await node.summary()

    assert sorted(before.keys() - drifted.keys()) == sorted(planted["dropped"])
    assert sorted(drifted.keys() - before.keys()) == planted["extra"]
    assert sorted(each for each in before if drifted.get(each, before[each]) != before[each]) == sorted(
        planted["changed"]
    )
    assert after == before
    assert summary["planted"] == {"dropped": 3, "changed": 2, "extra": 1}
    assert (summary["order_violations"], summary["conflicts"]) == (0, 0)


async def test_drift_needs_records_to_be_planted_in() -> None:
    async with calling() as node:
        status, problem = await node.call("POST", "/simulator/plant", b'{"drop":1}')

    assert status == 422
    assert problem["detail"] == "1 accepted records of T9 are needed, 0 are held"


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("POST", "/v1/batches", b"{", 400),
        ("GET", "/v1/verdicts?after=x", b"", 422),
        ("GET", "/v1/verdicts?wait=31", b"", 422),
        ("GET", "/v1/verdicts?wait=nan", b"", 422),
        ("GET", "/v1/digests?day=today", b"", 422),
        ("GET", "/v1/nothing", b"", 404),
        ("DELETE", "/v1/batches", b"", 405),
        ("GET", "/simulator/records?report=T12", b"", 422),
        ("POST", "/simulator/settings", b"[]", 400),
        ("POST", "/simulator/settings", b'{"errors":2}', 422),
        ("POST", "/simulator/settings", b'{"delay_ms":"80-20"}', 422),
        ("POST", "/simulator/settings", b'{"colour":"red"}', 422),
        ("POST", "/simulator/plant", b'{"drop":-1}', 422),
        ("POST", "/simulator/applications/x", b'{"verdict":"perhaps"}', 422),
        ("POST", "/simulator/applications/x", b'{"verdict":"accept"}', 404),
    ],
)
async def test_bad_input_is_answered_with_a_problem(method: str, target: str, body: bytes, status: int) -> None:
    async with calling() as node:
        answer = await node.answer(method, target, body)

    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_settings_are_answered_in_full_and_count_from_now() -> None:
    async with calling() as node:
        settings = await node.steer("settings", {"delay_ms": "0-1", "requests_per_second_max": 100})
        status, _ = await node.call("GET", "/v1/verdicts")

    assert status == 200
    assert settings["delay_ms"] == "0-1"
    assert settings["requests_per_second_max"] == 100.0
    assert settings["outage_after_seconds"] is None


async def test_the_status_page_shows_counts_and_escapes_what_came() -> None:
    async with calling(Arrangement(Awkwardness(delay_ms=Span(0, 1)))) as node:
        await node.send(identifier("JX-1"), identifier("JX-2", operation=7))
        await node.call("GET", "/v1/%3Cscript%3E?<script>")
        answer = await node.answer("GET", "/")
    page = answer.body.decode()

    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert '<b class="good">1</b><span>accepted</span>' in page
    assert "<td>/v1/batches</td>" in page
    assert "<td>served</td>" in page
    assert "<script>" not in page
