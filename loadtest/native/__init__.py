"""Load on the native Handle protocol: one process, datagrams in batches or connections kept open."""
