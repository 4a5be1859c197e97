"""API keys: make, read, list, revise, rotate, revoke. A secret is in the answer that makes it and nowhere else."""

from dataclasses import replace
from datetime import timedelta

from idnode.frontends.bodies import parse_members
from idnode.frontends.v1.answers import answer_json, location_of, page_json, uuid_after, uuid_of
from idnode.frontends.v1.routes import ADMIN, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.directory import KeyIn, KeyMade, KeyOut, KeyPage, KeyPatch, RotateIn
from idnode.frontends.v1.schemas.fields import PageQuery
from idnode.model.access import ApiKey
from idnode.registry.commands import KeyForm
from idnode.registry.keys import KeyRegistry, SecretAnswer
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.directory_json import key_document

TOPIC = "keys"


class KeysApi:
    """Handlers of the key routes; all of them are the admin's."""

    def __init__(self, keys: KeyRegistry) -> None:
        self._keys = keys

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/keys/{id}"
        return (
            Route("POST", "/v1/keys", "make_key", "Make an API key; its secret is shown once", self.make,
                  ADMIN, KeyMade, 201, KeyIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/keys", "list_keys", "List API keys", self.page,
                  ADMIN, KeyPage, query=PageQuery, topic=TOPIC),
            Route("GET", one, "read_key", "Read an API key", self.read,
                  ADMIN, KeyOut, topic=TOPIC),
            Route("PATCH", one, "revise_key", "Change name, scope or expiry", self.revise,
                  ADMIN, KeyOut, body=KeyPatch, query=WriteQuery, topic=TOPIC),
            Route("POST", "/v1/keys/{id}/rotate", "rotate_key", "Make a successor; the old key works on for a while",
                  self.rotate, ADMIN, KeyMade, 201, RotateIn, is_body_optional=True, query=WriteQuery, topic=TOPIC),
            Route("DELETE", one, "revoke_key", "Revoke: the key stops working now", self.revoke,
                  ADMIN, KeyOut, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def make(self, call: Call) -> KeptAnswer:
        """POST /v1/keys."""
        return await self._keys.make(call.body_as(KeyIn).form(), call.asked, _made(call))

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/keys."""
        query = call.query_as(PageQuery)
        found = await self._keys.page(after=uuid_after(query.cursor), limit=query.limit)
        documents = [key_document(each) for each in found]
        return page_json(documents, limit=query.limit, cursors=[str(each.id) for each in found])

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/keys/{id}."""
        return _shown(await self._keys.find(uuid_of(call.path["id"])))

    async def revise(self, call: Call) -> KeptAnswer:
        """PATCH /v1/keys/{id}."""
        patch = call.body_as(KeyPatch)
        id = uuid_of(call.path["id"])
        return await self._keys.revise(id, lambda current: _patched(current, patch), call.asked, _shown)

    async def rotate(self, call: Call) -> KeptAnswer:
        """POST /v1/keys/{id}/rotate."""
        overlap = timedelta(seconds=call.body_as(RotateIn).overlap_seconds)
        return await self._keys.rotate(uuid_of(call.path["id"]), overlap, call.asked, _made(call))

    async def revoke(self, call: Call) -> KeptAnswer:
        """DELETE /v1/keys/{id}."""
        return await self._keys.revoke(uuid_of(call.path["id"]), call.asked, _shown)


def _patched(current: ApiKey, patch: KeyPatch) -> KeyForm:
    members: dict[str, object] = {
        "name": current.name,
        "role": current.role,
        "prefixes": [prefix.text for prefix in current.prefixes],
        "expires": current.expires,
    }
    return parse_members(KeyIn, members | patch.model_dump(exclude_unset=True)).form()


def _made(call: Call) -> SecretAnswer:
    """The answer with the secret; what is kept of it for the Idempotency-Key is sealed."""

    def answer(key: ApiKey, secret: str) -> KeptAnswer:
        document = key_document(key)
        if call.asked.dry_run:
            return answer_json(document)
        location = location_of("keys", str(key.id))
        made = answer_json({**document, "key": secret}, status=201, version=1, location=location)
        return made if call.sealing is None else replace(made, sealed_body=call.sealing.seal(made.body))

    return answer


def _shown(key: ApiKey) -> KeptAnswer:
    return answer_json(key_document(key), version=key.version)
