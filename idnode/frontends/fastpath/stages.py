"""Where a connection stands, and what became of a request on it."""

from enum import Enum, auto


class Stage(Enum):
    """Whose turn it is."""

    OPENING = auto()
    READING = auto()
    ASKING = auto()
    RELAYING = auto()
    GIVEN_AWAY = auto()
    CLOSED = auto()


class Served(Enum):
    """What became of a request: answered, to be waited for (or the last one), or none that is answered here."""

    ANSWERED = auto()
    WAITS = auto()
    NOT_HERE = auto()
