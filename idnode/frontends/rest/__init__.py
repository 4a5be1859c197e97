"""The Handle REST interface and the proxy: reading (handle-protocol.md §2)."""
