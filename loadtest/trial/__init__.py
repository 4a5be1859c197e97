"""Trials of the sync: what was committed is compared with what arrived, whatever happened in between."""
