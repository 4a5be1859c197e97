"""Problem documents (RFC 9457): the error tree as HTTP answers, the same for every refusal of /v1."""

from dataclasses import dataclass

import orjson

from idnode.frontends.answer import Answer
from idnode.frontends.refusals import (
    BodyTooLarge,
    BodyTooSlow,
    MediaRefused,
    MethodRefused,
    NoSuchRoute,
    TooManyRequests,
)
from idnode.handle_client.errors import RecursionStopped
from idnode.model.errors import (
    AlreadyRegistered,
    Conflict,
    Deleted,
    Elsewhere,
    Forbidden,
    IdempotencyMisused,
    IdnodeError,
    InvalidIdentifier,
    InvalidInput,
    InvalidPrefix,
    MalformedInput,
    NotAuthenticated,
    NotFound,
    NotResponsible,
    Suspended,
    Unavailable,
    VersionMoved,
    Violation,
)
from idnode.registry.batches import BatchUndone, DuplicateInBatch
from idnode.registry.imports.spool import StorageFull
from idnode.registry.number_blocks import SequenceExhausted
from idnode.registry.relations import ClosesRing

PROBLEM_TYPE = "urn:idnode:problem:"
CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """How one class of the tree is answered."""

    status: int
    title: str


KINDS: dict[type[IdnodeError], Kind] = {
    MalformedInput: Kind(400, "The request cannot be read"),
    InvalidIdentifier: Kind(422, "Not an identifier"),
    InvalidPrefix: Kind(422, "Not a prefix of this node"),
    InvalidInput: Kind(422, "The request breaks rules"),
    NotAuthenticated: Kind(401, "An API key is needed"),
    Forbidden: Kind(403, "The API key does not reach this far"),
    Suspended: Kind(404, "The identifier is suspended"),
    NotFound: Kind(404, "Not found"),
    NotResponsible: Kind(404, "Not one of this node's prefixes"),
    Elsewhere: Kind(404, "Answered by the enterprise itself"),
    Deleted: Kind(410, "The identifier was deleted"),
    SequenceExhausted: Kind(409, "The sequence is used up"),
    ClosesRing: Kind(409, "It would close a ring"),
    AlreadyRegistered: Kind(409, "Registered already"),
    Conflict: Kind(409, "The present state forbids it"),
    DuplicateInBatch: Kind(409, "An earlier row names the same identifier"),
    BatchUndone: Kind(409, "Nothing of the batch was written"),
    VersionMoved: Kind(412, "Changed meanwhile"),
    IdempotencyMisused: Kind(422, "Idempotency-Key was used for another request"),
    RecursionStopped: Kind(503, "The way to another node ends nowhere"),
    Unavailable: Kind(503, "Not available now"),
    NoSuchRoute: Kind(404, "No such route"),
    MethodRefused: Kind(405, "Not with this method"),
    BodyTooSlow: Kind(408, "The body came too slowly"),
    BodyTooLarge: Kind(413, "The body is too large"),
    MediaRefused: Kind(415, "Not this Content-Type"),
    TooManyRequests: Kind(429, "Too many requests"),
    StorageFull: Kind(507, "No room at the node"),
}
INTERNAL = Kind(500, "The node failed")


def kind_of(error: IdnodeError) -> Kind:
    """The kind of the nearest class above."""
    return next((KINDS[ancestor] for ancestor in type(error).__mro__ if ancestor in KINDS), INTERNAL)


def problem_document(error: IdnodeError) -> dict[str, object]:
    """One problem; `errors` lists violations with their JSON pointers, `errors_unlisted` counts those beyond 100."""
    kind = kind_of(error)
    document: dict[str, object] = {
        "type": PROBLEM_TYPE + error.code,
        "title": kind.title,
        "status": kind.status,
        "detail": error.detail if kind is not INTERNAL else "an error of ours; the log has it under this request id",
    }
    if error.violations:
        document["errors"] = [violation_document(violation) for violation in error.violations]
    match error:
        case InvalidInput(unlisted=unlisted) if unlisted:
            document["errors_unlisted"] = unlisted
        case Elsewhere(site=site):
            document["referral"] = {"site": site}
        case Deleted(at=at, successor=successor):
            document["deleted"] = at
            if successor is not None:
                document["successor"] = successor
    return document


def violation_document(violation: Violation) -> dict[str, object]:
    """One violation; members that say nothing are left out."""
    members = ("pointer", "item", "rule", "value", "limit", "detail")
    return {name: getattr(violation, name) for name in members if getattr(violation, name) is not None}


def problem_json(error: IdnodeError) -> bytes:
    """The document as bytes."""
    return orjson.dumps(problem_document(error))


def problem_answer(error: IdnodeError, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """The document with the headers that belong to its status."""
    status = kind_of(error).status
    if status == 401:
        headers += (("WWW-Authenticate", 'Bearer realm="idnode"'),)
    if status == 503:
        headers += (("Retry-After", str(RETRY_AFTER_SECONDS)),)
    return Answer(status, (*headers, ("Content-Type", CONTENT_TYPE)), problem_json(error))
