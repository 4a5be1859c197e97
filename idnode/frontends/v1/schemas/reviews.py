"""Documents of reviews: applications of enterprises, and what is decided on them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from idnode.frontends.v1.schemas.fields import Document, Form, PageQuery, Text
from idnode.model.enterprise_application import ReviewState


class ReviewOut(Document):
    """An application. `state` is the node's own review; `status` is the number of SNMS (0 to 5) of both steps together.

    `reason` is why it was rejected, by the node or the top node; `warnings` are what a reviewer should look at.
    """

    id: UUID
    number: int
    organisation: str
    certificate_type: int
    certificate_code: str
    prefix: str
    state: ReviewState
    status: int
    reason: str | None
    enterprise: UUID | None
    applicant: str
    decided_by: str | None
    warnings: list[str]
    version: int
    created: datetime
    updated: datetime


class ReviewFileOut(Document):
    """A file of an application, and its name in IDNODE_FILES_DIRECTORY."""

    number: int
    path: str
    bytes: int


class ReviewDetailOut(ReviewOut):
    """An application with all that it says (never a password) and its files."""

    content: dict[str, Any]
    files: list[ReviewFileOut]


class ReviewPage(Document):
    """A page of applications."""

    items: list[ReviewOut]
    next: str | None


class ReviewQuery(PageQuery):
    """Filters of the list."""

    state: ReviewState | None = None


class RejectionIn(Form):
    """Why; the applicant is shown it."""

    reason: Text
