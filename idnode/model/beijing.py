"""The time zone of the contract: its hours, days and months end in Beijing, and so do the node's days."""

from datetime import timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Beijing")
"""China keeps UTC+8 all year."""
