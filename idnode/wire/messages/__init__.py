"""Messages of the native Handle protocol in bytes (RFC 3652; handle-protocol.md §1): pure, without sockets."""
