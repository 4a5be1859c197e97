"""The EPP-shaped transport against a small EPP server: sessions, results, the message queue."""

from collections.abc import AsyncIterator
from datetime import date

import pytest
from epp_server import EppServer, epp_server, verdicts_xml

from idnode.model.errors import InvalidInput
from idnode.model.reporting import Purpose, RecordState, Report, ReportedRecord, Verdict, VerdictPage
from idnode.sync.transport import BatchRefused, TransportFailed, TransportThrottled
from idnode.sync.transports.choose import make_transport
from idnode.sync.transports.epp_xml import EppXml
from idnode.wire.top_node.epp import read_response

DATA: dict[str, object] = {
    "identifier": "88.118.8/<&>",
    "operation": 1,
    "sources": [{"address": "198.51.100.7", "requests": 2}],
    "names": ["甲", "乙"],
}
RECORDS = [
    ReportedRecord("88.118:T9:88.118.8/1:1", Report.T9, "88.118.8/1", 1, "2026-11-24T02:03:04Z", DATA),
    ReportedRecord("88.118:T9:88.118.8/2:1", Report.T9, "88.118.8/2", 1, "2026-11-24T02:03:04Z", {}),
]
ACCEPTED = '<report:verdict id="a" state="accepted" receipt="r-1"/>'
REJECTED = f'<report:verdict id="{RECORDS[1].id}" state="rejected">no such template</report:verdict>'


@pytest.fixture
async def server() -> AsyncIterator[EppServer]:
    """A server that accepts everything."""
    async with epp_server() as running:
        yield running


@pytest.fixture
async def transport(server: EppServer) -> AsyncIterator[EppXml]:
    """A transport that knows the secret."""
    made = make_transport("epp", node="88.118", url=server.url, app_id="app-1", secret="a fictitious secret")
    assert isinstance(made, EppXml)
    yield made
    await made.close()


async def test_a_batch_is_one_command_in_a_session(server: EppServer, transport: EppXml) -> None:
    first = await transport.deliver(Purpose.REPORT, RECORDS)
    await transport.deliver(Purpose.CORRECT, RECORDS)
    await transport.deliver(Purpose.WITHDRAW, RECORDS)

    assert server.commands == ["login", "create", "update", "delete"]
    assert first == [Verdict(record.id, RecordState.ACCEPTED, "sv-3") for record in RECORDS]


async def test_a_batch_is_this_xml(server: EppServer, transport: EppXml) -> None:
    await transport.deliver(Purpose.REPORT, RECORDS)

    assert server.frames[1] == (
        "<?xml version='1.0' encoding='UTF-8' standalone='no'?>\n"
        '<epp xmlns="urn:ietf:params:xml:ns:epp-1.0" xmlns:report="urn:idnode:epp:report-1.0"><command><create>'
        '<report:batch node="88.118" report="T9">'
        '<report:record id="88.118:T9:88.118.8/1:1" subject="88.118.8/1" version="1" occurred="2026-11-24T02:03:04Z">'
        '<report:field name="identifier">88.118.8/&lt;&amp;&gt;</report:field>'
        '<report:number name="operation">1</report:number>'
        '<report:list name="sources"><report:object name="item">'
        '<report:field name="address">198.51.100.7</report:field><report:number name="requests">2</report:number>'
        "</report:object></report:list>"
        '<report:list name="names"><report:field name="item">甲</report:field>'
        '<report:field name="item">乙</report:field></report:list></report:record>'
        '<report:record id="88.118:T9:88.118.8/2:1" subject="88.118.8/2" version="1" occurred="2026-11-24T02:03:04Z"/>'
        f"</report:batch></create><clTRID>{server.transactions[1]}</clTRID></command></epp>"
    )


async def test_the_same_batch_has_the_same_transaction(server: EppServer, transport: EppXml) -> None:
    await transport.deliver(Purpose.REPORT, RECORDS)
    await transport.deliver(Purpose.REPORT, RECORDS)
    await transport.deliver(Purpose.REPORT, RECORDS[:1])

    assert server.transactions[1] == server.transactions[2] != server.transactions[3]
    assert len(server.transactions[1]) == 32


async def test_1001_means_judged_later(server: EppServer, transport: EppXml) -> None:
    server.codes = [1001]

    assert await transport.deliver(Purpose.REPORT, RECORDS) == [
        Verdict(RECORDS[0].id, RecordState.SENT),
        Verdict(RECORDS[1].id, RecordState.SENT),
    ]


async def test_a_verdict_in_the_answer_comes_before_the_result(server: EppServer, transport: EppXml) -> None:
    server.verdicts = verdicts_xml(REJECTED)

    assert await transport.deliver(Purpose.REPORT, RECORDS) == [
        Verdict(RECORDS[0].id, RecordState.ACCEPTED, "sv-3"),
        Verdict(RECORDS[1].id, RecordState.REJECTED, None, "no such template"),
    ]


@pytest.mark.parametrize("code", [2001, 2003, 2005, 2102, 2302, 2306, 2308])
async def test_what_is_wrong_with_a_batch_refuses_it(server: EppServer, transport: EppXml, code: int) -> None:
    server.codes = [code]

    with pytest.raises(BatchRefused, match=f"EPP {code}: result {code}"):
        await transport.deliver(Purpose.REPORT, RECORDS)


@pytest.mark.parametrize("code", [2200, 2201, 2400, 2500, 1300])
async def test_what_is_wrong_with_the_server_or_the_rights_may_pass(
    server: EppServer, transport: EppXml, code: int
) -> None:
    server.codes = [code]

    with pytest.raises(TransportFailed, match=f"EPP {code}: result {code}"):
        await transport.deliver(Purpose.REPORT, RECORDS)


async def test_too_many_sessions_throttle(server: EppServer, transport: EppXml) -> None:
    server.codes = [2502]

    with pytest.raises(TransportThrottled) as throttled:
        await transport.deliver(Purpose.REPORT, RECORDS)
    await transport.deliver(Purpose.REPORT, RECORDS)

    assert throttled.value.seconds == 30.0
    assert server.commands == ["login", "create", "login", "create"]


async def test_a_forgotten_session_is_opened_again(server: EppServer, transport: EppXml) -> None:
    await transport.deliver(Purpose.REPORT, RECORDS)
    server.sessions.clear()
    verdicts = await transport.deliver(Purpose.REPORT, RECORDS)

    assert [verdict.state for verdict in verdicts] == [RecordState.ACCEPTED, RecordState.ACCEPTED]
    assert server.commands == ["login", "create", "create", "login", "create"]


async def test_a_session_that_is_forgotten_at_once_is_not_opened_for_ever(server: EppServer, transport: EppXml) -> None:
    server.codes = [2002, 2002]

    with pytest.raises(TransportFailed, match="EPP 2002"):
        await transport.deliver(Purpose.REPORT, RECORDS)


async def test_a_wrong_password_says_nothing_about_the_batch(server: EppServer) -> None:
    transport = make_transport("epp", node="88.118", url=server.url, app_id="app-1", secret="another")

    with pytest.raises(TransportFailed, match="EPP 2200: result 2200"):
        await transport.deliver(Purpose.REPORT, RECORDS)
    await transport.close()


async def test_messages_are_read_one_by_one_and_taken_off_when_settled(server: EppServer, transport: EppXml) -> None:
    server.queue = [("7", verdicts_xml(ACCEPTED)), ("9", verdicts_xml(REJECTED, ACCEPTED))]
    first = await transport.verdicts("", wait_seconds=0)
    again = await transport.verdicts("", wait_seconds=0)
    second = await transport.verdicts(first.cursor, wait_seconds=0)
    last = await transport.verdicts(second.cursor, wait_seconds=0)

    accepted = Verdict("a", RecordState.ACCEPTED, "r-1")
    rejected = Verdict(RECORDS[1].id, RecordState.REJECTED, None, "no such template")
    assert first == again == VerdictPage((accepted,), "7")
    assert second == VerdictPage((rejected, accepted), "9")
    assert last == VerdictPage((), "9")
    assert server.queue == []


async def test_a_message_that_was_taken_off_before_is_no_matter(server: EppServer, transport: EppXml) -> None:
    server.queue = [("9", verdicts_xml(ACCEPTED))]

    assert (await transport.verdicts("7", wait_seconds=0)).cursor == "9"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<epp/>",
        b'<epp xmlns="urn:ietf:params:xml:ns:epp-1.0"><greeting/></epp>',
        b'<epp xmlns="urn:ietf:params:xml:ns:epp-1.0"><response><result code="1"/></response></epp>',
    ],
)
async def test_an_answer_that_is_no_epp(server: EppServer, transport: EppXml, answer: bytes) -> None:
    server.answer = answer

    with pytest.raises(TransportFailed, match="breaks the protocol"):
        await transport.deliver(Purpose.REPORT, RECORDS)


def test_entities_and_document_types_are_refused() -> None:
    bomb = (
        b'<!DOCTYPE epp [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        b'<epp xmlns="urn:ietf:params:xml:ns:epp-1.0"><response><result code="1000"><msg>&b;</msg></result>'
        b"</response></epp>"
    )

    with pytest.raises(InvalidInput, match="has a document type"):
        read_response(bomb)


async def test_a_character_that_xml_cannot_carry_refuses_the_batch(transport: EppXml) -> None:
    record = ReportedRecord("a", Report.T9, "s", 1, "t", {"brand": "\ufffe"})

    with pytest.raises(BatchRefused, match="does not go into XML"):
        await transport.deliver(Purpose.REPORT, [record])


async def test_epp_tells_no_digests(transport: EppXml) -> None:
    assert list(await transport.digests(date(2026, 11, 24))) == []
    assert dict(await transport.digest_lines("88.118.8", date(2026, 11, 24))) == {}
    assert EppXml.has_digests is False
