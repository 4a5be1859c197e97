"""Reporting to the national top node; its source is the change log."""
