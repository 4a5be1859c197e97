"""JSON over HTTPS against a real server: what is sent, what every answer becomes, and whose clock counts."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from email.utils import formatdate

import pytest
from aiohttp import web
from scripted_top_node import TopNode, scripted
from structlog.testing import capture_logs

from idnode.model.reporting import Digest, Purpose, RecordState, Report, ReportedRecord, Verdict, VerdictPage
from idnode.sync.transport import BatchRefused, TransportFailed, TransportThrottled
from idnode.sync.transports.channel import Channel
from idnode.sync.transports.choose import make_transport
from idnode.sync.transports.json_https import JsonHttps
from idnode.wire.top_node.messages import (
    batch_json,
    digests_json,
    lines_json,
    read_batch,
    verdict_page_json,
    verdicts_json,
)
from idnode.wire.top_node.problems import problem_json
from idnode.wire.top_node.signing import HmacSigner, read_signature, verify_hmac

NOW = 1_795_500_000.0
SECRET = "a fictitious secret"
RECORDS = [
    ReportedRecord(f"88.118:T9:88.118.8/{n}:1", Report.T9, f"88.118.8/{n}", 1, "2026-11-24T02:03:04Z", {"n": n})
    for n in range(3)
]
VERDICTS = [Verdict(record.id, RecordState.ACCEPTED, f"r-{record.id}") for record in RECORDS]


@pytest.fixture
async def top_node() -> AsyncIterator[TopNode]:
    """A server without answers yet."""
    async with scripted() as server:
        yield server


@asynccontextmanager
async def reporting(
    top_node: TopNode, *, path: str = "", has_gzip: bool = False, seconds_max: float = 30.0
) -> AsyncIterator[JsonHttps]:
    """A transport whose nonces are n-1, n-2, ..."""
    numbers = iter(range(1, 1_000))
    channel = Channel(
        top_node.url + path,
        signer=HmacSigner("app-1", SECRET),
        tls=None,
        clock=lambda: NOW,
        nonce=lambda: f"n-{next(numbers)}",
        has_gzip=has_gzip,
        seconds_max=seconds_max,
    )
    transport = JsonHttps(channel, node="88.118")
    try:
        yield transport
    finally:
        await transport.close()


async def test_a_batch_goes_up_signed_and_its_verdicts_come_back(top_node: TopNode) -> None:
    top_node.will(200, verdicts_json(VERDICTS))
    async with reporting(top_node) as transport:
        verdicts = await transport.deliver(Purpose.CORRECT, RECORDS)

    asked = top_node.asked[0]
    assert list(verdicts) == VERDICTS
    assert (asked.method, asked.target, asked.headers["Content-Type"]) == ("POST", "/v1/batches", "application/json")
    assert asked.body == batch_json("88.118", Purpose.CORRECT, RECORDS, "2026-11-24T06:00:00Z")
    signature = read_signature(asked.headers)
    assert (signature.app_id, signature.at, signature.nonce) == ("app-1", 1_795_500_000, "n-1")
    assert verify_hmac(signature, SECRET, "POST", "/v1/batches", asked.body)


async def test_the_path_of_the_address_is_kept_and_signed(top_node: TopNode) -> None:
    top_node.will(200, verdicts_json([]))
    async with reporting(top_node, path="/portal/") as transport:
        await transport.deliver(Purpose.REPORT, [])

    asked = top_node.asked[0]
    assert asked.target == "/portal/v1/batches"
    assert verify_hmac(read_signature(asked.headers), SECRET, "POST", "/portal/v1/batches", asked.body)


async def test_verdicts_are_asked_for_after_a_cursor_and_waited_for(top_node: TopNode) -> None:
    page = VerdictPage((Verdict("a", RecordState.REJECTED, None, "no"),), "12/&=")
    top_node.will(200, verdict_page_json(page))
    top_node.will(200, verdict_page_json(VerdictPage((), "12/&=")))
    async with reporting(top_node) as transport:
        first = await transport.verdicts("", wait_seconds=0.2)
        second = await transport.verdicts(first.cursor, wait_seconds=0)

    assert (first, second) == (page, VerdictPage((), "12/&="))
    assert [asked.target for asked in top_node.asked] == [
        "/v1/verdicts?after=&wait=1",
        "/v1/verdicts?after=12%2F%26%3D&wait=0",
    ]
    for asked in top_node.asked:
        assert verify_hmac(read_signature(asked.headers), SECRET, "GET", asked.target, b"")


async def test_digests_and_their_lines_come_back(top_node: TopNode) -> None:
    digests = (Digest("88.118.8", date(2026, 11, 24), 2, "0" * 64),)
    lines = {"88.118:T9:x:1": "1" * 64}
    top_node.will(200, digests_json(digests))
    top_node.will(200, lines_json(lines))
    async with reporting(top_node) as transport:
        told = await transport.digests(date(2026, 11, 24))
        each = await transport.digest_lines("88.118.8", date(2026, 11, 24))

    assert (told, each) == (digests, lines)
    assert [asked.target for asked in top_node.asked] == [
        "/v1/digests?day=2026-11-24",
        "/v1/digests/88.118.8?day=2026-11-24",
    ]


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_batch_that_is_refused_as_a_whole(top_node: TopNode, status: int) -> None:
    top_node.will(status, problem_json("invalid-input", status, "Broken", "the batch is of two reports"))
    async with reporting(top_node) as transport:
        with pytest.raises(BatchRefused, match=f"HTTP {status} from http://127.0.0.1:.*: the batch is of two reports"):
            await transport.deliver(Purpose.REPORT, RECORDS)


@pytest.mark.parametrize("status", [302, 401, 403, 404, 500, 502, 503, 504])
async def test_an_answer_that_a_later_attempt_may_change(top_node: TopNode, status: int) -> None:
    top_node.will(status, b"<html>what?</html>", Location="/elsewhere", Date=formatdate(NOW, usegmt=True))
    async with reporting(top_node) as transport:
        with pytest.raises(TransportFailed, match=rf"HTTP {status} from http://127.0.0.1:.*: <html>what\?</html>"):
            await transport.deliver(Purpose.REPORT, RECORDS)

    assert len(top_node.asked) == 1


async def test_a_fault_that_names_a_time_is_a_fault_all_the_same(top_node: TopNode) -> None:
    top_node.will(502, b"", Retry_After="5")
    async with reporting(top_node) as transport:
        with pytest.raises(TransportFailed, match="HTTP 502"):
            await transport.deliver(Purpose.REPORT, RECORDS)


async def test_who_is_not_taken_is_said(top_node: TopNode) -> None:
    top_node.will(403, problem_json("forbidden", 403, "No", "app-1 may not report for 88.118"))
    async with reporting(top_node) as transport:
        with pytest.raises(
            TransportFailed,
            match=r"does not take the app id app-1: HTTP 403 .*: app-1 may not report .*IDNODE_SYNC_SECRET",
        ):
            await transport.deliver(Purpose.REPORT, RECORDS)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry_After": "7"}, 7.0),
        (429, {}, 1.0),
        (429, {"Retry_After": "soon"}, 1.0),
        (503, {"Retry_After": "0"}, 0.0),
        (503, {"Retry_After": "86400"}, 300.0),
        (503, {"Retry_After": formatdate(NOW + 40, usegmt=True), "Date": formatdate(NOW + 10, usegmt=True)}, 30.0),
    ],
)
async def test_a_top_node_that_wants_fewer_requests(
    top_node: TopNode, status: int, headers: dict[str, str], seconds: float
) -> None:
    top_node.will(status, b"", **headers)
    async with reporting(top_node) as transport:
        with pytest.raises(TransportThrottled) as throttled:
            await transport.deliver(Purpose.REPORT, RECORDS)

    assert throttled.value.seconds == seconds


@pytest.mark.parametrize("body", [b"", b"{}", b'{"verdicts":[{"id":"a","state":"lost"}]}', b"\xff", b"[" * 100_000])
async def test_an_answer_that_breaks_the_protocol(top_node: TopNode, body: bytes) -> None:
    top_node.will(200, body)
    async with reporting(top_node) as transport:
        with pytest.raises(TransportFailed, match="breaks the protocol"):
            await transport.deliver(Purpose.REPORT, RECORDS)


async def test_a_connection_that_is_cut_before_the_answer(top_node: TopNode) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    top_node.answers.append(cut)
    top_node.will(200, verdicts_json(VERDICTS))
    async with reporting(top_node) as transport:
        with pytest.raises(TransportFailed):
            await transport.deliver(Purpose.REPORT, RECORDS)
        again = await transport.deliver(Purpose.REPORT, RECORDS)

    assert list(again) == VERDICTS


async def test_a_connection_that_is_cut_within_the_answer(top_node: TopNode) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"verdicts":[')
        assert request.transport is not None
        request.transport.abort()
        return response

    top_node.answers.append(cut)
    async with reporting(top_node) as transport:
        with pytest.raises(TransportFailed):
            await transport.deliver(Purpose.REPORT, RECORDS)


async def test_a_server_that_never_answers_is_given_up(top_node: TopNode) -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    top_node.answers.append(hang)
    async with reporting(top_node, seconds_max=0.05) as transport:
        with pytest.raises(TransportFailed, match=r"POST http://127.0.0.1:.*/v1/batches: .*[Tt]imeout"):
            await transport.deliver(Purpose.REPORT, RECORDS)


async def test_nobody_there() -> None:
    transport = make_transport("json", node="88.118", url="http://127.0.0.1:1")

    with pytest.raises(TransportFailed) as failed:
        await transport.deliver(Purpose.REPORT, RECORDS)
    await transport.close()

    assert failed.value.detail == (
        "POST http://127.0.0.1:1/v1/batches: no connection to 127.0.0.1:1: Connection refused"
        " (is IDNODE_SYNC_URL its address?)"
    )


async def test_an_address_that_speaks_no_tls_or_is_another_one_is_named_as_the_likely_cause(top_node: TopNode) -> None:
    top_node.will(404, b"")
    async with reporting(top_node) as transport:
        with pytest.raises(TransportFailed, match=r"HTTP 404 .* \(is IDNODE_SYNC_URL its address\?\)"):
            await transport.deliver(Purpose.REPORT, RECORDS)
    secured = make_transport("json", node="88.118", url=top_node.url.replace("http:", "https:"))
    with pytest.raises(TransportFailed, match=r"no TLS with 127\.0\.0\.1:\d+: .* \(is IDNODE_SYNC_URL its address\?\)"):
        await secured.deliver(Purpose.REPORT, RECORDS)
    await secured.close()


async def test_an_endless_answer_is_cut_off(top_node: TopNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idnode.sync.transports.channel.REPLY_BYTES_MAX", 1_000)
    top_node.will(200, b"x" * 1_001)
    async with reporting(top_node) as transport:
        with pytest.raises(TransportFailed, match="the answer is longer than 1000 bytes"):
            await transport.deliver(Purpose.REPORT, RECORDS)


@pytest.mark.parametrize("seconds_off", [-86_400, 7_200])
async def test_a_node_with_a_wrong_clock_reports_by_the_clock_of_the_top_node(
    top_node: TopNode, seconds_off: int
) -> None:
    there = int(NOW) - seconds_off
    problem = problem_json("clock-skew", 401, "Off", "the timestamp is off")
    top_node.will(401, problem, Date=formatdate(there, usegmt=True))
    top_node.will(200, verdicts_json(VERDICTS))
    top_node.will(200, verdicts_json(VERDICTS))
    async with reporting(top_node) as transport:
        with capture_logs() as logs:
            first = await transport.deliver(Purpose.REPORT, RECORDS)
            await transport.deliver(Purpose.REPORT, RECORDS)

    assert list(first) == VERDICTS
    assert [read_signature(asked.headers).at for asked in top_node.asked] == [int(NOW), there, there]
    assert [read_signature(asked.headers).nonce for asked in top_node.asked] == ["n-1", "n-2", "n-3"]
    assert [(line["event"], line["seconds"]) for line in logs] == [("top_node_clock_differs", -seconds_off)]
    assert (
        read_batch(top_node.asked[2].body).sent_at
        == {
            -86_400: "2026-11-25T06:00:00Z",
            7_200: "2026-11-24T04:00:00Z",
        }[seconds_off]
    )


async def test_a_refusal_with_the_right_time_is_no_matter_of_clocks(top_node: TopNode) -> None:
    top_node.will(401, problem_json("not-authenticated", 401, "No", "unknown"), Date=formatdate(NOW + 30, usegmt=True))
    async with reporting(top_node) as transport:
        with pytest.raises(TransportFailed, match="does not take the app id app-1"):
            await transport.deliver(Purpose.REPORT, RECORDS)

    assert len(top_node.asked) == 1


async def test_a_clock_that_is_refused_twice_is_not_tried_for_ever(top_node: TopNode) -> None:
    for seconds in (1_000, 2_000):
        top_node.will(401, problem_json("clock-skew", 401, "Off", "off"), Date=formatdate(NOW + seconds, usegmt=True))
    async with reporting(top_node) as transport:
        with pytest.raises(TransportFailed, match="HTTP 401"):
            await transport.deliver(Purpose.REPORT, RECORDS)

    assert len(top_node.asked) == 2


async def test_a_compressed_body_is_signed_as_it_was_before(top_node: TopNode) -> None:
    top_node.will(200, verdicts_json(VERDICTS))
    async with reporting(top_node, has_gzip=True) as transport:
        await transport.deliver(Purpose.REPORT, RECORDS)

    asked = top_node.asked[0]
    # The server has unpacked it already.
    assert asked.headers["Content-Encoding"] == "gzip"
    assert int(asked.headers["Content-Length"]) == len(gzip.compress(asked.body, 1, mtime=0))
    assert verify_hmac(read_signature(asked.headers), SECRET, "POST", "/v1/batches", asked.body)


async def test_data_that_is_no_json_is_refused_before_it_is_sent(top_node: TopNode) -> None:
    record = ReportedRecord("a", Report.T9, "s", 1, "t", {"brand": "\ud800"})
    async with reporting(top_node) as transport:
        with pytest.raises(BatchRefused, match="does not go into JSON"):
            await transport.deliver(Purpose.REPORT, [record])

    assert top_node.asked == []


async def test_the_largest_batch_arrives_whole(top_node: TopNode) -> None:
    data: dict[str, object] = {"product_name": "布" * 200}
    records = [ReportedRecord(f"a:{n}", Report.T9, "s", n, "2026-11-24T02:03:04Z", data) for n in range(5_000)]
    top_node.will(200, verdicts_json([Verdict(record.id, RecordState.SENT) for record in records]))
    async with reporting(top_node) as transport:
        verdicts = await transport.deliver(Purpose.REPORT, records)

    assert (len(verdicts), read_batch(top_node.asked[0].body).records) == (5_000, tuple(records))


async def test_one_connection_serves_many_requests(top_node: TopNode) -> None:
    peers = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(body=verdicts_json(VERDICTS))

    top_node.answers = [answer] * 5
    async with reporting(top_node) as transport:
        for _ in range(5):
            await transport.deliver(Purpose.REPORT, RECORDS)

    assert len(peers) == 1
