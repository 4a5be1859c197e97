"""Errors of deposits, leaves of the one tree (model/errors.py).

IdnodeError
├── DepositMisconfigured   keys, directories or settings with which no deposit can be made or opened
├── DepositRefused         files that are no deposit as it was made: missing, altered, out of order, of another key
└── DeliveryFailed         the destination could not be reached or did not take a file; a retry may help
"""

from idnode.model.errors import IdnodeError


class DepositMisconfigured(IdnodeError):
    """A key, a directory or a setting is missing or of no use; the message says which."""

    code = "deposit-misconfigured"


class DepositRefused(IdnodeError):
    """The files are not the deposit that was made and signed; nothing of them is used."""

    code = "deposit-refused"


class DeliveryFailed(IdnodeError):
    """The destination did not take a file, or is out of reach; what it has taken stays there."""

    code = "deposit-not-delivered"
    is_retryable = True
