"""A small EPP server (RFC 5730 over HTTP, sessions by cookie): takes batches, judges them, keeps a message queue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from aiohttp import web
from lxml import etree
from scripted_top_node import running

from idnode.wire.top_node.epp import EPP, REPORT, parsed

NAMES = {"epp": EPP, "report": REPORT}


@dataclass
class EppServer:
    """`codes` are the results of the next commands about batches, in their order; 1000 after that."""

    client: str = "app-1"
    password: str = "a fictitious secret"
    url: str = ""
    codes: list[int] = field(default_factory=list)
    verdicts: str = ""
    queue: list[tuple[str, str]] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    frames: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    transactions: list[str] = field(default_factory=list)
    answer: bytes | None = None
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One frame in, one frame out."""
        body = await request.read()
        self.frames.append(body.decode())
        if self.answer is not None:
            return web.Response(body=self.answer)
        command = parsed(body).find("epp:command", NAMES)
        assert command is not None
        verb = etree.QName(command[0]).localname
        self.commands.append(verb)
        transaction = command.findtext("epp:clTRID", "", NAMES)
        self.transactions.append(transaction)
        code, inner, session = self._done(verb, command[0], request.cookies.get("session", ""))
        response = web.Response(body=self._frame(code, inner, transaction), content_type="application/epp+xml")
        if session:
            response.set_cookie("session", session)
        return response

    def _done(self, verb: str, command: etree._Element, session: str) -> tuple[int, str, str]:
        if verb == "login":
            given = (command.findtext("epp:clID", "", NAMES), command.findtext("epp:pw", "", NAMES))
            if given != (self.client, self.password):
                return 2200, "", ""
            name = f"session-{next(self._numbers)}"
            self.sessions.add(name)
            return 1000, "", name
        if session not in self.sessions:
            return 2002, "", ""
        if verb == "poll":
            return (*self._polled(command), "")
        code = self.codes.pop(0) if self.codes else 1000
        return code, f"<resData>{self.verdicts}</resData>" if self.verdicts else "", ""

    def _polled(self, poll: etree._Element) -> tuple[int, str]:
        if poll.get("op") == "ack":
            known = [message for message in self.queue if message[0] == poll.get("msgID")]
            self.queue = [message for message in self.queue if message not in known]
            return (1000 if known else 2303), ""
        if not self.queue:
            return 1300, ""
        id, verdicts = self.queue[0]
        return 1301, f'<msgQ count="{len(self.queue)}" id="{id}"/><resData>{verdicts}</resData>'

    def _frame(self, code: int, inner: str, transaction: str) -> bytes:
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><epp xmlns="{EPP}" xmlns:report="{REPORT}"><response>'
            f'<result code="{code}"><msg>result {code}</msg></result>{inner}'
            f"<trID><clTRID>{transaction}</clTRID><svTRID>sv-{next(self._numbers)}</svTRID></trID></response></epp>"
        ).encode()


def verdicts_xml(*verdicts: str) -> str:
    """Verdicts in their element."""
    return f"<report:verdicts>{''.join(verdicts)}</report:verdicts>"


@asynccontextmanager
async def epp_server() -> AsyncIterator[EppServer]:
    """A server for the length of a block."""
    server = EppServer()
    async with running(server.handle) as url:
        server.url = f"{url}/epp"
        yield server
