"""Whole seconds as text: written in one spelling, read strictly."""

from datetime import UTC, datetime

import pytest

from idnode.wire.iso_time import iso_seconds, iso_time, moment_of


def test_a_moment_is_written_to_the_second() -> None:
    assert iso_time(datetime(2023, 11, 14, 22, 13, 20, 999_999, tzinfo=UTC)) == "2023-11-14T22:13:20Z"
    assert iso_seconds(0x77359400) == "2033-05-18T03:33:20Z"


def test_an_offset_is_taken_into_account() -> None:
    assert moment_of("2023-11-15T06:13:20+08:00") == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-11-14 22:13:20Z",
        "2023-11-14T22:13:20.5Z",
        "2023-11-14T22:13:60Z",
        "2023-13-14T22:13:20Z",
        "20231114T221320Z",
        "２０２３-11-14T22:13:20Z",
        "9999-12-31T23:59:59-23:00",
    ],
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert moment_of(text) is None
