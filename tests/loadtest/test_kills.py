"""What was acknowledged, against what stands after the kills."""

from collections import Counter

from loadtest.kills.counting import Count, compared


def test_what_is_missing_and_what_was_written_twice_is_named() -> None:
    standing = {"88.118/S-1", "88.118/S-2", "88.118/S-4", "88.118/I-1"}
    written = Counter({"88.118/S-1": 1, "88.118/S-2": 2, "88.118/S-4": 1, "88.118/I-1": 1})

    found = compared("88.118/S-", {"88.118/S-1", "88.118/S-2", "88.118/S-3"}, standing, written)

    assert found == Count(3, lost=["88.118/S-3"], doubled=["88.118/S-2"], unknown=["88.118/S-4"])


def test_a_row_without_a_verdict_is_lost_and_one_with_two_is_doubled() -> None:
    standing = {"88.118/I-1", "88.118/I-2", "88.118/I-3"}
    written = Counter(dict.fromkeys(standing, 1))
    told = Counter({"88.118/I-1": 1, "88.118/I-3": 2})

    found = compared("88.118/I-", sorted(standing), standing, written, told)

    assert found == Count(3, lost=["88.118/I-2"], doubled=["88.118/I-3"], unknown=[])
