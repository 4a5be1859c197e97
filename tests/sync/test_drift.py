"""Drift, found by comparing: digests line by line, prefixes that differ, records that are not held alike, due days."""

from datetime import UTC, date, datetime

from idnode.model.reporting import Digest
from idnode.sync.drift import Comparison, LinesDigest, bounds_of, differing, due_days, prefix_of
from idnode.wire.top_node.digests import digest_of

DAY = date(2026, 11, 24)
LINES = {"88.118:T9:88.118.8/A:10": "aa", "88.118:T9:88.118.8/A:2": "bb", "88.118:T9:88.118.8/卷:1": "cc"}


def lines(*ids: str) -> LinesDigest:
    digest = LinesDigest()
    for id in ids:
        digest.add(id, LINES[id])
    return digest


def held(prefix: str, sha256: str) -> Digest:
    return Digest(prefix, DAY, 1, sha256)


def test_lines_one_by_one_in_the_order_of_their_ids_have_the_digest_of_all_of_them() -> None:
    digest = lines(*sorted(LINES))

    assert digest.hexdigest() == digest_of(LINES)
    assert digest.records == 3


def test_prefixes_that_one_side_lacks_or_holds_otherwise_differ() -> None:
    ours = {"88.118.1": lines(*sorted(LINES)), "88.118.2": lines(*sorted(LINES)), "88.118.3": lines(min(LINES))}

    found = differing(
        ours, [held("88.118.1", digest_of(LINES)), held("88.118.3", digest_of(LINES)), held("88.118.4", "dd")]
    )

    assert found == ["88.118.2", "88.118.3", "88.118.4"]


def test_a_comparison_tells_missing_changed_and_unmatched_apart() -> None:
    comparison = Comparison({"a": "aa", "b": "bb", "x": "xx"})

    comparison.add("a", 1, "aa")
    comparison.add("b", 2, "b2")
    comparison.add("c", 3, "cc")

    assert (comparison.changed, comparison.missing, comparison.unmatched) == ([2], [3], ["x"])


def test_a_day_begins_and_ends_at_midnight_in_beijing() -> None:
    first, until = bounds_of(DAY)

    assert first == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert until == datetime(2026, 11, 24, 16, tzinfo=UTC)


def test_from_three_in_the_morning_on_the_last_three_days_are_due() -> None:
    before, after = datetime(2026, 2, 28, 18, 59, 59, tzinfo=UTC), datetime(2026, 2, 28, 19, tzinfo=UTC)

    assert due_days(before) == ()
    assert due_days(after) == (date(2026, 2, 28), date(2026, 2, 27), date(2026, 2, 26))


def test_the_prefix_ends_at_the_first_slash() -> None:
    assert prefix_of("88.118.8/a/b") == "88.118.8"
