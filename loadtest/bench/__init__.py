"""`make bench`: rates of this machine side by side with their yardsticks, as one table and as JSON."""


class CannotMeasure(Exception):
    """Something is missing, or an answer was not what it must be; the message says what."""
