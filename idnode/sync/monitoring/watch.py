"""When the node counts as down: the 51 % rule of the contract (annex 4), and the turns between normal and abnormal."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

DOWN_PERCENT_MIN = 51
"""Of the probe points; the share from which the top node may take over (annex 4)."""
ROUNDS_TO_TURN = 2
"""One bad round is no event, and one good round is no recovery."""


class Turn(StrEnum):
    """What a round decides."""

    ABNORMAL = "abnormal"
    RECOVERED = "recovered"


class Streak(NamedTuple):
    """Rounds running that contradict the present state, and when the first of them was."""

    rounds: int
    since: datetime


_TURNS: Mapping[tuple[bool, bool], Turn] = {(False, True): Turn.ABNORMAL, (True, False): Turn.RECOVERED}
"""By whether an event is open and whether the round saw it down; the other two pairs change nothing."""


def is_down(points_down: int, points: int) -> bool:
    """51 % or more of the points see it down. Without points nobody can tell, and it is not."""
    return points > 0 and points_down * 100 >= DOWN_PERCENT_MIN * points


def step(
    streak: Streak | None, *, is_abnormal: bool, is_seen_down: bool, at: datetime
) -> tuple[Streak | None, Turn | None]:
    """The streak after a round, and the turn if ROUNDS_TO_TURN are full; the streak then says since when."""
    turn = _TURNS.get((is_abnormal, is_seen_down))
    if turn is None:
        return None, None
    running = Streak(1, at) if streak is None else Streak(streak.rounds + 1, streak.since)
    return running, turn if running.rounds >= ROUNDS_TO_TURN else None
