"""`python -m loadtest.native_fuzz`: junk and mutated messages into everything that reads the native protocol."""
