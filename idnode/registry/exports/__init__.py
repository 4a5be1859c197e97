"""Exports: the identifiers of a prefix as a file, as one snapshot shows them."""
