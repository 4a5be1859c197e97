"""Junk, truncated and mutated messages into every reader of the native protocol, and into its protocol objects.

Each input goes to every decoder, as a datagram, and in pieces into a connection. In between come good requests, which
have to be answered. Nothing but a refusal may come of an input, none may take long, and memory has to stay flat.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from resource import getpagesize

from idnode.wire.messages.codes import ResponseCode
from idnode.wire.messages.message import read_message
from idnode.wire.messages.packets import ASSEMBLIES_BYTES_MAX, ASSEMBLIES_MAX
from idnode.wire.typed_values.hs_admin import AdminPermission
from loadtest.native_fuzz.decoders import DECODERS, attempt
from loadtest.native_fuzz.inputs import good, inputs
from loadtest.native_fuzz.speaking import Server, Speaking

INPUTS = 1_000_000
SEED = 20_261_124
GOOD_EVERY = 50
TURN_INPUTS = 200
"""Then the event loop gets its turn."""
ROUNDS = 10
FLAT_BYTES_MAX = 32 << 20
"""What memory may grow by after the first of the rounds."""
SLOW_SECONDS_MAX = 1.0
CRASHES_SHOWN = 10
SECONDS_PER_INPUT = 0.001


class Findings:
    """What came of the inputs."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.crashes: list[str] = []
        self.good = self.good_answered = 0
        self.slowest_seconds = 0.0
        self.answers: Counter[str] = Counter()
        self.assemblies_max = self.assembly_bytes_max = 0

    @property
    def are_bad(self) -> bool:
        """Something is to be put right."""
        is_unbounded = self.assemblies_max > ASSEMBLIES_MAX or self.assembly_bytes_max > ASSEMBLIES_BYTES_MAX
        is_slow = self.slowest_seconds > SLOW_SECONDS_MAX
        return bool(self.crashes) or self.good != self.good_answered or is_unbounded or is_slow


class Fuzzing:
    """One run with the numbers that `chance` draws."""

    def __init__(self, chance: Random) -> None:
        self.findings = Findings()
        self._clock = 0.0
        self._server = Server(lambda: self._clock)
        self._speaking = Speaking(self._server, chance)
        self._next = inputs(chance)
        self._server.front.expiration = bytes(4)

    async def some(self, count: int) -> None:
        """So many inputs."""
        for number in range(count):
            self._clock += SECONDS_PER_INPUT
            began = time.perf_counter()
            self._throw(self._next())
            self.findings.slowest_seconds = max(self.findings.slowest_seconds, time.perf_counter() - began)
            if number % GOOD_EVERY == 0:
                self._ask(number + 1)
            if number % TURN_INPUTS == 0:
                # What is counted is written down every few seconds.
                self._server.usage.take()
                await asyncio.sleep(0)

    @property
    def connections(self) -> int:
        """That were made."""
        return self._speaking.connections

    def _throw(self, data: bytes) -> None:
        findings = self.findings
        for name, decode in DECODERS.items():
            try:
                findings.taken[name] += attempt(decode, data)
            except Exception as error:  # whatever it is, it is what is looked for
                self._crashed(name, data, error)
        for name, speak in (("UDP", self._speaking.by_datagram), ("TCP", self._speaking.by_connection)):
            try:
                findings.answers[name] += len(speak(data))
            except Exception as error:
                self._crashed(name, data, error)
                self._speaking.renew()
        findings.assemblies_max = max(findings.assemblies_max, self._speaking.datagrams.assemblies)
        findings.assembly_bytes_max = max(findings.assembly_bytes_max, self._speaking.datagrams.assembly_bytes)

    def _ask(self, number: int) -> None:
        # A connection in which nonsense stands may wait for more of it.
        self._speaking.renew()
        for speak in (self._speaking.by_datagram, self._speaking.by_connection):
            self.findings.good += 1
            for answer in map(read_message, speak(good(number))):
                is_right = answer.header.response_code == ResponseCode.SUCCESS
                self.findings.good_answered += is_right and answer.envelope.request_id == number

    def _crashed(self, name: str, data: bytes, error: Exception) -> None:
        self.findings.crashes.append(f"{name}: {type(error).__name__}: {error}: {data.hex()}")


async def fuzz(count: int, seed: int) -> int:
    """Print what came of it; 1 where something is to be put right."""
    for bits in range(1 << 16):
        # Python keeps every combination of flags that it has seen; what is left to grow after this should not.
        AdminPermission(bits)
    fuzzing, resident = Fuzzing(Random(seed)), list[int]()
    for round_ in range(ROUNDS):
        await fuzzing.some(count // ROUNDS)
        resident.append(_resident_bytes())
        print(f"{(round_ + 1) * count // ROUNDS:>9} inputs, {resident[-1] >> 20} MiB resident", flush=True)
    findings = fuzzing.findings
    print(f"{'taken as good by':<20}" + ", ".join(f"{name} {number}" for name, number in findings.taken.items()))
    print(f"{'answers':<20}" + ", ".join(f"{name} {number}" for name, number in findings.answers.items()))
    print(f"{'good requests':<20}{findings.good}, answered {findings.good_answered}")
    print(f"{'connections':<20}{fuzzing.connections}")
    print(f"{'assemblies':<20}at most {findings.assemblies_max}, {findings.assembly_bytes_max} bytes")
    print(f"{'slowest input':<20}{findings.slowest_seconds * 1000:.1f} ms")
    print(f"{'memory':<20}{(resident[-1] - resident[0]) / (1 << 20):+.1f} MiB since the first round")
    print(f"{'crashes':<20}{len(findings.crashes)}")
    for crash in findings.crashes[:CRASHES_SHOWN]:
        print("  " + crash)
    return int(findings.are_bad or resident[-1] - resident[0] > FLAT_BYTES_MAX)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()


def main(arguments: Sequence[str]) -> int:
    """Run as the options say."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.native_fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    return asyncio.run(fuzz(options.inputs, options.seed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
