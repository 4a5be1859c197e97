"""Enterprises: register, read, list, revise, retire."""

from uuid import UUID

from idnode.frontends.bodies import parse_members
from idnode.frontends.v1.answers import answer_json, location_of, page_json, uuid_after, uuid_of
from idnode.frontends.v1.routes import ADMIN, EVERY_ROLE, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.directory import (
    EnterpriseIn,
    EnterpriseOut,
    EnterprisePage,
    EnterprisePatch,
    EnterpriseQuery,
    enterprise_members,
)
from idnode.model.access import ApiKey
from idnode.model.enterprise import Enterprise
from idnode.model.errors import Forbidden
from idnode.registry.commands import EnterpriseForm
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.prefixes import PrefixRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.directory_json import enterprise_document

TOPIC = "enterprises"


class EnterprisesApi:
    """Handlers of the enterprise routes."""

    def __init__(self, enterprises: EnterpriseRegistry, prefixes: PrefixRegistry) -> None:
        self._enterprises = enterprises
        self._prefixes = prefixes

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/enterprises/{id}"
        return (
            Route("POST", "/v1/enterprises", "register_enterprise", "Register an enterprise", self.register,
                  ADMIN, EnterpriseOut, 201, EnterpriseIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/enterprises", "list_enterprises", "List enterprises; a scoped key sees its own",
                  self.page, EVERY_ROLE, EnterprisePage, query=EnterpriseQuery, topic=TOPIC),
            Route("GET", one, "read_enterprise", "Read an enterprise", self.read,
                  EVERY_ROLE, EnterpriseOut, topic=TOPIC),
            Route("PATCH", one, "revise_enterprise", "Change what an enterprise says of itself", self.revise,
                  ADMIN, EnterpriseOut, body=EnterprisePatch, query=WriteQuery, topic=TOPIC),
            Route("DELETE", one, "retire_enterprise", "Retire: no more prefixes for it", self.retire,
                  ADMIN, EnterpriseOut, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def register(self, call: Call) -> KeptAnswer:
        """POST /v1/enterprises."""
        form = call.body_as(EnterpriseIn).form()
        return await self._enterprises.register(form, call.asked, _registered)

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/enterprises."""
        query = call.query_as(EnterpriseQuery)
        among = await self._reachable(call.reader)
        found = await self._enterprises.page(
            after=uuid_after(query.cursor), among=among, state=query.state, limit=query.limit
        )
        documents = [enterprise_document(each) for each in found]
        return page_json(documents, limit=query.limit, cursors=[str(each.id) for each in found])

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/enterprises/{id}."""
        id = uuid_of(call.path["id"])
        among = await self._reachable(call.reader)
        if among is not None and id not in among:
            raise Forbidden(f"enterprise {id} holds none of the prefixes in this key's scope")
        return _shown(await self._enterprises.find(id))

    async def revise(self, call: Call) -> KeptAnswer:
        """PATCH /v1/enterprises/{id}."""
        patch = call.body_as(EnterprisePatch)
        id = uuid_of(call.path["id"])
        return await self._enterprises.revise(id, lambda current: _patched(current, patch), call.asked, _shown)

    async def retire(self, call: Call) -> KeptAnswer:
        """DELETE /v1/enterprises/{id}."""
        return await self._enterprises.retire(uuid_of(call.path["id"]), call.asked, _shown)

    async def _reachable(self, key: ApiKey) -> list[UUID] | None:
        """The enterprises within a key's scope; None is all of them."""
        return await self._prefixes.enterprises_of(key.prefixes) if key.prefixes else None


def _patched(current: Enterprise, patch: EnterprisePatch) -> EnterpriseForm:
    members = enterprise_members(current)
    sent = patch.model_dump(exclude_unset=True)
    contact = sent.pop("contact", {})
    merged = members | sent
    merged["contact"] = {} if contact is None else {**_mapping(members["contact"]), **contact}
    return parse_members(EnterpriseIn, merged).form()


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _registered(enterprise: Enterprise) -> KeptAnswer:
    location = location_of("enterprises", str(enterprise.id))
    return answer_json(enterprise_document(enterprise), status=201, version=1, location=location)


def _shown(enterprise: Enterprise) -> KeptAnswer:
    return answer_json(enterprise_document(enterprise), version=enterprise.version)
