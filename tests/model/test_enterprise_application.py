"""The two steps of a review, as one status of the sheet."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from idnode.model.enterprise_application import (
    REVIEW_TRANSITIONS,
    CertificateType,
    EnterpriseApplication,
    ReviewState,
    ReviewStep,
)
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import PrefixState

AT = datetime(2026, 3, 1, tzinfo=UTC)


def application(state: ReviewState, prefix: PrefixState | None) -> EnterpriseApplication:
    return EnterpriseApplication(
        id=UUID(int=1),
        number=1,
        enterprise=None,
        applicant="",
        certificate_type=CertificateType.USCC,
        certificate_code="",
        organisation="",
        prefix=Prefix.parse("88.118.66"),
        state=state,
        reason="营业执照缺失",
        decided_by=None,
        content={},
        sealed_password=None,
        warnings=(),
        version=1,
        created=AT,
        updated=AT,
        prefix_state=prefix,
        prefix_note="资质不全",
    )


@pytest.mark.parametrize(
    ("state", "prefix", "status", "reason"),
    [
        (ReviewState.WAITING, None, 4, None),
        (ReviewState.WAITING, PrefixState.ACTIVE, 4, None),
        (ReviewState.REJECTED, None, 3, "营业执照缺失"),
        (ReviewState.APPROVED, PrefixState.IN_REVIEW, 5, None),
        (ReviewState.APPROVED, PrefixState.REJECTED, 3, "资质不全"),
        (ReviewState.APPROVED, PrefixState.ACTIVE, 1, None),
        (ReviewState.APPROVED, PrefixState.STOPPED, 0, None),
        (ReviewState.APPROVED, PrefixState.TO_DELETE, 2, None),
    ],
)
def test_the_nodes_decision_counts_first_then_the_state_of_the_prefix(
    state: ReviewState, prefix: PrefixState | None, status: int, reason: str | None
) -> None:
    found = application(state, prefix)

    assert (found.status.snms_status, found.told_reason) == (status, reason)


def test_every_state_can_be_handed_in_again_and_only_what_waits_can_be_decided() -> None:
    assert {state: set(steps) for state, steps in REVIEW_TRANSITIONS.items()} == {
        ReviewState.WAITING: {ReviewStep.SUBMIT, ReviewStep.APPROVE, ReviewStep.REJECT},
        ReviewState.APPROVED: {ReviewStep.SUBMIT},
        ReviewState.REJECTED: {ReviewStep.SUBMIT},
    }
