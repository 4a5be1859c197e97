"""Annex 2 and 3 of the contract: probes of the node and its enterprises, events in pairs, the monthly report."""
