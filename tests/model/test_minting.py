"""Patterns of suffixes: parsing with every fault, rendering, periods."""

from datetime import date

import pytest

from idnode.model.errors import InvalidInput
from idnode.model.identifier import Prefix
from idnode.model.minting import Restart, SuffixPattern, random_text

DAY = date(2026, 11, 24)
PREFIX = Prefix.parse("88.118.8")


def faults(text: str) -> list[tuple[str, str]]:
    """Rule and detail of everything that is wrong with a pattern."""
    with pytest.raises(InvalidInput) as caught:
        SuffixPattern.parse(text)
    assert {violation.pointer for violation in caught.value.violations} == {"/pattern"}
    return [(violation.rule, violation.detail) for violation in caught.value.violations]


@pytest.mark.parametrize(
    ("pattern", "number", "suffix"),
    [
        ("JX{yyyy}{MM}-{seq:8}{check}", 1, "JX202611-000000016"),
        ("{seq:3}", 0, "000"),
        ("{seq:3}", 999, "999"),
        ("{yy}{MM}{dd}.{seq:4:36}", 1_679_615, "261124.ZZZZ"),
        ("{yy}{MM}{dd}.{seq:4:36}", 36, "261124.0010"),
        ("W{yyyy}{ww}/{seq:2:10}", 7, "W202648/07"),
        ("卷{seq:4}{check:mod10}", 7894, "卷78949"),
        ("a{seq:1}{random:4}", 5, "a50H7Z"),
    ],
)
def test_a_suffix_has_the_fields_of_its_pattern(pattern: str, number: int, suffix: str) -> None:
    assert SuffixPattern.parse(pattern).suffix(number, DAY, "0H7Z") == suffix


def test_the_check_character_is_that_of_iso_7064_over_digits_and_letters_in_upper_case() -> None:
    plain = SuffixPattern.parse("A12425GABC1234{seq:3}{check}")
    dressed = SuffixPattern.parse("a12425g-abc1234.{seq:3}{check}")

    assert (plain.suffix(2, DAY), dressed.suffix(2, DAY)) == ("A12425GABC1234002M", "a12425g-abc1234.002M")


def test_a_year_beside_a_week_is_the_year_that_the_week_belongs_to() -> None:
    weekly, daily = SuffixPattern.parse("{yyyy}{ww}{seq:2}"), SuffixPattern.parse("{yyyy}{MM}{dd}{seq:2}")

    assert weekly.suffix(1, date(2024, 12, 31)) == "20250101"
    assert weekly.period(Restart.YEARLY, date(2024, 12, 31)) == "2025"
    assert daily.suffix(1, date(2024, 12, 31)) == "2024123101"
    assert daily.period(Restart.YEARLY, date(2024, 12, 31)) == "2024"


@pytest.mark.parametrize(
    ("restart", "period"),
    [("none", ""), ("yearly", "2026"), ("monthly", "2026-11"), ("daily", "2026-11-24")],
)
def test_a_sequence_is_counted_in_its_period(restart: str, period: str) -> None:
    assert SuffixPattern.parse("{yyyy}{MM}{dd}{seq:2}").period(Restart(restart), DAY) == period


def test_every_fault_of_a_pattern_is_told_with_its_place() -> None:
    assert faults("a{b}c}{seq:19}") == [
        (
            "field",
            "{b} at character 1 is no field; fields are yyyy, yy, MM, dd, ww, seq:N, seq:N:36, random:N, check, "  # noqa: ISC004  # one text
            "check:mod10",
        ),
        ("brace", "} at character 5 has no counterpart"),
        ("field", "{seq:19} at character 6 needs a width from 1 to 18"),
    ]


@pytest.mark.parametrize(
    ("pattern", "rules"),
    [
        ("JX{yyyy}", ["needs-seq"]),
        ("", ["needs-seq"]),
        ("{random:7}", ["min-random"]),
        ("{check}{seq:4}", ["check-place"]),
        ("{seq:4}{seq:4}", ["given-twice"]),
        ("{seq:4}{check}{check:mod10}", ["given-twice"]),
        ("{ww}{dd}{seq:4}", ["week"]),
        ("{seq:0}", ["field"]),
        ("{seq:٣}", ["field"]),
        ("{seq:4:16}", ["field"]),
        ("{seq:13:36}", ["field"]),
        ("{seq}", ["field"]),
        ("{YYYY}{seq:4}", ["field"]),
        ("{random:65}", ["field"]),
        ("{yyyy:2}{seq:4}", ["field"]),
        ("{check:luhn}{seq:4}", ["field"]),
        ("{{seq:4}", ["brace"]),
    ],
)
def test_a_pattern_that_cannot_be_minted_from_is_refused(pattern: str, rules: list[str]) -> None:
    assert [rule for rule, _ in faults(pattern)] == rules


@pytest.mark.parametrize(
    ("pattern", "restart", "first", "is_gapless", "broken"),
    [
        ("{yyyy}{seq:4}", "yearly", 1, True, []),
        ("{random:8}", "none", 1, False, []),
        ("{seq:4}", "none", 10_000, False, [("/first", "maximum", "9999")]),
        ("{random:8}", "none", 1, True, [("/gapless", "needs-seq", None)]),
        ("{seq:4}", "yearly", 1, False, [("/restart", "date-field", "{yy} or {yyyy}")]),
        ("{yy}{dd}{seq:4}", "daily", 1, False, [("/restart", "date-field", "{MM}")]),
        ("{yyyy}{ww}{seq:4}", "monthly", 1, False, [("/restart", "date-field", "{MM}")]),
        ("x" * 243 + "{seq:4}", "none", 1, False, [("/pattern", "max-bytes", "255 bytes")]),
        ("x" * 242 + "{seq:4}", "none", 1, False, []),
        ("卷" * 80 + "{seq:7}", "none", 1, False, [("/pattern", "max-bytes", "255 bytes")]),
        ("\u200b{seq:4}", "none", 1, False, [("/pattern", "printable", None)]),
        ("{seq:4} ", "none", 1, False, [("/pattern", "no-outer-space", None)]),
    ],
)
def test_what_does_not_fit_prefix_and_rules_is_told(
    pattern: str, restart: str, first: int, is_gapless: bool, broken: list[tuple[str, str, str | None]]
) -> None:
    found = SuffixPattern.parse(pattern).misfits(PREFIX, restart=Restart(restart), first=first, is_gapless=is_gapless)

    assert [(violation.pointer, violation.rule, violation.limit) for violation in found] == broken


def test_random_characters_are_those_that_nobody_takes_for_each_other() -> None:
    assert random_text(bytes(range(32))) == "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    assert random_text(bytes([32, 63, 255])) == "0ZZ"
