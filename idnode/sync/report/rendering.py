"""What a record of the ledger says: rendered from its change row when it is sent, or stored with it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from idnode.model.enterprise import Enterprise
from idnode.model.organisation import EnterpriseProfile
from idnode.model.reporting import Report
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.ledger import Claimed
from idnode.storage.organisations import OrganisationStore
from idnode.sync.report.master_data import ITEMS, MasterData
from idnode.sync.report.missing import DataMissing
from idnode.sync.report.routes import enterprise_routes, needs_node_routes, prefix_application
from idnode.sync.report.templates import metadata
from idnode.wire.directory_json import enterprise_document
from idnode.wire.reporting_json import missing_fields, organisation_of, routes_of

Document = dict[str, Any]
Data = Mapping[str, object]


class Rendering:
    """Renders records. `items` says which items of templates fill the fields of T9.

    T1, T2, T4, T9, T11 and T7 of self-hosting enterprises say what their change rows hold, whenever they are rendered.
    T6, applications for a prefix and T7 of hosted prefixes add what the database holds at that moment besides: the
    other half of an enterprise (row and profile), its name, the node's own addresses.
    """

    def __init__(
        self,
        organisations: OrganisationStore,
        enterprises: EnterpriseStore,
        *,
        items: Mapping[str, tuple[str, ...]] = ITEMS,
    ) -> None:
        self._organisations = organisations
        self._enterprises = enterprises
        self._master_data = MasterData(items)

    async def data_of(self, claimed: Sequence[Claimed]) -> list[Data]:
        """The data of records of one report, in their order.

        Raises DataMissing when one of them lacks something, Unavailable when the database is away.
        """
        if not claimed:
            return []
        report = claimed[0].report
        if report is Report.T9:
            row = self._master_data.row
            return [row(each.operation, each.old, each.new) for each in claimed]
        if all(each.payload is not None for each in claimed):
            return [orjson.loads(each.payload) for each in claimed if each.payload is not None]
        documents: list[Document] = [orjson.loads(_document_of(each)) for each in claimed]
        match report:
            case Report.T1:
                return [_complete(report, document["organisation"], "/organisation") for document in documents]
            case Report.T2:
                return [_complete(report, routes_of(document["resolution"]), "/resolution") for document in documents]
            case Report.T4 | Report.T11:
                return [metadata(document) for document in documents]
            case Report.T6:
                return await self._organisations_of(documents)
            case Report.T7:
                return await self._routes_of(documents)
            case Report.APPLICATION:
                return await self._applications_of(documents)
        raise DataMissing(f"a record of {report} without its data: its change row does not hold any")

    async def _organisations_of(self, documents: Sequence[Document]) -> list[Data]:
        """T6: a change row is an enterprise's or its profile's, the other half is read."""
        ids = [UUID(_enterprise_of(document)) for document in documents]
        enterprises, profiles = await self._enterprises_of(ids), await self._organisations.profiles(ids)
        return [
            _complete(Report.T6, _organisation(document, enterprises[id], profiles.get(id)), "/organisation")
            for id, document in zip(ids, documents, strict=True)
        ]

    async def _routes_of(self, documents: Sequence[Document]) -> list[Data]:
        """T7: of a hosted prefix the addresses are the node's own, which have to be complete for that."""
        node_routes: Sequence[Data] = ()
        if any(needs_node_routes(document) for document in documents):
            node_routes = (await self._organisations.operator()).resolution
            _complete(Report.T2, routes_of(node_routes), "/resolution")
        return [{"routes": enterprise_routes(document, node_routes)} for document in documents]

    async def _applications_of(self, documents: Sequence[Document]) -> list[Data]:
        ids = [UUID(document["enterprise"]) for document in documents]
        enterprises = await self._enterprises_of(ids)
        return [
            prefix_application(document, name=enterprises[id].name, uscc=enterprises[id].uscc)
            for id, document in zip(ids, documents, strict=True)
        ]

    async def _enterprises_of(self, ids: Sequence[UUID]) -> Mapping[UUID, Enterprise]:
        found = await self._enterprises.page(after=None, among=ids, state=None, limit=len(ids))
        return {enterprise.id: enterprise for enterprise in found}


def _document_of(claimed: Claimed) -> bytes:
    if claimed.new is None:
        raise DataMissing("the change row is not there any more")
    return claimed.new


def _enterprise_of(document: Document) -> str:
    """The id of the enterprise that a change row of T6 tells of."""
    return str(document.get("enterprise") or document["id"])


def _organisation(document: Document, enterprise: Enterprise, profile: EnterpriseProfile | None) -> dict[str, object]:
    if "enterprise" in document:
        return organisation_of(enterprise_document(enterprise), document["organisation"])
    return organisation_of(document, {} if profile is None else profile.organisation)


def _complete(report: Report, data: Data, place: str) -> Data:
    """The data itself. Raises DataMissing with every field that is wanted and not there."""
    missing = missing_fields(report, data)
    if missing:
        where = ", ".join(place + pointer.removeprefix("/routes") for pointer in missing)
        raise DataMissing(f"{report} lacks {where}")
    return data
