"""Checks on several items of one record."""

from datetime import date, datetime

from idnode.registry.rules.record_checks import RECORD_CHECK_FITS, RECORD_CHECKS, Offence


def test_dates_in_order_pass_and_equal_days_are_in_order() -> None:
    pairs = (("poured", date(2024, 3, 1)), ("cured", date(2024, 3, 8)), ("shipped", date(2024, 3, 8)))

    assert RECORD_CHECKS["date-order"](pairs) == ()


def test_a_date_before_its_predecessor_is_named() -> None:
    pairs = (("poured", date(2024, 3, 9)), ("cured", date(2024, 3, 8)), ("shipped", date(2024, 3, 20)))

    assert RECORD_CHECKS["date-order"](pairs) == (
        Offence("cured", "is 2024-03-08, before poured, which is 2024-03-09"),
    )


def test_an_absent_date_is_stepped_over() -> None:
    pairs = (("poured", date(2024, 3, 9)), ("cured", None), ("shipped", date(2024, 3, 8)))

    assert RECORD_CHECKS["date-order"](pairs) == (
        Offence("shipped", "is 2024-03-08, before poured, which is 2024-03-09"),
    )


def test_a_moment_meets_a_date_on_its_day_in_beijing() -> None:
    late_evening_utc = datetime.fromisoformat("2024-03-07T20:00:00+00:00")

    assert RECORD_CHECKS["date-order"]((("poured", late_evening_utc), ("cured", date(2024, 3, 8)))) == ()
    assert RECORD_CHECKS["date-order"]((("poured", late_evening_utc), ("cured", date(2024, 3, 7)))) == (
        Offence("cured", "is 2024-03-07, before poured, which is 2024-03-07T20:00:00+00:00"),
    )


def test_two_moments_of_one_day_are_compared_by_the_clock() -> None:
    pairs = (
        ("started", datetime.fromisoformat("2024-03-08T10:00:00+08:00")),
        ("ended", datetime.fromisoformat("2024-03-08T01:00:00+00:00")),
    )

    assert RECORD_CHECKS["date-order"](pairs) == (
        Offence("ended", "is 2024-03-08T01:00:00+00:00, before started, which is 2024-03-08T10:00:00+08:00"),
    )


def test_a_block_names_its_hull() -> None:
    requires = RECORD_CHECKS["requires"]

    assert requires((("block_number", "B101"), ("hull_number", "H2501"))) == ()
    assert requires((("block_number", None), ("hull_number", None))) == ()
    assert requires((("block_number", "B101"), ("hull_number", None))) == (
        Offence("hull_number", "is required where block_number is given"),
    )


def test_everything_that_is_required_and_missing_is_named() -> None:
    assert RECORD_CHECKS["requires"]((("weld", "W1"), ("welder", None), ("report", None))) == (
        Offence("welder", "is required where weld is given"),
        Offence("report", "is required where weld is given"),
    )


def test_a_zero_is_present() -> None:
    assert RECORD_CHECKS["requires"]((("floor", 0), ("axis", False))) == ()


def test_a_block_number_begins_with_its_hull_number() -> None:
    begins_with = RECORD_CHECKS["begins-with"]

    assert begins_with((("block_number", "H2501-B101"), ("hull_number", "H2501"))) == ()
    assert begins_with((("block_number", None), ("hull_number", "H2501"))) == ()
    assert begins_with((("block_number", "H2502-B101"), ("hull_number", "H2501"))) == (
        Offence("block_number", "does not begin with hull_number, which is H2501"),
    )


def levels(*codes: str | None) -> tuple[tuple[str, object | None], ...]:
    return tuple(zip(("section", "division", "group", "class"), codes, strict=False))


def test_four_levels_of_one_path_pass() -> None:
    assert RECORD_CHECKS["industry-tree"](levels("A", "01", "011", "0111")) == ()
    assert RECORD_CHECKS["industry-tree"](levels("C", "17")) == ()
    assert RECORD_CHECKS["industry-tree"](levels(None, "17", None, "1711")) == ()


def test_a_division_lies_in_its_section() -> None:
    assert RECORD_CHECKS["industry-tree"](levels("A", "17", "171", "1711")) == (
        Offence("division", "division 17 lies under section C, not under A"),
    )


def test_a_class_lies_in_its_group() -> None:
    assert RECORD_CHECKS["industry-tree"](levels("C", "17", "172", "1711")) == (
        Offence("class", "1711 does not lie under 172, the group"),
    )


def test_a_class_without_the_levels_between_still_lies_in_its_section() -> None:
    assert RECORD_CHECKS["industry-tree"](levels("A", None, None, "1711")) == (
        Offence("class", "division 17 lies under section C, not under A"),
    )


def test_each_level_has_its_own_shape() -> None:
    assert RECORD_CHECKS["industry-tree"](levels("C1", "171", "17", "纺织业一")) == (
        Offence("section", "is not the code of a section: one letter A-T"),
        Offence("division", "is not the code of a division: 2 digits"),
        Offence("group", "is not the code of a group: 3 digits"),
        Offence("class", "is not the code of a class: 4 digits"),
    )


def test_every_record_check_says_what_it_fits() -> None:
    assert sorted(RECORD_CHECKS) == ["begins-with", "date-order", "industry-tree", "requires"]
    assert RECORD_CHECKS.keys() == RECORD_CHECK_FITS.keys()
