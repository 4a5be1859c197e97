"""Domain words of the identifier system: pure values, no I/O, no clock, no randomness."""
