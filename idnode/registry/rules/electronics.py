"""Checks of the electronics trade: class code, IMEI, MAC address, GTIN (industries.md, row "electronics")."""

import re

from stdnum import ean, luhn

_CLASS_CODE = re.compile(r"[0-9]{6}")
_IMEI = re.compile(r"[0-9]{15}")
_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_MAC = re.compile(r"[0-9A-Fa-f]{12}|[0-9A-Fa-f]{2}(?P<between>[:-])[0-9A-Fa-f]{2}(?:(?P=between)[0-9A-Fa-f]{2}){4}")


def class_code_problem(text: str) -> str | None:
    """SJ/T 11144: two digits each for 部类, 大类 and 中类."""
    return None if _CLASS_CODE.fullmatch(text) else "is not a class code of 6 digits"


def imei_problem(text: str) -> str | None:
    """3GPP TS 23.003 §6.2.1: 14 digits and a Luhn check digit."""
    if not _IMEI.fullmatch(text):
        return "is not an IMEI of 15 digits"
    due = luhn.calc_check_digit(text[:-1])
    return None if due == text[-1] else f"its check digit should be {due}, not {text[-1]}"


def mac_problem(text: str) -> str | None:
    """IEEE 802 EUI-48: 12 hexadecimal digits, in pairs all divided by colons, all by hyphens, or not at all."""
    if _MAC.fullmatch(text):
        return None
    return "is not a MAC address of 48 bits: AA:BB:CC:DD:EE:FF, AA-BB-CC-DD-EE-FF or AABBCCDDEEFF"


def gtin_problem(text: str) -> str | None:
    """GS1 General Specifications §7.9 (GB 12904): 8, 12, 13 or 14 digits, the last a modulo-10 check digit."""
    if not _GTIN.fullmatch(text):
        return "is not a GTIN of 8, 12, 13 or 14 digits"
    due = ean.calc_check_digit(text[:-1])
    return None if due == text[-1] else f"its check digit should be {due}, not {text[-1]}"
