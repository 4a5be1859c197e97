"""Administrators of a prefix in the Handle interfaces: give them keys, list these, take them away."""

from dataclasses import replace

from idnode.frontends.v1.answers import answer_json
from idnode.frontends.v1.routes import WRITERS, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.handle_admins import HandleKeyIn, HandleKeyList, HandleKeyMade
from idnode.model.errors import NotFound, shown
from idnode.model.identifier import Prefix
from idnode.registry.handle_admin import record_of_prefix
from idnode.registry.handle_keys import HandleKey, HandleKeys, SecretAnswer
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.identifiers import StoredRecord

TOPIC = "handle-admins"
INDEX_DIGITS_MAX = 10


class HandleAdminsApi:
    """Its rows of the route table; an enterprise rules its own prefixes."""

    def __init__(self, keys: HandleKeys) -> None:
        self._keys = keys

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/handle-admins/{prefix}"
        return (
            Route("GET", one, "list_handle_keys", "The keys of a prefix's administrators, without what they are",
                  self.find, WRITERS, HandleKeyList, topic=TOPIC),
            Route("PUT", one, "give_handle_key", "Give a key; a secret is shown once", self.give,
                  WRITERS, HandleKeyMade, body=HandleKeyIn, is_body_optional=True, query=WriteQuery, topic=TOPIC),
            Route("DELETE", "/v1/handle-admins/{prefix}/{index}", "take_handle_key", "Take a key away", self.take_away,
                  WRITERS, HandleKeyList, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def find(self, call: Call) -> KeptAnswer:
        """GET /v1/handle-admins/{prefix}."""
        prefix = call.path_as("prefix", Prefix.parse)
        keys, version = await self._keys.find(prefix, call.reader)
        return _listed(prefix, keys, version)

    async def give(self, call: Call) -> KeptAnswer:
        """PUT /v1/handle-admins/{prefix}."""
        prefix = call.path_as("prefix", Prefix.parse)
        return await self._keys.give(prefix, call.body_as(HandleKeyIn).form(), call.asked, _given(call))

    async def take_away(self, call: Call) -> KeptAnswer:
        """DELETE /v1/handle-admins/{prefix}/{index}."""
        prefix = call.path_as("prefix", Prefix.parse)
        text = call.path["index"]
        if not (text.isascii() and text.isdigit() and len(text) <= INDEX_DIGITS_MAX):
            raise NotFound(f"'{shown(text)}' is no index of a key")
        return await self._keys.take_away(
            prefix, int(text), call.asked, lambda keys, version: _listed(prefix, keys, version)
        )


def _given(call: Call) -> SecretAnswer:
    """The answer with the secret; what is kept of it for the Idempotency-Key is sealed."""

    def answer(key: HandleKey, secret: str | None, stored: StoredRecord) -> KeptAnswer:
        document = {**_document(key), "handle": key.identity.handle.text, "version": stored.version}
        if secret is None or call.asked.dry_run:
            return answer_json(document, version=stored.version)
        given = answer_json({**document, "secret": secret}, version=stored.version)
        return given if call.sealing is None else replace(given, sealed_body=call.sealing.seal(given.body))

    return answer


def _listed(prefix: Prefix, keys: tuple[HandleKey, ...], version: int) -> KeptAnswer:
    document = {
        "prefix": prefix.text,
        "handle": record_of_prefix(prefix).text,
        "version": version,
        "keys": [_document(key) for key in keys],
    }
    return answer_json(document, version=version)


def _document(key: HandleKey) -> dict[str, object]:
    identity = key.identity
    return {
        "identity": identity.text,
        "index": identity.index,
        "type": key.type,
        "username": identity.text.replace(":", "%3A", 1),
    }
