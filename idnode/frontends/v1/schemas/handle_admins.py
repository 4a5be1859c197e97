"""Documents of the keys that administrators of a prefix prove themselves with in the Handle interfaces."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from idnode.frontends.v1.schemas.fields import Document, Form, broken
from idnode.registry.handle_admin import PUBKEY
from idnode.registry.handle_keys import DEFAULT_INDEX, HandleKeyForm
from idnode.wire.json_reader import JsonReader
from idnode.wire.typed_values.hs_pubkey import HsPubkey

KeyType = Literal["HS_SECKEY", "HS_PUBKEY"]


class HandleKeyIn(Form):
    """A key to give: a secret that the node makes, or the public half of a pair (a JSON Web Key, RSA or DSA)."""

    type: KeyType = "HS_SECKEY"
    index: Annotated[int, Field(ge=300, le=399)] | None = None
    key: dict[str, str] | None = None

    @model_validator(mode="after")
    def _has_its_key(self) -> Self:
        if (self.type == PUBKEY) != (self.key is not None):
            needed = (
                "needs the member key, a JSON Web Key" if self.type == PUBKEY else "takes no key; the node makes it"
            )
            raise broken("key", f"{self.type} {needed}")
        return self

    def form(self) -> HandleKeyForm:
        """As the registry wants it. Raises InvalidInput for what is no key."""
        index = DEFAULT_INDEX[self.type] if self.index is None else self.index
        if self.key is None:
            return HandleKeyForm(index)
        reader = JsonReader(self.key, "/key")
        public = HsPubkey.from_json(reader)
        reader.raise_refusals()
        return HandleKeyForm(index, public)


class HandleKeyOut(Document):
    """A key, named by its place. `username` is what Basic authentication takes."""

    identity: Annotated[str, Field(examples=["301:0.NA/88.118.8"])]
    index: int
    type: KeyType
    username: Annotated[str, Field(examples=["301%3A0.NA/88.118.8"])]


class HandleKeyMade(HandleKeyOut):
    """The key that was given; a secret is shown this once."""

    handle: Annotated[str, Field(examples=["0.NA/88.118.8"])]
    version: int
    secret: str | None = None


class HandleKeyList(Document):
    """The keys of a prefix, and the version of the record that they lie in."""

    prefix: str
    handle: str
    version: int
    keys: list[HandleKeyOut]
