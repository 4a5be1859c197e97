"""idnode: a secondary node of the industrial-internet identifier system, on PostgreSQL."""

__version__ = "0.1.0"
