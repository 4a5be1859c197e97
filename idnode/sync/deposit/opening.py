"""Opens deposits for a restore: signature first, then every part, then the seal; and finds the chain they form.

Nothing of the content is looked at before its manifest is known to be signed and its parts to be those of the manifest.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from idnode.storage.deposits import DepositKind
from idnode.sync.deposit.cipher import DepositKey
from idnode.sync.deposit.errors import DepositRefused
from idnode.sync.deposit.making import HEAD_MEMBER
from idnode.sync.deposit.manifest import (
    MANIFEST_BYTES_MAX,
    MANIFEST_SUFFIX,
    SIGNATURE_SUFFIX,
    Manifest,
    read_manifest,
)
from idnode.sync.deposit.parts import Part, PartsReader, part_of
from idnode.sync.deposit.sealing import SealedReader
from idnode.sync.deposit.signing import ManifestVerifier
from idnode.wire.deposit_xml import DepositHead, read_head
from idnode.wire.encoded_bytes import from_base64

HEAD_BYTES_MAX = 4 << 20
SIGNATURE_BYTES_MAX = 4_096
BUFFER_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class FoundDeposit:
    """A deposit whose manifest is signed; its parts are looked at by `verified`."""

    manifest: Manifest
    directory: Path

    @property
    def paths(self) -> list[Path]:
        """The files of its parts."""
        return [self.directory / self.manifest.part_name(part) for part in self.manifest.parts]


def find_chain(path: Path, verifier: ManifestVerifier) -> list[FoundDeposit]:
    """The full deposit and the differentials that follow it, oldest first.

    `path` is a directory, whose latest deposit is the last one of the chain, or the manifest of the last one. Of a
    deposit that was sent again the highest resend number counts. Raises DepositRefused.
    """
    if path.is_dir():
        found = _found_in(path, verifier)
        if not found:
            raise DepositRefused(f"there is no deposit in {path}: no file ends with {MANIFEST_SUFFIX}")
        last = found[max(found)]
    else:
        last = _found(path, verifier)
        found = {**_found_in(path.parent, verifier), last.manifest.deposit: last}
    chain = [last]
    while chain[0].manifest.base is not None:
        chain.insert(0, _below(chain[0].manifest, found))
    return chain


def verify_parts(deposit: FoundDeposit) -> None:
    """Every part is there and is the one that was signed. Raises DepositRefused."""
    for part, path in zip(deposit.manifest.parts, deposit.paths, strict=True):
        try:
            found = part_of(path, part.number)
        except FileNotFoundError:
            raise DepositRefused(f"{path.name} is missing: part {part.number} of {len(deposit.paths)}") from None
        except OSError as error:
            raise DepositRefused(f"{path.name} cannot be read: {error.strerror}") from error
        _require_same(path.name, found, part)


@contextmanager
def opened(deposit: FoundDeposit, key: DepositKey) -> Iterator[tuple[DepositHead, zipfile.ZipFile]]:
    """The head and the content of a deposit whose parts were verified. Raises DepositRefused."""
    manifest = deposit.manifest
    with PartsReader(deposit.paths) as parts, io.BufferedReader(parts, BUFFER_BYTES) as joined:
        sealed = SealedReader(joined, key, deposit=manifest.deposit)
        try:
            with io.BufferedReader(sealed, BUFFER_BYTES) as plain, zipfile.ZipFile(plain) as content:
                head = _head(content)
                _require_same_head(head, manifest)
                yield head, content
        except (zipfile.BadZipFile, KeyError, EOFError) as error:
            raise DepositRefused(f"deposit {manifest.deposit} holds no zip as it was made: {error}") from error


def _head(content: zipfile.ZipFile) -> DepositHead:
    with content.open(HEAD_MEMBER) as file:
        return read_head(file.read(HEAD_BYTES_MAX))


def _require_same(name: str, found: Part, signed: Part) -> None:
    if found.size_bytes != signed.size_bytes:
        raise DepositRefused(f"{name} has {found.size_bytes} bytes, {signed.size_bytes} were signed")
    if found.sha256 != signed.sha256:
        raise DepositRefused(f"{name} has the SHA-256 {found.sha256}, {signed.sha256} was signed")


def _require_same_head(head: DepositHead, manifest: Manifest) -> None:
    inside = (head.node, head.id, head.kind, head.base, head.snapshot, head.schema)
    outside = (
        *(manifest.node, manifest.deposit, manifest.kind.value),
        *(manifest.base or "", manifest.watermark, manifest.schema),
    )
    if inside != outside:
        raise DepositRefused(f"deposit {manifest.deposit} holds the content of another one: {head.id}")


def _found_in(directory: Path, verifier: ManifestVerifier) -> dict[str, FoundDeposit]:
    """By id, each with its highest resend number."""
    found: dict[str, FoundDeposit] = {}
    for path in sorted(directory.glob(f"deposit-*{MANIFEST_SUFFIX}")):
        deposit = _found(path, verifier)
        known = found.get(deposit.manifest.deposit)
        if known is None or known.manifest.resend < deposit.manifest.resend:
            found[deposit.manifest.deposit] = deposit
    return found


def _found(path: Path, verifier: ManifestVerifier) -> FoundDeposit:
    document = _bounded(path, MANIFEST_BYTES_MAX)
    stem = path.name.removesuffix(MANIFEST_SUFFIX)
    signature = from_base64(
        _bounded(path.with_name(stem + SIGNATURE_SUFFIX), SIGNATURE_BYTES_MAX).decode("ascii", "replace").strip()
    )
    if signature is None:
        raise DepositRefused(f"{stem + SIGNATURE_SUFFIX} is no signature in base64")
    verifier.verify(document, signature)
    manifest = read_manifest(document)
    if manifest.stem != stem:
        raise DepositRefused(f"{path.name} is the manifest of {manifest.stem}")
    return FoundDeposit(manifest, path.parent)


def _below(manifest: Manifest, found: Mapping[str, FoundDeposit]) -> FoundDeposit:
    """The deposit that a differential builds on."""
    below = found.get(manifest.base or "")
    if below is None:
        raise DepositRefused(f"deposit {manifest.deposit} builds on {manifest.base}, which is missing")
    if below.manifest.deposit >= manifest.deposit or below.manifest.node != manifest.node:
        raise DepositRefused(f"deposit {manifest.deposit} builds on {manifest.base}, which is later or another node's")
    if (below.manifest.kind is DepositKind.FULL) != (below.manifest.base is None):
        raise DepositRefused(
            f"deposit {below.manifest.deposit} is {below.manifest.kind} and builds on {below.manifest.base}"
        )
    return below


def _bounded(path: Path, bytes_max: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except FileNotFoundError:
        raise DepositRefused(f"{path.name} is missing") from None
    except OSError as error:
        raise DepositRefused(f"{path.name} cannot be read: {error.strerror}") from error
    if len(content) > bytes_max:
        raise DepositRefused(f"{path.name} has more than {bytes_max} bytes")
    return content
