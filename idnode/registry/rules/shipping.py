"""Checks of shipbuilding: IMO number and container number (industries.md, row "shipbuilding")."""

import re

from stdnum import imo, iso6346

_SEVEN_DIGITS = re.compile(r"[0-9]{7}")
_CONTAINER = re.compile(r"[A-Z]{3}[UJZR][0-9]{7}")


def imo_problem(text: str) -> str | None:
    """IMO Resolution A.1117(30): 7 digits without the letters IMO; the last is the weighted sum of the others."""
    if not _SEVEN_DIGITS.fullmatch(text):
        return "is not an IMO number of 7 digits, written without the letters IMO"
    return _check_digit_problem(imo.calc_check_digit(text[:-1]), text[-1])


def container_problem(text: str) -> str | None:
    """ISO 6346: owner, category letter, six-digit serial, check digit; no spaces."""
    if not _CONTAINER.fullmatch(text):
        return "is not a container number: 3 letters A-Z, a category letter U, J, Z or R, 7 digits"
    return _check_digit_problem(iso6346.calc_check_digit(text[:-1]), text[-1])


def _check_digit_problem(due: str, given: str) -> str | None:
    return None if due == given else f"its check digit should be {due}, not {given}"
