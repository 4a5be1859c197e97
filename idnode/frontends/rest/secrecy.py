"""Whether secrets may be shown in a request: over TLS, to a proxy that says so, or on this machine. Pure (§2)."""

from collections.abc import Iterable
from dataclasses import dataclass

from idnode.frontends.client_address import Network, address_of


@dataclass(frozen=True, slots=True)
class Secrecy:
    """`trusted` are the proxies whose word holds; with `trusts_loopback` so does whoever is on this machine."""

    trusts_loopback: bool
    trusted: tuple[Network, ...]

    @classmethod
    def of(cls, *, trusts_loopback: bool, trusted: Iterable[Network]) -> "Secrecy":
        """From the settings."""
        return cls(trusts_loopback, tuple(trusted))

    def holds(self, *, is_tls: bool, peer: str, forwarded_proto: str | None, is_forwarded: bool) -> bool:
        """`is_forwarded`: a header says that it came from elsewhere, which makes loopback a proxy's address."""
        if is_tls:
            return True
        address = address_of(peer)
        if address is None:
            return False
        if forwarded_proto is not None and any(address in network for network in self.trusted):
            # Each proxy appends; the word of the nearest one is the last.
            return forwarded_proto.rpartition(",")[2].strip().lower() == "https"
        return self.trusts_loopback and address.is_loopback and not is_forwarded
