"""Transfers between enterprises: request, read, list, approve, reject, cancel."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from idnode.frontends.v1.answers import answer_json, location_of, page_json, uuid_after, uuid_of
from idnode.frontends.v1.routes import EVERY_ROLE, WRITERS, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.transfers import AnswerIn, TransferIn, TransferOut, TransferPage, TransferQuery
from idnode.model.access import Role
from idnode.model.transfer import Transfer
from idnode.registry.commands import Asked
from idnode.registry.transfers import Answer, TransferRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.naming_json import transfer_document

TOPIC = "transfers"
ANSWERERS = frozenset({Role.ADMIN, Role.REVIEWER, Role.ENTERPRISE})

Decide = Callable[[UUID, str | None, Asked, Answer], Awaitable[KeptAnswer]]


class TransfersApi:
    """Handlers of the transfer routes."""

    def __init__(self, transfers: TransferRegistry) -> None:
        self._transfers = transfers

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/transfers/{id}"
        return (
            Route("POST", "/v1/transfers", "request_transfer", "Request that a prefix or identifiers change hands",
                  self.request, WRITERS, TransferOut, 201, TransferIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/transfers", "list_transfers", "List transfers; an enterprise sees its own", self.page,
                  EVERY_ROLE, TransferPage, query=TransferQuery, topic=TOPIC),
            Route("GET", one, "read_transfer", "Read a transfer and its history", self.read,
                  EVERY_ROLE, TransferOut, topic=TOPIC),
            Route("POST", f"{one}/approve", "approve_transfer", "The receiver's yes, or the node's", self.approve,
                  ANSWERERS, TransferOut, body=AnswerIn, is_body_optional=True, query=WriteQuery, topic=TOPIC),
            Route("POST", f"{one}/reject", "reject_transfer", "The receiver's no, or the node's", self.reject,
                  ANSWERERS, TransferOut, body=AnswerIn, is_body_optional=True, query=WriteQuery, topic=TOPIC),
            Route("POST", f"{one}/cancel", "cancel_transfer", "Take a request back", self.cancel,
                  WRITERS, TransferOut, body=AnswerIn, is_body_optional=True, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def request(self, call: Call) -> KeptAnswer:
        """POST /v1/transfers."""
        return await self._transfers.request(call.body_as(TransferIn).form(), call.asked, _requested)

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/transfers."""
        query = call.query_as(TransferQuery)
        found = await self._transfers.page(
            call.reader, after=uuid_after(query.cursor), state=query.state, limit=query.limit
        )
        documents = [transfer_document(each, with_identifiers=False) for each in found]
        return page_json(documents, limit=query.limit, cursors=[str(each.id) for each in found])

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/transfers/{id}."""
        return _shown(await self._transfers.find_for(call.reader, uuid_of(call.path["id"])))

    async def approve(self, call: Call) -> KeptAnswer:
        """POST /v1/transfers/{id}/approve."""
        return await _decided(call, self._transfers.approve)

    async def reject(self, call: Call) -> KeptAnswer:
        """POST /v1/transfers/{id}/reject."""
        return await _decided(call, self._transfers.reject)

    async def cancel(self, call: Call) -> KeptAnswer:
        """POST /v1/transfers/{id}/cancel."""
        return await _decided(call, self._transfers.cancel)


async def _decided(call: Call, decide: Decide) -> KeptAnswer:
    return await decide(uuid_of(call.path["id"]), call.body_as(AnswerIn).note, call.asked, _shown)


def _requested(transfer: Transfer) -> KeptAnswer:
    location = location_of("transfers", str(transfer.id))
    return answer_json(transfer_document(transfer), status=201, version=1, location=location)


def _shown(transfer: Transfer) -> KeptAnswer:
    return answer_json(transfer_document(transfer), version=transfer.version)
