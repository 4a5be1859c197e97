"""An application of an enterprise (snms-api.md, enterprise object): what it says, and the review it is under."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import PrefixState


class ReviewState(StrEnum):
    """The node's own review. What the top node says is a state of the prefix, and is read there."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


class ReviewStep(StrEnum):
    """What can be done with an application."""

    SUBMIT = "submit"
    """Handed in once more: mended after a rejection, or because the enterprise has changed."""
    APPROVE = "approve"
    REJECT = "reject"


REVIEW_TRANSITIONS: dict[ReviewState, dict[ReviewStep, ReviewState]] = {
    ReviewState.WAITING: {
        ReviewStep.SUBMIT: ReviewState.WAITING,
        ReviewStep.APPROVE: ReviewState.APPROVED,
        ReviewStep.REJECT: ReviewState.REJECTED,
    },
    ReviewState.APPROVED: {ReviewStep.SUBMIT: ReviewState.WAITING},
    ReviewState.REJECTED: {ReviewStep.SUBMIT: ReviewState.WAITING},
}
"""Where each step leads; a pair that is absent is refused."""


class CertificateType(StrEnum):
    """orgCrtType: 1 unified social credit code, 2 other."""

    USCC = "1"
    OTHER = "2"


class FileKind(StrEnum):
    """What an uploaded file is by its content; the value is the ending of its name."""

    PNG = "png"
    JPEG = "jpg"
    GIF = "gif"
    BMP = "bmp"
    PDF = "pdf"

    @property
    def is_image(self) -> bool:
        """A photo of a certificate rather than a contract."""
        return self is not FileKind.PDF


@dataclass(frozen=True, slots=True)
class FileReference:
    """A file that an application names: the member (dotted), the file's number, whether it has to be an image."""

    member: str
    number: int
    is_image: bool


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file at the node. `application` is the one that it belongs to; None until one names it."""

    number: int
    name: UUID
    kind: FileKind
    bytes: int
    uploaded_by: str
    created: datetime
    application: UUID | None

    @property
    def path(self) -> str:
        """Its name in the directory of files: ours, never the sender's."""
        return f"{self.name}.{self.kind}"


@dataclass(frozen=True, slots=True)
class EnterpriseApplication:
    """What an enterprise has handed in. `content` holds the objects of the sheet without the user's password.

    `sealed_password` is that, encrypted: None where no user is to be made. `enterprise` is None until approved for
    the first time. `prefix_state` and `prefix_note` are those of the prefix as it stands; None before there is one.
    `decided_by` and `reason` belong to the last decision.
    """

    id: UUID
    number: int
    enterprise: UUID | None
    applicant: str
    certificate_type: CertificateType
    certificate_code: str
    organisation: str
    prefix: Prefix
    state: ReviewState
    reason: str | None
    decided_by: str | None
    content: Mapping[str, object]
    sealed_password: bytes | None
    warnings: tuple[str, ...]
    version: int
    created: datetime
    updated: datetime
    prefix_state: PrefixState | None = None
    prefix_note: str | None = None

    @property
    def status(self) -> PrefixState:
        """Both steps of the review as one state of the sheet: the node's decision first, then the prefix's state."""
        match self.state:
            case ReviewState.WAITING:
                return PrefixState.WAITING
            case ReviewState.REJECTED:
                return PrefixState.REJECTED
            case ReviewState.APPROVED:
                return self.prefix_state or PrefixState.ACTIVE

    @property
    def told_reason(self) -> str | None:
        """Why it was rejected, by whichever of the two."""
        if self.state is ReviewState.REJECTED:
            return self.reason
        return self.prefix_note if self.status is PrefixState.REJECTED else None
