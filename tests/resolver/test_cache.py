"""The answer cache: what it finds, what it forgets, what it refuses to keep, and that its bounds hold."""

from idnode.resolver.cache import ENTRY_OVERHEAD_BYTES, SLOTS_DROPPED_SINGLY_MAX, VIEWS_MAX, AnswerCache

TALLY = 7
KEY = b"GET /api/handles/88.118.8/JX-1"


def a_cache(*, bytes_max: int = 1 << 20, negative_bytes_max: int = 1 << 20) -> AnswerCache:
    return AnswerCache(bytes_max=bytes_max, negative_bytes_max=negative_bytes_max)


def keep(
    cache: AnswerCache,
    key: bytes = KEY,
    group: str = "88.118.8/JX-1",
    rest: bytes = b"\r\n{}",
    *,
    negative: bool = False,
    since: int | None = None,
) -> None:
    mark = cache.mark() if since is None else since
    cache.keep(key, group, rest, TALLY, negative=negative, since=mark)


def found(cache: AnswerCache, key: bytes = KEY) -> bytes | None:
    entry = cache.find(key)
    return None if entry is None else entry[0]


def test_a_kept_answer_is_found_with_its_rest_and_its_tally() -> None:
    cache = a_cache()

    keep(cache)

    entry = cache.find(KEY)
    assert entry is not None
    assert entry[0] == b"\r\n{}"
    assert entry[1] == TALLY


def test_another_spelling_is_another_view() -> None:
    cache = a_cache()

    keep(cache, b"GET /api/handles/88.118.8/JX-1")

    assert found(cache, b"GET /api/handles/88.118.8/jx-1") is None


def test_a_hit_can_be_noted_under_the_slot_of_the_entry() -> None:
    cache = a_cache()
    keep(cache)
    entry = cache.find(KEY)
    assert entry is not None

    cache.referenced[entry[2]] = 1

    assert sum(cache.referenced) == 1


def test_negative_answers_are_found_like_others() -> None:
    cache = a_cache()

    keep(cache, rest=b"\r\n", negative=True)

    assert found(cache) == b"\r\n"


def test_an_answer_kept_again_takes_the_place_of_the_first() -> None:
    cache = a_cache()
    keep(cache, rest=b"first")

    keep(cache, rest=b"second")

    assert found(cache) == b"second"
    assert cache.entries == 1


def test_an_answer_may_turn_from_negative_to_positive() -> None:
    cache = a_cache()
    keep(cache, negative=True)

    keep(cache, negative=False)

    assert (cache.entries, cache.negative_entries, cache.negative_entry_bytes) == (1, 0, 0)


def test_every_view_of_one_identifier_is_dropped_together_and_no_other() -> None:
    cache = a_cache()
    keep(cache, b"GET /api/handles/88.118.8/JX-1")
    keep(cache, b"GET /v1/identifiers/88.118.8/jx-1", negative=True)
    keep(cache, b"GET /88.118.8/JX-1?noredirect")
    keep(cache, b"GET /api/handles/88.118.8/JX-2", "88.118.8/JX-2")

    cache.drop("88.118.8/JX-1")

    assert (cache.entries, cache.negative_entries, cache.counters.drops) == (1, 0, 3)
    assert found(cache, b"GET /api/handles/88.118.8/JX-2") is not None


def test_a_prefix_is_dropped_with_everything_below_it_and_no_prefix_beside_it() -> None:
    cache = a_cache()
    keep(cache, b"GET /88.118.8/JX-1", "88.118.8/JX-1")
    keep(cache, b"GET /88.118.8/A/B", "88.118.8/A/B", negative=True)
    keep(cache, b"GET /88.118.80/JX-1", "88.118.80/JX-1")
    keep(cache, b"GET /88.118/88.118.8/JX-1", "88.118/88.118.8/JX-1")

    cache.drop_prefix("88.118.8")

    assert found(cache, b"GET /88.118.8/JX-1") is None
    assert found(cache, b"GET /88.118.8/A/B") is None
    assert found(cache, b"GET /88.118.80/JX-1") is not None
    assert found(cache, b"GET /88.118/88.118.8/JX-1") is not None


def test_a_large_prefix_is_dropped_even_if_others_go_with_it() -> None:
    cache = a_cache(bytes_max=1 << 26)
    for number in range(SLOTS_DROPPED_SINGLY_MAX + 1):
        keep(cache, b"GET /88.118.8/%d" % number, f"88.118.8/{number}", b"")
    assert cache.entries == 50_001

    cache.drop_prefix("88.118.8")

    assert cache.entries == 0


def test_clearing_forgets_everything_and_what_comes_after_is_kept() -> None:
    cache = a_cache()
    keep(cache)
    keep(cache, b"GET /88.118.8/JX-2", "88.118.8/JX-2", negative=True)

    cache.clear()

    assert (cache.entries, cache.entry_bytes, cache.negative_entries, cache.negative_entry_bytes) == (0, 0, 0, 0)
    assert found(cache) is None
    keep(cache)
    assert found(cache) is not None


def test_a_read_that_began_before_its_identifier_was_dropped_is_not_kept() -> None:
    cache = a_cache()
    mark = cache.mark()
    cache.drop("88.118.8/JX-1")

    keep(cache, since=mark)

    assert found(cache) is None
    assert cache.counters.late == 1


def test_a_read_that_began_before_its_prefix_was_dropped_is_not_kept() -> None:
    cache = a_cache()
    mark = cache.mark()
    cache.drop_prefix("88.118.8")

    keep(cache, since=mark)

    assert found(cache) is None


def test_a_read_that_began_before_everything_was_cleared_is_not_kept() -> None:
    cache = a_cache()
    mark = cache.mark()
    cache.clear()

    keep(cache, since=mark)

    assert found(cache) is None


def test_a_read_that_began_after_the_drop_is_kept() -> None:
    cache = a_cache()
    cache.drop("88.118.8/JX-1")
    mark = cache.mark()
    cache.drop("88.118.8/JX-2")

    keep(cache, since=mark)

    assert found(cache) is not None


def test_of_thousands_of_identifiers_one_is_dropped() -> None:
    cache = a_cache(bytes_max=1 << 22)
    for number in range(4_000):
        keep(cache, b"GET /88.118.8/%d" % number, f"88.118.8/{number}")

    cache.drop("88.118.8/17")

    assert cache.entries == 3_999
    assert found(cache, b"GET /88.118.8/17") is None


def test_a_prefix_is_dropped_after_its_identifiers_were() -> None:
    cache = a_cache()
    keep(cache)
    cache.drop("88.118.8/JX-1")

    cache.drop_prefix("88.118.8")

    assert cache.counters.drops == 1


def test_a_cache_that_was_cleared_fills_and_evicts_as_before() -> None:
    cache = a_cache(bytes_max=16 * 400)
    for _ in range(2):
        for number in range(50):
            keep(cache, b"GET /88.118.8/N%d" % number, f"88.118.8/N{number}")
        assert cache.entries == 18
        cache.clear()

    assert cache.entries == 0


def test_a_late_answer_does_not_disturb_what_was_kept_in_time() -> None:
    cache = a_cache()
    mark = cache.mark()
    cache.drop("88.118.8/JX-1")
    keep(cache, rest=b"new")

    keep(cache, rest=b"old", since=mark)

    assert found(cache) == b"new"


def test_while_the_hot_path_is_closed_nothing_is_found_but_on_demand() -> None:
    cache = a_cache()
    keep(cache)

    cache.close_hot_path()

    assert cache.find(KEY) is None
    assert cache.find_even_stale(KEY) is not None
    cache.open_hot_path()
    assert cache.find(KEY) is not None


def test_what_is_kept_or_dropped_while_the_hot_path_is_closed_counts_when_it_opens() -> None:
    cache = a_cache()
    keep(cache)
    cache.close_hot_path()
    keep(cache, b"GET /88.118.8/JX-2", "88.118.8/JX-2")
    cache.drop("88.118.8/JX-1")

    cache.open_hot_path()

    assert found(cache) is None
    assert found(cache, b"GET /88.118.8/JX-2") is not None


def test_a_bound_method_taken_before_clearing_finds_what_comes_after() -> None:
    cache = a_cache()
    find = cache.find
    cache.clear()

    keep(cache)

    assert find(KEY) is not None


def test_a_ninth_view_of_one_identifier_replaces_the_oldest() -> None:
    cache = a_cache()
    for number in range(VIEWS_MAX):
        keep(cache, b"GET /88.118.8/JX-1?type=%d" % number, negative=number % 2 == 1)

    keep(cache, b"GET /88.118.8/JX-1?type=8")

    assert cache.entries + cache.negative_entries == 8
    assert found(cache, b"GET /88.118.8/JX-1?type=0") is None
    assert found(cache, b"GET /88.118.8/JX-1?type=1") is not None
    assert found(cache, b"GET /88.118.8/JX-1?type=8") is not None


def test_a_view_kept_again_does_not_push_out_another() -> None:
    cache = a_cache()
    for number in range(VIEWS_MAX):
        keep(cache, b"GET /88.118.8/JX-1?type=%d" % number)

    keep(cache, b"GET /88.118.8/JX-1?type=7")

    assert found(cache, b"GET /88.118.8/JX-1?type=0") is not None


def test_bytes_are_those_of_key_and_rest_and_the_overhead() -> None:
    cache = a_cache()

    keep(cache, b"GET /88.118.8/JX-1", rest=b"x" * 600)
    keep(cache, b"GET /88.118.8/JX-01", "88.118.8/JX-01", rest=b"x" * 100, negative=True)

    assert cache.entry_bytes == 18 + 600 + ENTRY_OVERHEAD_BYTES
    assert cache.negative_entry_bytes == 19 + 100 + ENTRY_OVERHEAD_BYTES


def test_an_entry_of_more_than_a_sixteenth_of_its_bound_is_not_kept() -> None:
    size = len(KEY) + ENTRY_OVERHEAD_BYTES
    cache = a_cache(bytes_max=16 * (size + 100), negative_bytes_max=16 * (size + 50))

    keep(cache, rest=b"x" * 101)
    assert (cache.entries, cache.counters.oversized) == (0, 1)

    keep(cache, rest=b"x" * 100)
    assert cache.entries == 1

    keep(cache, b"get /api/handles/88.118.8/JX-1", rest=b"x" * 51, negative=True)
    assert (cache.negative_entries, cache.counters.oversized) == (0, 2)


def test_an_answer_that_has_become_too_large_leaves_no_older_one_behind() -> None:
    cache = a_cache(bytes_max=16 * 1_000)
    keep(cache, rest=b"small")

    keep(cache, rest=b"x" * 1_000)

    assert found(cache) is None


def test_positive_and_negative_answers_do_not_push_each_other_out() -> None:
    cache = a_cache(bytes_max=16 * 400, negative_bytes_max=16 * 400)
    keep(cache)

    for number in range(100):
        keep(cache, b"GET /88.118.8/N%d" % number, f"88.118.8/N{number}", negative=True)

    assert found(cache) is not None
    assert 0 < cache.negative_entry_bytes <= 6_400
    assert cache.counters.turned_away == 100 - cache.negative_entries
    assert cache.counters.evictions == 0


def test_a_walk_over_all_identifiers_does_not_push_out_what_is_asked_for_again() -> None:
    cache = a_cache(bytes_max=100 * (18 + ENTRY_OVERHEAD_BYTES))
    popular = [b"GET /88.118.8/P%03d" % number for number in range(50)]
    for key in popular:
        keep(cache, key, key[5:].decode(), b"")
        entry = cache.find(key)
        assert entry is not None
        cache.referenced[entry[2]] = 1

    for number in range(10_000):
        keep(cache, b"GET /88.118.8/%04d" % number, f"88.118.8/{number:04d}", b"")

    assert [key for key in popular if cache.find(key) is None] == []


def test_what_is_asked_for_twice_while_the_cache_is_full_is_kept_and_no_newcomer() -> None:
    cache = a_cache(bytes_max=100 * (18 + ENTRY_OVERHEAD_BYTES))
    for number in range(101):
        keep(cache, b"GET /88.118.8/A%03d" % number, f"88.118.8/A{number:03d}", b"")
    assert found(cache, b"GET /88.118.8/A100") is None

    keep(cache, b"GET /88.118.8/A100", "88.118.8/A100", b"")
    for number in range(1_000):
        for _ in range(1 + number % 2):
            keep(cache, b"GET /88.118.8/B%03d" % number, f"88.118.8/B{number:03d}", b"")
        entry = cache.find(b"GET /88.118.8/A100")
        assert entry is not None
        cache.referenced[entry[2]] = 1

    assert found(cache, b"GET /88.118.8/B998") is None
    assert found(cache, b"GET /88.118.8/B999") is not None
    assert cache.entry_bytes <= 100 * (18 + ENTRY_OVERHEAD_BYTES)


def test_an_answer_kept_again_keeps_its_standing() -> None:
    cache = a_cache(bytes_max=100 * (18 + ENTRY_OVERHEAD_BYTES))
    keep(cache, b"GET /88.118.8/P000", "88.118.8/P000", b"")
    entry = cache.find(b"GET /88.118.8/P000")
    assert entry is not None
    cache.referenced[entry[2]] = 1

    keep(cache, b"GET /88.118.8/P000", "88.118.8/P000", b"")
    for number in range(1_000):
        keep(cache, b"GET /88.118.8/B%03d" % number, f"88.118.8/B{number:03d}", b"")

    assert found(cache, b"GET /88.118.8/P000") is not None
