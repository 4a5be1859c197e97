"""Passwords of SNMS users: the vendor's vector, the day in Beijing, and the ten minutes around its midnight."""

from datetime import UTC, datetime

import pytest

from idnode.wire.snms_passwords import dated_proof, days_of, digest_of, password_sha256, plain_proof

VECTOR = "58e2c92c46485fdbc35fdcd0814d6c0f000cad5aa156848ca5edaf29406b7661"
DIGEST = password_sha256("123456")
AT_NOON = datetime(2019, 8, 15, 4, 0, tzinfo=UTC)
"""12:00 in Beijing."""


def test_the_vector_of_the_guide_proves_its_password_on_its_day() -> None:
    assert dated_proof(VECTOR, AT_NOON)(DIGEST)
    assert dated_proof(VECTOR.upper(), AT_NOON)(DIGEST)


@pytest.mark.parametrize(
    ("at", "days"),
    [
        (datetime(2019, 8, 15, 15, 49, 59, tzinfo=UTC), ("2019-08-15",)),
        (datetime(2019, 8, 15, 15, 50, 0, tzinfo=UTC), ("2019-08-15", "2019-08-16")),
        (datetime(2019, 8, 15, 16, 9, 59, tzinfo=UTC), ("2019-08-15", "2019-08-16")),
        (datetime(2019, 8, 15, 16, 10, 0, tzinfo=UTC), ("2019-08-16",)),
        (datetime(2019, 8, 14, 15, 50, 0, tzinfo=UTC), ("2019-08-14", "2019-08-15")),
    ],
)
def test_ten_minutes_around_midnight_in_beijing_the_neighbouring_day_counts(
    at: datetime, days: tuple[str, ...]
) -> None:
    assert days_of(at) == days
    assert dated_proof(VECTOR, at)(DIGEST) is ("2019-08-15" in days)


@pytest.mark.parametrize("sent", ["", "123456", VECTOR[:-1], VECTOR[:-1] + "2", "密码", DIGEST.hex()])
def test_anything_else_proves_nothing(sent: str) -> None:
    assert not dated_proof(sent, AT_NOON)(DIGEST)


def test_a_plain_password_is_compared_by_its_digest() -> None:
    assert plain_proof("123456")(DIGEST)
    assert not plain_proof("1234567")(DIGEST)


def test_a_digest_is_64_hexadecimal_digits() -> None:
    assert digest_of("8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92") == DIGEST
    assert digest_of("8d969eef") is None
    assert digest_of("x" * 64) is None
