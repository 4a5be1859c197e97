"""The native Handle protocol over UDP and TCP (RFC 3652; handle-protocol.md §1, §3)."""
