"""A client of the native Handle protocol: resolves, administers, walks down from the top node (RFC 3652)."""
