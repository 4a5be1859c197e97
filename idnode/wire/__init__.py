"""Codecs between domain values and bytes: pure, sans-I/O."""
