"""The digest of a request that answers and challenges carry (handle-protocol.md §1.2, "Request digest")."""

import hashlib
from typing import NamedTuple

from idnode.wire.cursor import MalformedMessage, Reader
from idnode.wire.messages.envelope import Version

MD5, SHA1, SHA256 = 1, 2, 3
_BYTES = {MD5: 16, SHA1: 20, SHA256: 32}
_SINCE_SHA256 = Version(2, 7)
_SINCE_SHA1 = Version(2, 1)
_OLD_STYLE = 0


class RequestDigest(NamedTuple):
    """`algorithm` is MD5, SHA1 or SHA256; `octets` the digest over header and body of the request."""

    algorithm: int
    octets: bytes

    def encode(self) -> bytes:
        """Algorithm and digest; before 2.1, where only MD5 was known, a str."""
        if self.algorithm == MD5:
            return len(self.octets).to_bytes(4, "big") + self.octets
        return bytes([self.algorithm]) + self.octets


def request_digest(version: Version, header_and_body: bytes) -> RequestDigest:
    """The digest that a peer of this version expects."""
    if version >= _SINCE_SHA256:
        return RequestDigest(SHA256, hashlib.sha256(header_and_body).digest())
    if version >= _SINCE_SHA1:
        return RequestDigest(SHA1, hashlib.sha1(header_and_body, usedforsecurity=False).digest())
    return RequestDigest(MD5, hashlib.md5(header_and_body, usedforsecurity=False).digest())


def read_digest(reader: Reader) -> RequestDigest:
    """From the front of a body whose header says that there is one. Raises MalformedMessage."""
    start = reader.offset
    algorithm = reader.int1()
    if algorithm == _OLD_STYLE:
        # The 0 was the first byte of a str's length.
        size = int.from_bytes(reader.take(3), "big")
        if size != _BYTES[MD5]:
            raise MalformedMessage(f"a digest of {size} bytes, MD5 has {_BYTES[MD5]}", offset=start)
        return RequestDigest(MD5, reader.take(size))
    if algorithm not in _BYTES:
        raise MalformedMessage(f"digest algorithm {algorithm}, known are 1, 2 and 3", offset=start)
    return RequestDigest(algorithm, reader.take(_BYTES[algorithm]))
