"""Refusals that belong to HTTP itself, beside the error tree of the domain."""

from idnode.model.errors import IdnodeError


class NoSuchRoute(IdnodeError):
    """No route has this path."""

    code = "no-such-route"


class MethodRefused(IdnodeError):
    """The route exists, not for this method."""

    code = "method-not-allowed"


class BodyTooLarge(IdnodeError):
    """The body is over the route's limit."""

    code = "body-too-large"


class BodyTooSlow(IdnodeError):
    """The body did not arrive in time."""

    code = "body-too-slow"


class MediaRefused(IdnodeError):
    """The body's Content-Type is not the one that the route reads."""

    code = "media-type-not-supported"


class TooManyRequests(IdnodeError):
    """The client asks more often than IDNODE_REQUESTS_PER_SECOND allows."""

    code = "too-many-requests"
    is_retryable = True


class InternalFault(IdnodeError):
    """An exception that nobody expected; its text stays in the log."""

    code = "internal"
