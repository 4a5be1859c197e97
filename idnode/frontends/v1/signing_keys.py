"""Keys that the records of a prefix are signed with: have one made, see it, take it away."""

from idnode.frontends.v1.answers import answer_json
from idnode.frontends.v1.routes import WRITERS, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.signing_keys import SigningKeyIn, SigningKeyOut
from idnode.model.identifier import Prefix
from idnode.registry.signing_keys import Answer, SigningKeys, key_document
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.signing_keys import SigningKey

TOPIC = "signing-keys"


class SigningKeysApi:
    """Its rows of the route table; an enterprise signs under its own prefixes."""

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/signing-keys/{prefix}"
        return (
            Route("GET", one, "read_signing_key", "The key that records of a prefix are signed with, its public half",
                  self.find, WRITERS, SigningKeyOut, topic=TOPIC),
            Route("PUT", one, "give_signing_key", "Make a key; records are signed with it from now on", self.give,
                  WRITERS, SigningKeyOut, body=SigningKeyIn, is_body_optional=True, query=WriteQuery, topic=TOPIC),
            Route("DELETE", one, "take_signing_key", "Sign no more", self.take_away,
                  WRITERS, SigningKeyOut, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def find(self, call: Call) -> KeptAnswer:
        """GET /v1/signing-keys/{prefix}."""
        prefix = call.path_as("prefix", Prefix.parse)
        return _shown(prefix)(await self._keys.find(prefix, call.reader))

    async def give(self, call: Call) -> KeptAnswer:
        """PUT /v1/signing-keys/{prefix}."""
        prefix = call.path_as("prefix", Prefix.parse)
        return await self._keys.give(prefix, tuple(call.body_as(SigningKeyIn).chain), call.asked, _shown(prefix))

    async def take_away(self, call: Call) -> KeptAnswer:
        """DELETE /v1/signing-keys/{prefix}."""
        prefix = call.path_as("prefix", Prefix.parse)
        return await self._keys.take_away(prefix, call.asked, _shown(prefix))


def _shown(prefix: Prefix) -> Answer:
    def answer(key: SigningKey) -> KeptAnswer:
        return answer_json(key_document(prefix, key), version=key.version)

    return answer
