"""The escrow deposit (annex 4): the whole node in signed, encrypted files, made daily, delivered, and restored from."""
