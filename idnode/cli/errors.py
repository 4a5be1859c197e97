"""Errors of the command line, leaves of the one tree (model/errors.py).

IdnodeError
├── WrongUsage          options or arguments that do not go together
├── NodeRefused         the node answered with a problem document
└── NodeUnreachable     no answer, or one that says to come back later
    └── StrangeAnswer   something answers that is no idnode
"""

from collections.abc import Mapping

from idnode.model.errors import IdnodeError, Violation


class WrongUsage(IdnodeError):
    """Options or arguments do not go together; the message says which would."""

    code = "wrong-usage"


class NodeRefused(IdnodeError):
    """The node's refusal: HTTP status, code and title of its problem document, every violation.

    `referral` says who answers for a prefix that its own enterprise hosts.
    """

    code = "refused"

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        refused_as: str,
        title: str,
        violations: tuple[Violation, ...] = (),
        referral: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail, violations=violations)
        self.status = status
        self.refused_as = refused_as
        self.title = title
        self.referral = referral


class NodeUnreachable(IdnodeError):
    """The node does not answer, or not now; `retry_after_seconds` is what it asked for."""

    code = "node-unreachable"
    is_retryable = True

    def __init__(self, detail: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class StrangeAnswer(NodeUnreachable):
    """What answers at the URL does not speak /v1; trying again changes nothing."""

    code = "strange-answer"
    is_retryable = False
