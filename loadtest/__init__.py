"""Measures the node on the machine at hand: ratios against yardsticks that run in the same session."""
