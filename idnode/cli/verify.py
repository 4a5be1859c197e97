"""`idnode verify`: whether values are what their signer signed, and whether the signer is to be trusted."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvloop
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from idnode.cli.console import show_json, show_line, show_table
from idnode.cli.destination import Destination, destination_of
from idnode.cli.errors import NodeRefused, WrongUsage
from idnode.cli.exits import Exit
from idnode.cli.node_client import NodeClient
from idnode.cli.options import JsonOption, KeyOption, UrlOption
from idnode.cli.running import failures_shown
from idnode.model.handle_value import HandleValue, Reference
from idnode.model.identifier import fold
from idnode.model.prefix_registration import RECORDS_OF_PREFIXES
from idnode.wire.cursor import MalformedMessage
from idnode.wire.handle_json_reading import values_from_stored
from idnode.wire.signed_values import (
    CERTIFICATE,
    SIGNATURE,
    SignatureClaims,
    SignedText,
    UnreadableSignature,
    place_of,
    place_text,
)
from idnode.wire.trust import Link, Root, ValueVerdict, chain_problem, signature_problems, value_verdicts
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey

ROOT_DEFAULT = "88.111.1/0.0"
"""The national root (handle-protocol.md §4)."""
SIGNATURES_MAX = 16
"""Signatures of one record that are looked at."""
PUBKEY = "HS_PUBKEY"

RootOption = Annotated[
    str, typer.Option("--root", envvar="IDNODE_TRUST_ROOT", metavar="HANDLE", help="Whom everything is trusted for.")
]
RootKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--root-key",
        envvar="IDNODE_TRUST_ROOT_KEY",
        metavar="FILE",
        help="PEM file of the root's public key; without it no chain is checked.",
    ),
]
MissingOption = Annotated[
    bool, typer.Option("--missing-ok", help="Signed values that are not shown to you do not count against it.")
]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one signature is worth: its own problems, its chain (None: not checked), a verdict for each value."""

    index: int
    issuer: str
    problems: list[str]
    chain: str | None
    verdicts: dict[int, ValueVerdict]

    def holds(self, *, is_missing_ok: bool) -> bool:
        """Whether everything was signed, by whom it should be."""
        good = {ValueVerdict.VERIFIED, ValueVerdict.MISSING} if is_missing_ok else {ValueVerdict.VERIFIED}
        return not self.problems and self.chain in (None, "trusted") and set(self.verdicts.values()) <= good


def verify(
    identifier: Annotated[str, typer.Argument(metavar="IDENTIFIER", help="Whose values are to be checked.")],
    root: RootOption = ROOT_DEFAULT,
    root_key: RootKeyOption = None,
    is_missing_ok: MissingOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the signatures (HS_SIGNATURE) of an identifier: a verdict for each value, each signature, each chain.

    Exit code 1 unless one signature covers every value and holds.
    """
    with failures_shown(as_json=as_json):
        trusted = None if root_key is None else Root(place_of(root), _public_key(root_key))
        findings = uvloop.run(_verify(destination_of(url, key), identifier, trusted))
    holds = any(finding.holds(is_missing_ok=is_missing_ok) for finding in findings)
    if as_json:
        show_json({"identifier": identifier, "holds": holds, "signatures": [_document(each) for each in findings]})
    else:
        _show(identifier, findings)
    raise typer.Exit(Exit.DONE if holds else Exit.REFUSED)


class Records:
    """Values by handle, each record asked for once."""

    def __init__(self, client: NodeClient) -> None:
        self._client = client
        self._known: dict[str, tuple[HandleValue, ...]] = {}

    async def values(self, handle: str) -> tuple[HandleValue, ...]:
        """Of a record that must be there."""
        full = handle if "/" in handle else f"{RECORDS_OF_PREFIXES.text}/{handle}"
        folded = fold(full)
        if folded not in self._known:
            answer = await self._client.read("identifiers", full)
            self._known[folded] = values_from_stored(orjson.loads(answer.body)["values"])
        return self._known[folded]

    async def at(self, place: Reference, value_type: str) -> HandleValue | None:
        """The value of a type at a place (index 0: the first one); None where there is none."""
        try:
            values = await self.values(place.handle)
        except NodeRefused:
            return None
        fitting = (each for each in values if fold(each.type) == value_type and place.index in (0, each.index))
        return next(fitting, None)


async def _verify(destination: Destination, identifier: str, root: Root | None) -> list[Finding]:
    async with NodeClient.connected(destination) as client:
        records = Records(client)
        values = await records.values(identifier)
        signatures = [value for value in values if fold(value.type) == SIGNATURE][:SIGNATURES_MAX]
        return [await _finding(records, identifier, values, each, root) for each in signatures] or [
            Finding(0, "", ["it is not signed"], None, value_verdicts(values, {}))
        ]


async def _finding(
    records: Records, identifier: str, values: tuple[HandleValue, ...], signature: HandleValue, root: Root | None
) -> Finding:
    try:
        text = SignedText.of(signature.data)
        claims = SignatureClaims.of(text.claims)
    except UnreadableSignature as error:
        return Finding(signature.index, "", [f"it is not readable: {error.detail}"], None, value_verdicts(values, {}))
    now = int(time.time())
    issuer_key = _key_of(await records.at(claims.issuer, PUBKEY))
    problems = signature_problems(text, identifier, issuer_key, now=now)
    chain = None
    if root is not None and issuer_key is not None:
        links = [Link(place, await _certificate(records, place)) for place in claims.chain]
        chain = chain_problem(claims, issuer_key, links, root, now=now) or "trusted"
    verdicts = value_verdicts(values, claims.digests)
    return Finding(signature.index, place_text(claims.issuer), problems, chain, verdicts)


async def _certificate(records: Records, place: Reference) -> bytes:
    """Empty where there is none: that is then not readable."""
    found = await records.at(place, CERTIFICATE)
    return b"" if found is None else found.data


def _key_of(value: HandleValue | None) -> HsPubkey | None:
    try:
        return None if value is None else HsPubkey.decode(value.data)
    except MalformedMessage:
        return None


def _public_key(path: Path) -> HsPubkey:
    try:
        public = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise WrongUsage(f"cannot read the root's public key from {path}: {error}") from error
    if not isinstance(public, RSAPublicKey):
        raise WrongUsage(f"{path} is no RSA key; signed values are signed with RSA")
    numbers = public.public_numbers()
    return HsPubkey(RsaPublicKey(numbers.e, numbers.n))


def _document(finding: Finding) -> dict[str, object]:
    return {**asdict(finding), "verdicts": {str(index): verdict for index, verdict in finding.verdicts.items()}}


def _show(identifier: str, findings: list[Finding]) -> None:
    for finding in findings:
        if finding.issuer:
            show_line(f"{identifier} signed by {finding.issuer} (value {finding.index})")
        show_line("signature: " + ("; ".join(finding.problems) or "holds"))
        show_line("chain: " + (finding.chain or "not checked (no root key)"))
        show_table(("index", "verdict"), [(str(index), verdict) for index, verdict in finding.verdicts.items()])
