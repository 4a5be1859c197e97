"""The fuzzing of the native protocol, for a moment: good requests are answered, and what it looks for is found."""

from random import Random

import pytest

from idnode.wire.cursor import MalformedMessage
from loadtest.native_fuzz.__main__ import Fuzzing
from loadtest.native_fuzz.decoders import DECODERS, attempt
from loadtest.native_fuzz.inputs import messages, typed_values


def broken(data: bytes) -> bytes:
    raise KeyError(len(data))


def refusing(data: bytes) -> bytes:
    raise MalformedMessage("too short", offset=len(data))


async def test_a_few_hundred_inputs_leave_nothing_but_refusals() -> None:
    fuzzing = Fuzzing(Random(7))  # noqa: S311
    await fuzzing.some(300)

    assert fuzzing.findings.crashes == []
    assert (fuzzing.findings.good, fuzzing.findings.good_answered) == (12, 12)
    assert sum(fuzzing.findings.taken.values()) > 0


async def test_anything_but_a_refusal_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECODERS, "broken", broken)
    fuzzing = Fuzzing(Random(7))  # noqa: S311
    await fuzzing.some(3)

    assert [crash.partition(":")[0] for crash in fuzzing.findings.crashes] == ["broken"] * 3
    assert fuzzing.findings.are_bad
    assert attempt(refusing, b"junk") is False


def test_every_original_is_read_by_somebody() -> None:
    for original in (*messages(), *typed_values()):
        assert any(attempt(decode, original) for decode in DECODERS.values())
