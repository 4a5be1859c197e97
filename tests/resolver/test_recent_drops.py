"""What is remembered of drops, and that what is forgotten counts as dropped."""

from idnode.resolver.recent_drops import RECENT_DROPS_MAX, RecentDrops


def test_a_name_was_dropped_since_the_marks_before_and_not_since_those_after() -> None:
    drops = RecentDrops()
    before = drops.mark()
    drops.add("88.118.8/A")
    after = drops.mark()
    drops.add("88.118.8/B")

    assert drops.has_dropped("88.118.8/A", since=before)
    assert not drops.has_dropped("88.118.8/A", since=after)


def test_one_of_several_names_is_enough() -> None:
    drops = RecentDrops()
    before = drops.mark()
    drops.add("88.118.8/")

    assert drops.has_dropped("88.118.8/A", "88.118.8/", since=before)
    assert not drops.has_dropped("88.118.8/A", "88.118.9/", since=before)


def test_a_name_dropped_twice_is_remembered_by_the_second_time() -> None:
    drops = RecentDrops()
    drops.add("88.118.8/A")
    between = drops.mark()
    drops.add("88.118.8/A")

    assert drops.has_dropped("88.118.8/A", since=between)


def test_a_drop_of_the_older_generation_is_still_remembered_exactly() -> None:
    drops = RecentDrops()
    for number in range(RECENT_DROPS_MAX // 2 - 1):
        drops.add(f"88.118.8/A{number}")
    mark = drops.mark()
    drops.add("88.118.8/B")
    drops.add("88.118.8/C")

    assert drops.has_dropped("88.118.8/B", since=mark)
    assert not drops.has_dropped("88.118.8/D", since=mark)


def test_since_a_mark_older_than_what_is_remembered_everything_counts_as_dropped() -> None:
    drops = RecentDrops()
    drops.add("88.118.8/A")
    forgotten = drops.mark()
    for number in range(RECENT_DROPS_MAX):
        drops.add(f"88.118.8/B{number}")

    assert drops.has_dropped("88.118.8/C", since=forgotten)
    assert not drops.has_dropped("88.118.8/C", since=drops.mark())


def test_that_everything_was_dropped_is_not_forgotten_when_many_drops_follow() -> None:
    drops = RecentDrops()
    mark = drops.mark()
    drops.add_everything()
    doubts = []
    for number in range(RECENT_DROPS_MAX):
        drops.add(f"88.118.8/A{number}")
        doubts.append(drops.has_dropped("88.118.8/B", since=mark))

    assert all(doubts)


def test_no_more_names_are_remembered_than_there_is_room_for() -> None:
    drops = RecentDrops()
    for number in range(3 * RECENT_DROPS_MAX):
        drops.add(f"88.118.8/A{number}")

    assert len(drops._recent) + len(drops._earlier) <= 16_384
