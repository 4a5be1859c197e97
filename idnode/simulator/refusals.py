"""Refusals of the simulated top node: which status, code and title each is answered with."""

from dataclasses import dataclass

from idnode.model.errors import IdnodeError, InvalidInput, MalformedInput, Violation
from idnode.wire.top_node.problems import (
    CLOCK_SKEW,
    INVALID,
    MALFORMED,
    NOT_AUTHENTICATED,
    TOO_LARGE,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    problem_json,
)

NOT_FOUND = "not-found"
TOO_SLOW = "body-too-slow"
INTERNAL = "internal"
SIMULATED = "simulated-fault"

TITLES = {
    MALFORMED: "The request cannot be read",
    INVALID: "The request breaks rules",
    TOO_LARGE: "The body is too large",
    NOT_AUTHENTICATED: "The request is not signed as it must be",
    CLOCK_SKEW: "The timestamp is too far from the time here",
    TOO_MANY_REQUESTS: "Too many requests",
    UNAVAILABLE: "Not available now",
    NOT_FOUND: "Not found",
    TOO_SLOW: "The body came too slowly",
    INTERNAL: "The simulated top node failed",
    SIMULATED: "A simulated fault",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was not served. `code` is stable, `detail` for people."""

    status: int
    code: str
    detail: str
    violations: tuple[Violation, ...] = ()
    retry_after_seconds: int | None = None

    def json(self) -> bytes:
        """The document (RFC 9457)."""
        title = TITLES.get(self.code, "The request was refused")
        return problem_json(self.code, self.status, title, self.detail, violations=self.violations)


class Refusal(IdnodeError):
    """Carries a problem up to where requests are answered."""

    code = "refused"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem_of(error: IdnodeError) -> Problem:
    """An error of the tree as what a top node answers."""
    match error:
        case Refusal(problem=problem):
            return problem
        case MalformedInput():
            return Problem(400, MALFORMED, error.detail, error.violations)
        case InvalidInput():
            return Problem(422, INVALID, error.detail, error.violations)
        case _:
            return Problem(500, INTERNAL, error.detail)


def refused(status: int, code: str, detail: str) -> Refusal:
    """To be raised."""
    return Refusal(Problem(status, code, detail))
