"""Checks on one item: published vectors pass, and each way to fail says what is wrong."""

from datetime import date, datetime

import pytest

from idnode.registry.rules.item_checks import ITEM_CHECK_TYPES, ITEM_CHECKS

TODAY = date(2024, 5, 17)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        ("uscc", "91110108589104047H"),
        ("imo", "9319466"),
        ("imo", "8814275"),
        ("iso6346", "CSQU3054383"),
        ("iso6346", "TASU1170000"),
        ("imei", "490154203237518"),
        ("imei", "356868000041418"),
        ("mac", "AA:BB:CC:DD:EE:FF"),
        ("mac", "aa-bb-cc-dd-ee-0f"),
        ("mac", "AABBCCDDEEFF"),
        ("gtin", "73513537"),
        ("gtin", "036000291452"),
        ("gtin", "6901234567892"),
        ("gtin", "98412345678908"),
        ("ifc-globalid", "0YvctVUKr0kugbFTf53O9L"),
        ("ifc-globalid", "3$cshxZO9AJBebsni$z9Yk"),
        ("concrete-grade", "C15"),
        ("concrete-grade", "C30"),
        ("concrete-grade", "C100"),
        ("fabric-code", "12345678901234567"),
        ("sjt11144-class", "020305"),
        ("industry", "C"),
        ("industry", "C1711"),
        ("industry", "A0111"),
        ("colour-fastness", "4"),
        ("colour-fastness", "4-5"),
    ],
)
def test_a_good_value_passes(check: str, value: str) -> None:
    assert ITEM_CHECKS[check](value, TODAY) is None


@pytest.mark.parametrize(
    ("check", "value", "problem"),
    [
        ("uscc", "91110108589104047A", "its check character should be H, not A"),
        ("uscc", "911101085891040", "has 15 characters, a unified social credit code has 18"),
        ("imo", "9319467", "its check digit should be 6, not 7"),
        ("imo", "IMO 9319466", "is not an IMO number of 7 digits, written without the letters IMO"),
        ("imo", "9319466\n", "is not an IMO number of 7 digits, written without the letters IMO"),
        ("iso6346", "CSQU3054384", "its check digit should be 3, not 4"),
        (
            "iso6346",
            "csqu3054383",
            "is not a container number: 3 letters A-Z, a category letter U, J, Z or R, 7 digits",
        ),
        ("imei", "490154203237517", "its check digit should be 8, not 7"),
        ("imei", "49-015420-323751-8", "is not an IMEI of 15 digits"),
        (
            "mac",
            "AA:BB-CC:DD:EE:FF",
            "is not a MAC address of 48 bits: AA:BB:CC:DD:EE:FF, AA-BB-CC-DD-EE-FF or AABBCCDDEEFF",
        ),
        ("gtin", "6901234567893", "its check digit should be 2, not 3"),
        ("gtin", "690123456", "is not a GTIN of 8, 12, 13 or 14 digits"),
        (
            "ifc-globalid",
            "4YvctVUKr0kugbFTf53O9L",
            "is not an IFC GlobalId: 22 characters of 0-9, A-Z, a-z, _ and $, the first of them 0 to 3",
        ),
        ("concrete-grade", "C33", "is not a concrete grade C15, C20, … C100 in steps of 5"),
        ("concrete-grade", "C10", "is not a concrete grade C15, C20, … C100 in steps of 5"),
        ("concrete-grade", "C105", "is not a concrete grade C15, C20, … C100 in steps of 5"),
        ("concrete-grade", "C030", "is not a concrete grade C15, C20, … C100 in steps of 5"),
        ("fabric-code", "1234567890123456", "is not a fabric code of 17 digits"),
        ("fabric-code", "１2345678901234567", "is not a fabric code of 17 digits"),
        ("sjt11144-class", "0203", "is not a class code of 6 digits"),
        ("industry", "C01", "division 01 lies under section A, not under C"),
        (
            "industry",
            "1711",
            "is not a section letter A-T followed by 0, 2, 3 or 4 digits, such as C1711",
        ),
        ("colour-fastness", "4.5", "is not a grade of the grey scale: 1, 1-2, 2, 2-3, … 4-5, 5"),
        ("colour-fastness", "6", "is not a grade of the grey scale: 1, 1-2, 2, 2-3, … 4-5, 5"),
    ],
)
def test_a_bad_value_says_what_is_wrong(check: str, value: str, problem: str) -> None:
    assert ITEM_CHECKS[check](value, TODAY) == problem


def test_a_number_is_not_taken_for_a_code() -> None:
    assert ITEM_CHECKS["imo"](9319466, TODAY) == "is not text"


def test_today_is_not_in_the_future_and_tomorrow_is() -> None:
    check = ITEM_CHECKS["not-future"]

    assert check(date(2024, 5, 17), TODAY) is None
    assert check(date(2024, 5, 18), TODAY) == "is in the future: 2024-05-18 is after 2024-05-17"
    assert check("2024-05-18", TODAY) == "is not a date"


def test_the_day_of_a_moment_is_its_day_in_beijing() -> None:
    check = ITEM_CHECKS["not-future"]

    assert check(datetime.fromisoformat("2024-05-17T15:59:59+00:00"), TODAY) is None
    assert (
        check(datetime.fromisoformat("2024-05-17T16:00:00+00:00"), TODAY)
        == "is in the future: 2024-05-18 is after 2024-05-17"
    )


def test_every_check_says_which_types_it_fits() -> None:
    assert ITEM_CHECKS.keys() == ITEM_CHECK_TYPES.keys()
    assert sorted(ITEM_CHECKS) == [
        "colour-fastness",
        "concrete-grade",
        "fabric-code",
        "fibre-composition",
        "gtin",
        "ifc-globalid",
        "imei",
        "imo",
        "industry",
        "iso6346",
        "mac",
        "not-future",
        "sjt11144-class",
        "uscc",
    ]
