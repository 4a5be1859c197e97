"""Opens deposits for a restore: signature first, then every part, then the seal; and finds the chain they form.

Nothing of the content is looked at before its manifest is known to be signed and its parts to be those of the manifest.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from idnode.storage.deposits import DepositKind
from idnode.sync.deposit.cipher import DepositKey
from idnode.sync.deposit.errors import DepositRefused
from idnode.sync.deposit.making import HEAD_MEMBER
from idnode.sync.deposit.manifest import (
    ID_PATTERN,
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
RESEND_DIGITS_MAX = 9
_NAME = re.compile(
    rf"deposit-(?P<id>{ID_PATTERN})-(?P<resend>[0-9]{{1,{RESEND_DIGITS_MAX}}}){re.escape(MANIFEST_SUFFIX)}"
)


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
    deposit that was sent again the highest resend number counts. What else lies there, of another signer say, is not
    looked at. Raises DepositRefused.
    """
    if path.is_dir():
        present = _present(path)
        if not present:
            raise DepositRefused(f"there is no deposit in {path}: no file is called deposit-…{MANIFEST_SUFFIX}")
        chain = [_found(present[max(present)], verifier)]
    else:
        _require_manifest(path)
        present = _present(path.parent)
        chain = [_found(path, verifier)]
    while chain[0].manifest.base is not None:
        chain.insert(0, _below(chain[0].manifest, present, verifier))
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
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
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


def _present(directory: Path) -> dict[str, Path]:
    """Manifests by the id in their names, of the highest resend number; `_found` sees that names are true."""
    named = [(match, path) for path in directory.iterdir() if (match := _NAME.fullmatch(path.name)) is not None]
    return {match["id"]: path for match, path in sorted(named, key=lambda each: int(each[0]["resend"]))}


def _require_manifest(path: Path) -> None:
    if not path.exists():
        raise DepositRefused(f"there is no directory and no manifest at {path}")
    if not path.name.endswith(MANIFEST_SUFFIX):
        raise DepositRefused(f"{path.name} is no manifest; they end with {MANIFEST_SUFFIX}")


def _found(path: Path, verifier: ManifestVerifier) -> FoundDeposit:
    document = _bounded(path, MANIFEST_BYTES_MAX)
    stem = path.name.removesuffix(MANIFEST_SUFFIX)
    signature = from_base64(
        _bounded(path.with_name(stem + SIGNATURE_SUFFIX), SIGNATURE_BYTES_MAX).decode("ascii", "replace").strip()
    )
    if signature is None:
        raise DepositRefused(f"{stem + SIGNATURE_SUFFIX} is no signature in base64")
    try:
        verifier.verify(document, signature)
    except DepositRefused as error:
        raise DepositRefused(f"{path.name}: {error.detail}") from None
    manifest = read_manifest(document)
    if manifest.stem != stem:
        raise DepositRefused(f"{path.name} is the manifest of {manifest.stem}")
    return FoundDeposit(manifest, path.parent)


def _below(manifest: Manifest, present: Mapping[str, Path], verifier: ManifestVerifier) -> FoundDeposit:
    """The deposit that a differential builds on."""
    path = present.get(manifest.base or "")
    if path is None:
        raise DepositRefused(f"deposit {manifest.deposit} builds on {manifest.base}, which is missing")
    below = _found(path, verifier)
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
