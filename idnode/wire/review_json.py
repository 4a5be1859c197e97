"""Applications of enterprises as JSON: what reviewers see, and what the change log keeps."""

from collections.abc import Sequence

from idnode.model.enterprise_application import EnterpriseApplication, UploadedFile
from idnode.wire.instants import instant_text


def review_document(application: EnterpriseApplication) -> dict[str, object]:
    """An application without what it says; `status` is the number of both steps of the review together."""
    return {
        "id": str(application.id),
        "number": application.number,
        "organisation": application.organisation,
        "certificate_type": int(application.certificate_type),
        "certificate_code": application.certificate_code,
        "prefix": application.prefix.text,
        "state": application.state,
        "status": application.status.snms_status,
        "reason": application.told_reason,
        "enterprise": None if application.enterprise is None else str(application.enterprise),
        "applicant": application.applicant,
        "decided_by": application.decided_by,
        "warnings": list(application.warnings),
        "version": application.version,
        "created": instant_text(application.created),
        "updated": instant_text(application.updated),
    }


def full_review_document(application: EnterpriseApplication, files: Sequence[UploadedFile]) -> dict[str, object]:
    """The same with what it says, and its files."""
    told = [{"number": file.number, "path": file.path, "bytes": file.bytes} for file in files]
    return review_document(application) | {"content": application.content, "files": told}
