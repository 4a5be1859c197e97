"""The manifest of a deposit: its head and every part with size and SHA-256, as JSON, signed beside it; pure.

deposit-<id>-<resend>.part001 …      the sealed bytes
deposit-<id>-<resend>.signature      base64 of the signature over the manifest's bytes
deposit-<id>-<resend>.manifest.json  comes last: where it stands, the deposit is complete
"""

import re
from dataclasses import asdict, dataclass

import orjson
from pydantic import TypeAdapter, ValidationError

from idnode.storage.deposits import DepositKind
from idnode.sync.deposit.errors import DepositRefused
from idnode.sync.deposit.parts import Part

FORMAT = "idnode-deposit-1"
MANIFEST_BYTES_MAX = 4 << 20
MANIFEST_SUFFIX = ".manifest.json"
SIGNATURE_SUFFIX = ".signature"
ID_PATTERN = "[0-9]{8}T[0-9]{9}Z"
_ID = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is signed. `made` and `seen_at` are RFC 3339; `total_bytes` and `sha256` are of all parts."""

    format: str
    node: str
    deposit: str
    resend: int
    kind: DepositKind
    base: str | None
    made: str
    watermark: str
    seen_at: str
    schema: int
    cipher: str
    key: str
    total_bytes: int
    sha256: str
    parts: tuple[Part, ...]

    @property
    def stem(self) -> str:
        """What the names of all its files begin with."""
        return f"deposit-{self.deposit}-{self.resend}"

    def part_name(self, part: Part) -> str:
        """The file of a part."""
        return f"{self.stem}.part{part.number:03}"

    def document(self) -> bytes:
        """The bytes that are signed."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


_READER: TypeAdapter[Manifest] = TypeAdapter(Manifest)


def read_manifest(document: bytes) -> Manifest:
    """The inverse of `document`. Raises DepositRefused."""
    try:
        manifest = _READER.validate_json(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(str(step) for step in first["loc"]) or "the document"
        raise DepositRefused(f"the manifest cannot be read: {place}: {first['msg']}") from error
    if manifest.format != FORMAT:
        raise DepositRefused(f"the manifest has the format '{manifest.format}', expected {FORMAT}")
    if _ID.fullmatch(manifest.deposit) is None or manifest.resend < 0:
        raise DepositRefused("the manifest names no deposit id and resend number as they are made")
    if [part.number for part in manifest.parts] != list(range(1, len(manifest.parts) + 1)) or not manifest.parts:
        raise DepositRefused("the manifest's parts are not numbered 1, 2, … without a gap")
    if sum(part.size_bytes for part in manifest.parts) != manifest.total_bytes:
        raise DepositRefused(f"the manifest's parts do not have {manifest.total_bytes} bytes together")
    return manifest
