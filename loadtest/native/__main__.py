"""`python -m loadtest.native`: asks a node for a while and prints what it saw as one line of JSON."""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from random import Random

from loadtest.native import connections, datagrams
from loadtest.native.asking import Seen, every, requests

WARMING_SECONDS_MAX = 120.0


def main(arguments: Sequence[str]) -> int:
    """Parse, ask, print."""
    options = _options().parse_args(arguments)
    random = Random(options.seed)
    stem, first, keys = options.stem, options.first, options.keys
    if options.warm:
        datagrams.load(options.port, every(stem, first, keys), window=options.window, seconds=WARMING_SECONDS_MAX)
    asked = requests(stem, first, keys, random)
    # What is made beforehand is made now.
    asked = chain((next(asked),), asked)
    before = time.process_time()
    seen, seconds = _load(options, asked, random)
    seen.busy_seconds = time.process_time() - before
    print(json.dumps(seen.report(seconds)))
    return 0


def _load(options: argparse.Namespace, asked: Iterator[bytes], random: Random) -> tuple[Seen, float]:
    port, window = options.port, options.window
    match options.transport:
        case "udp":
            return datagrams.load(port, asked, window=window, seconds=options.seconds)
        case "tcp":
            return connections.load(port, asked, connections=window, seconds=options.seconds)
        case _:
            return datagrams.load_with_junk(port, asked, window=window, junk_count=options.junk, random=random)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtest.native", description=__doc__)
    parser.add_argument("transport", choices=("udp", "tcp", "junk"))
    parser.add_argument("--port", type=int, default=2641)
    parser.add_argument("--stem", required=True, help="what the identifiers begin with")
    parser.add_argument("--first", type=int, required=True, help="the number that follows the stem first")
    parser.add_argument("--keys", type=int, default=100_000, help="how many numbers follow")
    parser.add_argument("--window", type=int, default=64, help="requests in flight, or connections")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--junk", type=int, default=1_000_000, help="malformed datagrams to send")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--warm", action="store_true", help="ask for each of them once before")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
