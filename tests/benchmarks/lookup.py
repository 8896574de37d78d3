"""What it costs to find an IP's interface: `python -m tests.benchmarks.lookup [--looks N]`.

The same looks by delegated prefix, of IPs that are known and of IPs that are not, among 10 and among 10,000 interfaces
with one prefix each, in turns; told are the least times a look and their ratio. It should be about 1.
"""

import argparse
import time
from collections.abc import Callable

from controller.engine.placement import PrefixIndex
from state.model import InterfaceId

SIZES = (10, 10_000)
TURNS = 9


def main() -> None:
    """Print a line for each kind of look."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.lookup", description=__doc__)
    parser.add_argument("--looks", type=int, default=20_000, help="in each turn (%(default)s)")
    looks = parser.parse_args().looks
    known = [_ip(number % SIZES[0], 5) for number in range(looks)]
    unknown = [f"192.168.{number >> 8 & 255}.{number & 255}" for number in range(looks)]
    few, many = (_index(size) for size in SIZES)
    for kind, ips in (("known", known), ("unknown", unknown)):
        turns = [(_seconds(few.find, ips), _seconds(many.find, ips)) for _ in range(TURNS)]
        small, large = (min(times) / looks * 1e6 for times in zip(*turns, strict=True))
        print(f"{kind}: {small:.2f} us among {SIZES[0]}, {large:.2f} us among {SIZES[1]}; ratio {large / small:.2f}")


def _index(size: int) -> PrefixIndex:
    index = PrefixIndex()
    for number in range(size):
        index.add(f"{_ip(number, 0)}/28", InterfaceId(f"eni-{number}"))
    return index


def _ip(number: int, last: int) -> str:
    number = number * 16 + last
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def _seconds(find: Callable[[str], object], ips: list[str]) -> float:
    begun = time.perf_counter()
    for ip in ips:
        find(ip)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
