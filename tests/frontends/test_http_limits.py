"""What HTTP itself has to withstand: bodies too large, too slow, packed or cut off, requests that are none."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest
from harness import NodeUnderTest
from raw_http import ANSWER_SECONDS_MAX, RawAnswer, RawConnection, connect, head
from stored_rows import stored_rows
from structlog.testing import capture_logs

from idnode.app_answering import answering
from idnode.config import Settings
from idnode.lifecycle import listening_socket

LIMIT = 1_048_576
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
REGISTER = "POST /v1/identifiers HTTP/1.1"
BODY = json.dumps({"identifier": "88.118.8/JX-1", "values": [{"index": 1, "type": "URL", "data": "x"}]}).encode()
SIZE = f"Content-Length: {len(BODY)}"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: node.example\r\n\r\n"


class Served:
    """The node behind the server that `idnode serve` puts in front of it; bodies and idle connections have a second."""

    def __init__(self, node: NodeUnderTest, port: int) -> None:
        self.node = node
        self._port = port

    async def connect(self) -> RawConnection:
        """A connection to it."""
        return await connect(self._port)

    async def send(self, *parts: bytes, has_body: bool = True) -> RawAnswer:
        """The answer to a request on a connection of its own."""
        async with await self.connect() as connection:
            await connection.send(*parts)
            return await connection.answer(has_body=has_body)

    async def post(self, *headers: str, body: bytes = b"") -> RawAnswer:
        """The answer to a registration."""
        return await self.send(head(self.node, REGISTER, *headers), body)


@pytest.fixture
async def served(node: NodeUnderTest) -> AsyncIterator[Served]:
    """A node with the prefix 88.118.8."""
    await node.prefix("88.118.8")
    with listening_socket("127.0.0.1", 0) as listener:
        async with answering(node.node, Settings(idle_seconds=1, drain_seconds=1), listener):
            yield Served(node, listener.getsockname()[1])


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def outcome(answer: RawAnswer) -> tuple[int, str, str, str | None]:
    """Status and type of a problem, and place and limit of its first violation."""
    problem = answer.problem
    violation = problem["errors"][0]
    return answer.status, problem["type"].rpartition(":")[2], violation["pointer"], violation.get("limit")


async def test_a_body_over_the_limit_is_refused_by_the_size_that_it_announces(served: Served, dsn: str) -> None:
    before = await stored_rows(dsn)

    announced = await served.post(JSON, "Content-Length: 1048577")
    sent = await served.post(JSON, "Content-Length: 2000000", body=b" " * 2_000_000)

    assert outcome(announced) == (413, "body-too-large", "", "1048576 bytes")
    assert announced.problem["detail"] == "the body has 1048577 bytes, the limit is 1048576 bytes"
    assert outcome(sent) == (413, "body-too-large", "", "1048576 bytes")
    assert await stored_rows(dsn) == before


async def test_a_chunked_body_over_the_limit_is_refused_when_it_gets_there(served: Served) -> None:
    many = b"".join(chunk(b" " * 4_096) for _ in range(400))

    at_once = await served.post(JSON, CHUNKED, body=chunk(b" " * (LIMIT + 1)) + chunk(b""))
    endless = await served.post(JSON, CHUNKED, body=many)

    assert outcome(at_once) == (413, "body-too-large", "", "1048576 bytes")
    assert outcome(endless) == (413, "body-too-large", "", "1048576 bytes")


async def test_a_body_of_just_the_limit_is_read(served: Served) -> None:
    body = BODY + b" " * (LIMIT - len(BODY))

    whole = await served.post(JSON, f"Content-Length: {LIMIT}", body=body)
    chunked = await served.post(JSON, CHUNKED, body=chunk(body[:500_000]) + chunk(body[500_000:]) + chunk(b""))

    assert whole.status == 201
    assert (chunked.status, chunked.problem["type"]) == (409, "urn:idnode:problem:already-registered")


async def test_what_follows_a_refused_body_is_no_request(served: Served) -> None:
    hidden = b"DELETE /v1/identifiers/88.118.8/JX-1 HTTP/1.1\r\nHost: node.example\r\n\r\n"
    body = hidden * (LIMIT // len(hidden) + 1)

    async with await served.connect() as connection:
        await connection.send(head(served.node, REGISTER, JSON, f"Content-Length: {len(body)}"), body, LIVEZ)
        answers = [await connection.answer(), await connection.answer()]

    assert [answer.status for answer in answers] == [413, 200]
    assert answers[1].body == b'{"status": "alive"}'


async def test_a_body_that_does_not_come_in_time_is_given_up(served: Served, dsn: str) -> None:
    before = await stored_rows(dsn)

    answers = await asyncio.gather(
        served.post(JSON, "Content-Length: 500", body=BODY),
        served.post(JSON, SIZE),
        served.post(JSON, CHUNKED),
        served.post(JSON, CHUNKED, body=b"100\r\n" + BODY[:16]),
        served.post(JSON, CHUNKED, body=chunk(BODY)),
    )

    assert [outcome(answer) for answer in answers] == [(408, "body-too-slow", "", "1 seconds")] * 5
    assert {answer.problem["detail"] for answer in answers} == {"the body did not arrive within 1 seconds"}
    assert await stored_rows(dsn) == before


async def test_a_body_that_trickles_does_not_gain_time_with_every_byte(served: Served) -> None:
    async with await served.connect() as connection:
        await connection.send(head(served.node, REGISTER, JSON, "Content-Length: 100000"))
        answer = await connection.answer_while_trickling(b" ", every_seconds=0.05)

    assert outcome(answer) == (408, "body-too-slow", "", "1 seconds")


async def test_a_body_in_pieces_is_one_body(served: Served) -> None:
    pieces = [chunk(BODY[at : at + 1]) for at in range(len(BODY))]

    async with await served.connect() as connection:
        await connection.send(head(served.node, REGISTER, JSON, CHUNKED), *pieces, chunk(b""))
        answer = await connection.answer()

    assert answer.status == 201
    assert json.loads(answer.body)["identifier"] == "88.118.8/JX-1"


@pytest.mark.parametrize("framing", [SIZE, CHUNKED])
@pytest.mark.parametrize("path", ["/v1/identifiers", "/api/handles/88.118.8/JX-1"])
async def test_who_leaves_in_the_middle_of_a_body_writes_nothing_and_is_no_fault(
    served: Served, dsn: str, path: str, framing: str
) -> None:
    before = await stored_rows(dsn)

    with capture_logs() as logs:
        async with await served.connect() as connection:
            await connection.send(head(served.node, f"POST {path} HTTP/1.1", JSON, framing), chunk(BODY)[:40])
            await connection.leave()
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while not (left := [event for event in logs if event["path"] == path]):
                await served.send(LIVEZ)

    assert [(event["event"], event["status"]) for event in left] == [("request", 400)]
    assert await stored_rows(dsn) == before


async def test_a_packed_body_is_refused_and_never_unpacked(served: Served) -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    packed = {"gzip": bomb, "GZIP": bomb, "gzip, identity": bomb}
    named = dict.fromkeys(["deflate", "br", "zstd", "nonsense", ""], b"not packed at all")

    for coding, body in (packed | named).items():
        header = head(served.node, REGISTER, JSON, f"Content-Encoding: {coding}", f"Content-Length: {len(body)}")
        async with await served.connect() as connection:
            await connection.send(header, body, LIVEZ)
            answer, after = await connection.answer(), await connection.answer()

        assert outcome(answer) == (415, "media-type-not-supported", "Content-Encoding", None)
        assert answer.problem["errors"][0]["value"] == coding
        assert after.status == 200


async def test_a_body_that_says_it_is_not_packed_is_read(served: Served) -> None:
    assert (await served.post(JSON, "Content-Encoding: identity", SIZE, body=BODY)).status == 201


async def test_a_body_of_another_media_type_is_refused(served: Served) -> None:
    for header, shown in (
        ("Content-Type: text/plain", "text/plain"),
        ("Content-Type: application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("Content-Type: application/merge-patch+json", "application/merge-patch+json"),
        ("Content-Type: application/jsonp", "application/jsonp"),
        ("Content-Type: application/json/x", "application/octet-stream"),
        ("Content-Type: ;;;=", "application/octet-stream"),
        ("Content-Type:", "application/octet-stream"),
        ("X-Nothing: said", "application/octet-stream"),
    ):
        answer = await served.post(header, SIZE, body=BODY)

        assert outcome(answer) == (415, "media-type-not-supported", "Content-Type", "application/json")
        assert answer.problem["errors"][0]["value"] == shown


async def test_json_may_be_announced_in_other_words(served: Served) -> None:
    charset = await served.post(JSON + "; charset=utf-8", SIZE, body=BODY)
    capitals = await served.post("content-type: APPLICATION/JSON", SIZE, body=BODY)

    assert (charset.status, capitals.status) == (201, 409)


async def test_a_route_without_a_body_takes_none(served: Served, dsn: str) -> None:
    await served.post(JSON, SIZE, body=BODY)
    before = await stored_rows(dsn)

    line = "DELETE /v1/identifiers/88.118.8/JX-1 HTTP/1.1"
    answer = await served.send(head(served.node, line, JSON, "Content-Length: 2"), b"{}")

    assert outcome(answer) == (422, "invalid-input", "", "0 bytes")
    assert await stored_rows(dsn) == before


async def test_a_connection_that_says_nothing_is_closed(served: Served) -> None:
    async with await served.connect() as connection:
        assert await connection.rest() == b""


async def test_a_header_that_does_not_come_in_time_closes_the_connection(served: Served) -> None:
    async with await served.connect() as connection:
        await connection.send(b"GET /livez HTTP/1.1\r\nHost: node.exa")

        assert await connection.rest() == b""


async def test_a_connection_that_is_idle_after_an_answer_is_closed(served: Served) -> None:
    async with await served.connect() as connection:
        await connection.send(LIVEZ)
        answer = await connection.answer()

        assert answer.status == 200
        assert await connection.rest() == b""
