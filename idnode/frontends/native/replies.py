"""From outcomes to replies of the native protocol: codes, bodies, headers; pure (handle-protocol.md §1.2, §1.3)."""

from typing import NamedTuple

from idnode.frontends.rest.referral import site_value
from idnode.handle_client.errors import RecursionStopped
from idnode.model.errors import (
    AlreadyRegistered,
    Conflict,
    Deleted,
    Elsewhere,
    Forbidden,
    IdnodeError,
    InvalidIdentifier,
    InvalidInput,
    InvalidPrefix,
    MalformedInput,
    NotAuthenticated,
    NotFound,
    NotResponsible,
    Unavailable,
    VersionMoved,
)
from idnode.registry.handle_admin import IdentityNotVerified
from idnode.registry.handle_rights import NoSuchValues, NotWritable, ValuesExist
from idnode.wire.messages.bodies import Referral, text_body
from idnode.wire.messages.codes import OpCode, OpFlag, ResponseCode
from idnode.wire.messages.digests import request_digest
from idnode.wire.messages.envelope import OWN_VERSION, UNKNOWN_REQUEST, Envelope, spoken
from idnode.wire.messages.header import EXPIRY_SECONDS_DEFAULT, Header
from idnode.wire.messages.message import Message, reply_envelope, reply_header, write_message

SITE_SERIAL = 1
NOT_RESPONSIBLE_TEXT = "That prefix doesn't live here"
FAULT_TEXT = "Server error processing request, see server logs"

CODES: dict[type[IdnodeError], ResponseCode] = {
    InvalidIdentifier: ResponseCode.INVALID_HANDLE,
    InvalidPrefix: ResponseCode.INVALID_HANDLE,
    InvalidInput: ResponseCode.PROTOCOL_ERROR,
    NotAuthenticated: ResponseCode.AUTHENTICATION_NEEDED,
    IdentityNotVerified: ResponseCode.AUTHENTICATION_FAILED,
    NotWritable: ResponseCode.INSUFFICIENT_PERMISSION,
    Forbidden: ResponseCode.INVALID_ADMIN,
    AlreadyRegistered: ResponseCode.HANDLE_EXISTS,
    ValuesExist: ResponseCode.VALUE_EXISTS,
    NoSuchValues: ResponseCode.VALUES_NOT_FOUND,
    # A prefix that is stopped, a template that was retired: what the rules of this node forbid.
    Conflict: ResponseCode.INSUFFICIENT_PERMISSION,
    # Somebody else was faster, again and again.
    VersionMoved: ResponseCode.BUSY,
    # Also what is suspended, reserved and deleted: to a Handle client they are not there.
    NotFound: ResponseCode.HANDLE_NOT_FOUND,
    Deleted: ResponseCode.HANDLE_NOT_FOUND,
    NotResponsible: ResponseCode.NOT_RESPONSIBLE,
    Elsewhere: ResponseCode.PREFIX_REFERRAL,
    Unavailable: ResponseCode.BUSY,
    RecursionStopped: ResponseCode.RECURSION_LIMIT,
}


class Outcome(NamedTuple):
    """How an operation ended, before it takes the form of a message."""

    code: ResponseCode
    body: bytes


def code_of(error: IdnodeError) -> ResponseCode:
    """The code of the nearest class above."""
    return next((CODES[ancestor] for ancestor in type(error).__mro__ if ancestor in CODES), ResponseCode.ERROR)


def refusal(error: IdnodeError, *, refuses_referral: bool = False) -> Outcome:
    """Why there is nothing; with `refuses_referral` (DNRF) nobody is sent elsewhere."""
    code = code_of(error)
    match error:
        case Elsewhere(site=site) if not refuses_referral:
            return Outcome(code, Referral("", (site_value(site),)).encode())
        case Elsewhere() | NotResponsible():
            return Outcome(ResponseCode.NOT_RESPONSIBLE, text_body(NOT_RESPONSIBLE_TEXT))
        case NotFound() | Deleted():
            return Outcome(code, text_body(""))
        case _:
            return Outcome(code, text_body(FAULT_TEXT if code is ResponseCode.ERROR else error.detail))


def write_refusal(error: IdnodeError) -> Outcome:
    """Why nothing was done: what is wrong with values has a code of its own; the text tells the first violation."""
    match error:
        case MalformedInput() | InvalidIdentifier() | InvalidPrefix():
            return refusal(error)
        case InvalidInput():
            return Outcome(ResponseCode.INVALID_VALUE, text_body(error.detail))
        case NoSuchValues():
            return Outcome(ResponseCode.VALUES_NOT_FOUND, text_body(error.detail))
        case _:
            return refusal(error)


def reply(request: Message, outcome: Outcome, *, now: int, session_id: int = 0) -> bytes:
    """The message that answers `request`; `now` is a unix second."""
    header = reply_header(request.header, outcome.code, serial=SITE_SERIAL, expiration=now + EXPIRY_SECONDS_DEFAULT)
    body = outcome.body
    if request.header.flags & OpFlag.RETURN_DIGEST:
        body = request_digest(spoken(request.envelope), request.header_and_body).encode() + body
    return write_message(reply_envelope(request.envelope, session_id=session_id), header, body)


def unreadable_reply(envelope: Envelope | None, *, now: int) -> bytes:
    """The answer to what is no message: operation 0, and no request that it could name (§1.4)."""
    version = OWN_VERSION if envelope is None else spoken(envelope)
    own = Envelope(version, OWN_VERSION, False, False, 0, UNKNOWN_REQUEST, 0, 0)
    outcome = Outcome(ResponseCode.PROTOCOL_ERROR, text_body(FAULT_TEXT))
    return write_message(own, _bare_header(outcome, now), outcome.body)


def sealed_refusal(envelope: Envelope, outcome: Outcome, *, now: int) -> bytes:
    """The answer to a message that cannot be opened: its operation is not known, its request is."""
    return write_message(reply_envelope(envelope), _bare_header(outcome, now), outcome.body)


def _bare_header(outcome: Outcome, now: int) -> Header:
    expiration = now + EXPIRY_SECONDS_DEFAULT
    return Header(OpCode.NONE, outcome.code, OpFlag.AUTHORITATIVE, SITE_SERIAL, 0, expiration, 0)
