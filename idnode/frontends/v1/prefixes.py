"""Prefixes: give out, read, list, move through states, change hosting, retire."""

from idnode.frontends.v1.answers import answer_json, cursor_key, location_of, page_json
from idnode.frontends.v1.routes import ADMIN, EVERY_ROLE, REVIEWERS, WRITERS, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.directory import PrefixIn, PrefixOut, PrefixPage, PrefixPatch, PrefixQuery
from idnode.model.access import Role
from idnode.model.errors import Forbidden, InvalidInput, Violation
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import PrefixRegistration, PrefixState
from idnode.registry.prefixes import PrefixRegistry
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.directory_json import prefix_document

TOPIC = "prefixes"


class PrefixesApi:
    """Handlers of the prefix routes."""

    def __init__(self, prefixes: PrefixRegistry) -> None:
        self._prefixes = prefixes

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/prefixes/{prefix}"
        return (
            Route("POST", "/v1/prefixes", "register_prefix",
                  "Give a prefix to an enterprise (admin), or apply for one (state waiting)", self.register,
                  WRITERS, PrefixOut, 201, PrefixIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/prefixes", "list_prefixes", "List prefixes; a scoped key sees its own", self.page,
                  EVERY_ROLE, PrefixPage, query=PrefixQuery, topic=TOPIC),
            Route("GET", one, "read_prefix", "Read a prefix", self.read,
                  EVERY_ROLE, PrefixOut, topic=TOPIC),
            Route("PATCH", one, "revise_prefix",
                  "Move to another state (reviewers: not to_delete) or change the hosting (admin)", self.revise,
                  REVIEWERS, PrefixOut, body=PrefixPatch, query=WriteQuery, topic=TOPIC),
            Route("DELETE", one, "retire_prefix", "Retire: state to_delete; no more writes", self.retire,
                  ADMIN, PrefixOut, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def register(self, call: Call) -> KeptAnswer:
        """POST /v1/prefixes."""
        return await self._prefixes.register(call.body_as(PrefixIn).form(), call.asked, _registered)

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/prefixes."""
        query = call.query_as(PrefixQuery)
        found = await self._prefixes.page(
            after=cursor_key(query.cursor),
            among=call.reader.prefixes or None,
            enterprise=query.enterprise,
            state=query.state,
            limit=query.limit,
        )
        documents = [prefix_document(each) for each in found]
        return page_json(documents, limit=query.limit, cursors=[each.prefix.folded for each in found])

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/prefixes/{prefix}."""
        prefix = call.path_as("prefix", Prefix.parse)
        return _shown(await self._prefixes.find_for(call.reader, prefix))

    async def revise(self, call: Call) -> KeptAnswer:
        """PATCH /v1/prefixes/{prefix}."""
        prefix = call.path_as("prefix", Prefix.parse)
        patch = call.body_as(PrefixPatch)
        call.asked.key.require_reach(prefix)
        if patch.state is PrefixState.TO_DELETE:
            call.asked.key.require_role(ADMIN)
        if patch.state is not None:
            return await self._prefixes.move(prefix, patch.state, call.asked, _shown, note=patch.review_note)
        if patch.hosting is None:
            raise InvalidInput.of([Violation("", "empty-patch", "send either state or hosting")])
        if call.asked.key.role is not Role.ADMIN:
            raise Forbidden(f"role {call.asked.key.role} may change a prefix's state, not its hosting; it takes admin")
        site = None if patch.site is None else patch.site.endpoint()
        return await self._prefixes.rehost(prefix, patch.hosting, site, call.asked, _shown)

    async def retire(self, call: Call) -> KeptAnswer:
        """DELETE /v1/prefixes/{prefix}."""
        prefix = call.path_as("prefix", Prefix.parse)
        call.asked.key.require_reach(prefix)
        return await self._prefixes.move(prefix, PrefixState.TO_DELETE, call.asked, _shown)


def _registered(registration: PrefixRegistration) -> KeptAnswer:
    location = location_of("prefixes", registration.prefix.text)
    return answer_json(prefix_document(registration), status=201, version=1, location=location)


def _shown(registration: PrefixRegistration) -> KeptAnswer:
    return answer_json(prefix_document(registration), version=registration.version)
