"""Frames shaped like EPP (RFC 5730) that carry records and verdicts: an example of XML over HTTP, no certified schema.

Commands, results and the message queue are RFC 5730's. What they act on is an object of a namespace of our own, a batch
of records: `create` tells them, `update` replaces what is held of them, `delete` takes them back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree
from lxml.builder import ElementMaker

from idnode.model.errors import InvalidInput, MalformedInput, Violation
from idnode.model.reporting import REASON_CHARACTERS_MAX, Purpose, RecordState, ReportedRecord, Verdict

EPP = "urn:ietf:params:xml:ns:epp-1.0"
REPORT = "urn:idnode:epp:report-1.0"
MEDIA = "application/epp+xml"

VERDICTS_MAX = 5_000
STATES = {state.value: state for state in (RecordState.SENT, RecordState.ACCEPTED, RecordState.REJECTED)}
VERBS = {Purpose.REPORT: "create", Purpose.CORRECT: "update", Purpose.WITHDRAW: "delete"}

_Element = etree._Element  # noqa: SLF001  # lxml's own name of the type
_NAMES = {"epp": EPP, "report": REPORT}
_epp = ElementMaker(namespace=EPP, nsmap={None: EPP, "report": REPORT})
_report = ElementMaker(namespace=REPORT, nsmap={"report": REPORT})


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: the result's code and text, verdicts, the server's transaction, the queued message's id."""

    code: int
    text: str
    verdicts: tuple[Verdict, ...] = ()
    server_transaction: str = ""
    message: str = ""


def login_frame(client: str, password: str, transaction: str) -> bytes:
    """Opens a session."""
    options = _epp.options(_epp.version("1.0"), _epp.lang("en"))
    login = _epp.login(_epp.clID(client), _epp.pw(password), options, _epp.svcs(_epp.objURI(REPORT)))
    return _frame(login, transaction)


def batch_frame(node: str, purpose: Purpose, records: Sequence[ReportedRecord], transaction: str) -> bytes:
    """A batch of records of one report. Raises InvalidInput for a text with a character that XML cannot carry."""
    batch = _report.batch(node=node, report=str(records[0].report) if records else "")
    try:
        batch.extend(_record_element(record) for record in records)
    except ValueError as error:
        raise InvalidInput(f"a record does not go into XML: {error}") from error
    return _frame(_epp(VERBS[purpose], batch), transaction)


def poll_frame(transaction: str, *, acknowledges: str = "") -> bytes:
    """Asks for the first message of the queue, or takes the message `acknowledges` from it (RFC 5730 §2.9.2.3)."""
    poll = _epp.poll(op="ack", msgID=acknowledges) if acknowledges else _epp.poll(op="req")
    return _frame(poll, transaction)


def read_response(body: bytes) -> Response:
    """Raises MalformedInput for what is no EPP response, and for verdicts that say something unknown."""
    response = parsed(body).find("epp:response", _NAMES)
    result = None if response is None else response.find("epp:result", _NAMES)
    code = "" if result is None else result.get("code", "")
    if response is None or result is None or not (code.isascii() and code.isdecimal() and len(code) == 4):
        raise _malformed("is no EPP response with a result of four digits")
    queue = response.find("epp:msgQ", _NAMES)
    return Response(
        code=int(code),
        text=(result.findtext("epp:msg", "", _NAMES) or "")[:REASON_CHARACTERS_MAX],
        verdicts=tuple(_verdicts(response)),
        server_transaction=response.findtext("epp:trID/epp:svTRID", "", _NAMES) or "",
        message="" if queue is None else queue.get("id", ""),
    )


def parsed(body: bytes) -> _Element:
    """The root of a frame. Raises MalformedInput; entities and document types are refused, nothing is loaded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _malformed(f"is no XML: {error}") from error
    if root.getroottree().docinfo.doctype:
        raise _malformed("has a document type, which no frame needs")
    if root.tag != f"{{{EPP}}}epp":
        raise _malformed("is no EPP frame")
    return root


def _frame(command: _Element, transaction: str) -> bytes:
    frame = _epp.epp(_epp.command(command, _epp.clTRID(transaction)))
    return etree.tostring(frame, xml_declaration=True, encoding="UTF-8", standalone=False)


def _record_element(record: ReportedRecord) -> _Element:
    return _report.record(
        *(_value_element(name, value) for name, value in record.data.items()),
        id=record.id,
        subject=record.subject,
        version=str(record.version),
        occurred=record.occurred,
    )


def _value_element(name: str, value: object) -> _Element:
    """A field of a record's data: text, a number, an object of fields, or a list of items."""
    match value:
        case str():
            return _report.field(value, name=name)
        case Mapping():
            return _report.object(*(_value_element(str(inner), each) for inner, each in value.items()), name=name)
        case list() | tuple():
            return _report.list(*(_value_element("item", each) for each in value), name=name)
        case _:
            return _report.number(str(value), name=name)


def _verdicts(response: _Element) -> Iterator[Verdict]:
    found = response.findall("epp:resData/report:verdicts/report:verdict", _NAMES)
    if len(found) > VERDICTS_MAX:
        raise _malformed(f"has {len(found)} verdicts, the limit is {VERDICTS_MAX}")
    for element in found:
        state, id = STATES.get(element.get("state", "")), element.get("id", "")
        receipt, reason = element.get("receipt"), element.text or None
        if state is None or not id:
            raise _malformed("has a verdict without an id, or with an unknown state")
        if (state is RecordState.ACCEPTED and not receipt) or (state is RecordState.REJECTED and not reason):
            raise _malformed(f"has a verdict {state} without its receipt or reason")
        yield Verdict(id, state, receipt, None if reason is None else reason[:REASON_CHARACTERS_MAX])


def _malformed(detail: str) -> InvalidInput:
    return MalformedInput.of([Violation("", "epp", detail)])
