"""The answer cache under any sequence of reads, hits and drops, against a model of what may be found."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from idnode.resolver.cache import ENTRY_OVERHEAD_BYTES, VIEWS_MAX, AnswerCache

TALLY = 7


@dataclass
class Answered:
    """What the model knows of a key: the answer kept last, if nothing has forbidden it since."""

    group: str
    rest: bytes
    is_negative: bool


@dataclass
class Marked:
    """A read under way, and what has been dropped since it began."""

    mark: int
    dropped: set[str] = field(default_factory=set)

    def forbids(self, group: str) -> bool:
        return bool({group, group.partition("/")[0], "everything"} & self.dropped)


PREFIXES = ("88.118.8", "88.118.80", "88.118")
SUFFIXES = ("A", "B", "8/A")
VIEWS = 12
EVERY_KEY = [
    f"GET /{prefix}/{suffix}?type={view}".encode()
    for prefix in PREFIXES
    for suffix in SUFFIXES
    for view in range(VIEWS)
]

prefixes = st.sampled_from(PREFIXES)
groups = st.builds(lambda prefix, suffix: f"{prefix}/{suffix}", prefixes, st.sampled_from(SUFFIXES))
views = st.integers(0, VIEWS - 1)
sizes = st.integers(0, 160)


class CacheMachine(RuleBasedStateMachine):
    """Anything may be evicted; apart from that, exactly what was kept and not dropped is found."""

    BYTES_MAX = 16 * 500
    NEGATIVE_BYTES_MAX = 16 * 450

    def __init__(self) -> None:
        super().__init__()
        self.cache = AnswerCache(bytes_max=self.BYTES_MAX, negative_bytes_max=self.NEGATIVE_BYTES_MAX)
        self.answers: dict[bytes, Answered] = {}
        self.reads: list[Marked] = []
        self.count = 0

    @rule()
    def begin_a_read(self) -> None:
        self.reads.append(Marked(self.cache.mark()))

    @precondition(lambda self: self.reads)
    @rule(group=groups, view=views, size=sizes, is_negative=st.booleans(), choice=st.integers(0, 99))
    def end_a_read(self, group: str, view: int, size: int, is_negative: bool, choice: int) -> None:
        read = self.reads[choice % len(self.reads)]
        self.keep(read, group, view, size, is_negative=is_negative)

    @rule(group=groups, size=sizes, is_negative=st.booleans())
    def read_many_views(self, group: str, size: int, is_negative: bool) -> None:
        for view in range(VIEWS):
            self.keep(Marked(self.cache.mark()), group, view, size, is_negative=is_negative)

    @rule(view=views, size=sizes, is_negative=st.booleans())
    def read_many_identifiers(self, view: int, size: int, is_negative: bool) -> None:
        for prefix in PREFIXES:
            for suffix in SUFFIXES:
                self.keep(Marked(self.cache.mark()), f"{prefix}/{suffix}", view, size, is_negative=is_negative)

    def keep(self, read: Marked, group: str, view: int, size: int, *, is_negative: bool) -> None:
        key = f"GET /{group}?type={view}".encode()
        self.count += 1
        rest = b"%d:" % self.count + bytes(size)
        turned_away = self.cache.counters.turned_away
        was_there = self.cache.find_even_stale(key) is not None
        self.cache.keep(key, group, rest, TALLY, negative=is_negative, since=read.mark)
        if read.forbids(group):
            return
        self.answers[key] = Answered(group, rest, is_negative)
        bound = self.NEGATIVE_BYTES_MAX if is_negative else self.BYTES_MAX
        size_kept = len(key) + len(rest) + ENTRY_OVERHEAD_BYTES
        is_found = self.cache.find_even_stale(key) is not None
        if self.cache.counters.turned_away == turned_away:
            assert is_found == (size_kept <= bound // 16)
        else:
            taken = self.cache.negative_entry_bytes if is_negative else self.cache.entry_bytes
            assert (is_found, was_there) == (False, False)
            assert taken + size_kept > bound

    @rule(group=groups, view=views)
    def ask(self, group: str, view: int) -> None:
        entry = self.cache.find(f"GET /{group}?type={view}".encode())
        if entry is not None:
            self.cache.referenced[entry[2]] = 1

    @rule(group=groups)
    def drop(self, group: str) -> None:
        self.cache.drop(group)
        self.forbid(group, [key for key, answer in self.answers.items() if answer.group == group])

    @rule(prefix=prefixes)
    def drop_prefix(self, prefix: str) -> None:
        self.cache.drop_prefix(prefix)
        self.forbid(prefix, [key for key, answer in self.answers.items() if answer.group.startswith(prefix + "/")])

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.forbid("everything", list(self.answers))

    def forbid(self, name: str, keys: list[bytes]) -> None:
        for key in keys:
            del self.answers[key]
        for read in self.reads:
            read.dropped.add(name)

    @invariant()
    def only_what_was_kept_and_not_dropped_is_there_within_the_bounds(self) -> None:
        cache = self.cache
        slots: list[int] = []
        sizes: dict[bool, list[int]] = {False: [], True: []}
        views: dict[str, int] = {}
        for key in EVERY_KEY:
            entry = cache.find(key)
            if entry is not None:
                answer = self.answers[key]
                assert entry[0] == answer.rest
                slots.append(entry[2])
                sizes[answer.is_negative].append(len(key) + len(entry[0]) + ENTRY_OVERHEAD_BYTES)
                views[answer.group] = views.get(answer.group, 0) + 1

        assert len(set(slots)) == len(slots)
        assert (cache.entries, cache.entry_bytes) == (len(sizes[False]), sum(sizes[False]))
        assert (cache.negative_entries, cache.negative_entry_bytes) == (len(sizes[True]), sum(sizes[True]))
        assert cache.entry_bytes <= self.BYTES_MAX
        assert cache.negative_entry_bytes <= self.NEGATIVE_BYTES_MAX
        assert max(views.values(), default=0) <= VIEWS_MAX


TestAnySequence = CacheMachine.TestCase
TestAnySequence.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
