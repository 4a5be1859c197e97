"""Codes that pass their check and can belong to no real thing: each lies in a range nobody is given."""

import uuid
from random import Random

from stdnum import ean, imo, iso6346, luhn
from stdnum.cn import uscc

_IFC_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$"
_IFC_CHARACTERS = 22
_IMEI_SERIALS = 1_000_000


def uscc_code(number: int) -> str:
    """A unified social credit code in 990000, which is no place in China (GB/T 2260)."""
    body = f"91990000MA{number:07}"
    return body + uscc.calc_check_digit(body)


def imo_number(number: int) -> str:
    """An IMO number beginning with 4; those of ships begin with 1 or with 5 to 9."""
    body = f"{400_000 + number % 100_000}"
    return body + imo.calc_check_digit(body)


def container_number(number: int) -> str:
    """An ISO 6346 container of owner QQQ."""
    body = f"QQQU{number % 1_000_000:06}"
    return body + iso6346.calc_check_digit(body)


def imei(number: int) -> str:
    """An IMEI of a type allocation code beginning with 00, which is for test devices (GSMA TS.06)."""
    allocation, serial = divmod(number, _IMEI_SERIALS)
    body = f"{101_700 + allocation:08}{serial:06}"
    return body + luhn.calc_check_digit(body)


def mac_address(number: int) -> str:
    """A MAC address with the locally administered bit, so no maker's."""
    digits = f"{0x02 << 40 | number:012X}"
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def gtin13(number: int) -> str:
    """A GTIN-13 under GS1 prefix 952, which is for examples."""
    body = f"9520001{number:05}"
    return body + ean.calc_check_digit(body)


def ifc_globalid(rng: Random) -> str:
    """A random UUID in the 22 characters of IFC (ISO 16739): 128 bits, six to a character, the first has two."""
    bits = uuid.UUID(int=rng.getrandbits(128), version=4).int
    return "".join(_IFC_ALPHABET[bits >> shift & 63] for shift in range(6 * (_IFC_CHARACTERS - 1), -1, -6))
