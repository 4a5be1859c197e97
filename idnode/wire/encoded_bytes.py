"""Bytes as text: base64 (RFC 4648 §4), base64url without padding (§5) and hexadecimal (§8), one spelling each."""

import binascii

_TO_URL = str.maketrans("+/", "-_")
_FROM_URL = str.maketrans("-_", "+/")


def base64_of(octets: bytes) -> str:
    """Padded, in one line."""
    return binascii.b2a_base64(octets, newline=False).decode()


def from_base64(text: str) -> bytes | None:
    """The inverse of `base64_of`; None for every other spelling: line breaks, missing padding, unused bits set."""
    try:
        octets = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    # The decoder drops the unused bits of the last character; two texts for the same bytes are one too many.
    return octets if base64_of(octets) == text else None


def base64url_of(octets: bytes) -> str:
    """URL-safe alphabet, no padding, as in JSON Web Keys."""
    return base64_of(octets).rstrip("=").translate(_TO_URL)


def from_base64url(text: str) -> bytes | None:
    """The inverse of `base64url_of`; None for every other spelling."""
    octets = from_base64(text.translate(_FROM_URL) + "=" * (-len(text) % 4))
    return octets if octets is not None and base64url_of(octets) == text else None


def from_hex(text: str) -> bytes | None:
    """Two digits of either case for each byte; None for every other spelling."""
    try:
        return binascii.a2b_hex(text)
    except ValueError:
        return None
