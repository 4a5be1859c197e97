"""Imports: files of any size become identifiers, in the background and exactly once."""
