"""Plants drift in what the simulated top node holds: records missing, changed and superfluous, for tests to find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import orjson

from idnode.model.errors import InvalidInput, Violation, shown
from idnode.model.reporting import Report, record_id
from idnode.simulator.judging import Effect, Judgement, Kept, Told
from idnode.simulator.store import Held, Store
from idnode.wire.top_node.digests import data_sha256

PLANTED_MAX = 10_000
"""Records of one kind in one go."""
MARK = "·planted"
EXTRA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many records of which kind of drift."""

    drop: int = 0
    change: int = 0
    extra: int = 0

    @classmethod
    def read(cls, members: Mapping[str, object]) -> "Wanted":
        """From JSON. Raises InvalidInput with every violation."""
        violations = [
            Violation(
                f"/{shown(name)}", "count", f"must be drop, change or extra, each 0 to {PLANTED_MAX}", shown(value)
            )
            for name, value in members.items()
            if name not in ("drop", "change", "extra") or type(value) is not int or not 0 <= value <= PLANTED_MAX
        ]
        if violations:
            raise InvalidInput.of(violations)
        return cls(**{name: value for name, value in members.items() if isinstance(value, int)})


@dataclass(frozen=True, slots=True)
class Planted:
    """What was done."""

    dropped: tuple[Told, ...]
    changed: tuple[Told, ...]
    extra: tuple[Told, ...]

    def ids(self) -> dict[str, list[str]]:
        """By kind, for those who look whether all of it is found."""
        kinds = {"dropped": self.dropped, "changed": self.changed, "extra": self.extra}
        return {kind: [told.id for told in each] for kind, each in kinds.items()}


def plant(store: Store, wanted: Wanted, random: Random, *, arrived: str) -> Planted:
    """Over accepted T9 records, chosen by seed. Raises InvalidInput when there are too few of them."""
    arrivals = store.held_identifiers()
    needed = wanted.drop + wanted.change
    if len(arrivals) < max(needed, 1):
        raise InvalidInput(f"{max(needed, 1)} accepted records of T9 are needed, {len(arrivals)} are held")
    chosen = random.sample(arrivals, needed)
    patterns = [store.held(random.choice(arrivals)) for _ in range(wanted.extra)]
    dropped, changing = chosen[: wanted.drop], chosen[wanted.drop :]
    gone = tuple(_told(store.held(arrival)) for arrival in dropped)
    altered = [(arrival, store.held(arrival)) for arrival in changing]
    extra = _extra(patterns, first_arrival=store.last_arrival + 1, arrived=arrived)
    store.plant(
        dropped=dropped,
        altered=[(arrival, *_altered(held)) for arrival, held in altered],
        extra=extra,
    )
    return Planted(gone, tuple(_told(held) for _, held in altered), tuple(extra.effects.get(Effect.ACCEPTED, ())))


def _altered(held: Held) -> tuple[bytes, str]:
    """Its data with one text changed, and the SHA-256 of that."""
    data = orjson.loads(held.sent_data)
    name = next((name for name in ("product_name", "identifier") if isinstance(data.get(name), str)), "identifier")
    data[name] = f"{data.get(name, '')}{MARK}"
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS), data_sha256(data)


def _extra(patterns: Sequence[Held], *, first_arrival: int, arrived: str) -> Judgement:
    """Records of identifiers that nobody registered, of the prefix and day of real ones."""
    judgement = Judgement()
    for arrival, pattern in enumerate(patterns, first_arrival):
        subject = f"{pattern.prefix}/PLANTED-{arrival}"
        told = Told(record_id(_node_of(pattern), Report.T9, subject, EXTRA_VERSION), subject, EXTRA_VERSION)
        data = {**orjson.loads(pattern.sent_data), "identifier": subject}
        judgement.kept.append(
            Kept(
                arrival, told.id, Report.T9.value, subject, EXTRA_VERSION, pattern.prefix, pattern.day,
                pattern.occurred, orjson.dumps(data, option=orjson.OPT_SORT_KEYS), data_sha256(data), "accepted",
                "accepted", None, None, arrived,
            )
        )  # fmt: skip
        judgement.changes.append((None, "accepted"))
        judgement.effects.setdefault(Effect.ACCEPTED, []).append(told)
    return judgement


def _node_of(held: Held) -> str:
    """The node that a record came from, from the way ids are made."""
    return held.id.removesuffix(record_id("", Report.T9, held.subject, held.version)) or "unknown"


def _told(held: Held) -> Told:
    return Told(held.id, held.subject, held.version)
