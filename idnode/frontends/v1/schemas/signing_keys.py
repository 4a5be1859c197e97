"""Documents of the keys that records are signed with."""

from typing import Annotated

from pydantic import AfterValidator, Field

from idnode.frontends.v1.schemas.fields import Document, Form, broken
from idnode.wire.signed_values import CHAIN_MAX, UnreadableSignature, place_of

PLACE_CHARACTERS_MAX = 266


def _place(text: str) -> str:
    try:
        is_whole = place_of(text).index > 0
    except UnreadableSignature:
        is_whole = False
    if not is_whole or not text.isprintable():
        raise broken("place", "is no place of a certificate such as 400:88.118/ADMIN")
    return text


Place = Annotated[str, Field(max_length=PLACE_CHARACTERS_MAX, examples=["400:0.NA/88.118"]), AfterValidator(_place)]


class SigningKeyIn(Form):
    """Which certificates (HS_CERT) lead from the key up to the root: the first is the key's own."""

    chain: Annotated[list[Place], Field(max_length=CHAIN_MAX)] = []


class SigningKeyOut(Document):
    """A key without its private half: `issuer` is where clients find the public one."""

    prefix: str
    issuer: Annotated[str, Field(examples=["500:0.NA/88.118.8"])]
    index: int
    key: dict[str, str]
    chain: list[str]
    in_force: bool
    created: str
    version: int
