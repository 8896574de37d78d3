"""`python -m tests.nemesis --minutes N --seed S`: rounds of random troubles until the time is over or one fails.

Each round leaves its record, `timeline.txt`. A failing one prints its seed, what did not hold, and where that record
is; `--round` plays it again.
"""

import argparse
import itertools
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.nemesis.rounds import Verdict, play_round
from tests.real.host import RealHost

ROUND_S = 45.0


def main() -> int:
    """The exit code: 0 where every round held, 1 where one did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.nemesis", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to go on (%(default)s)")
    parser.add_argument("--seed", default=str(random.randrange(10**6)), help="where all chance comes from")
    parser.add_argument("--round", type=int, default=1, help="the round to begin with (%(default)s)")
    parser.add_argument("--seconds", type=float, default=ROUND_S, help="of troubles in each round (%(default)s)")
    parser.add_argument("--stand-ins", action="store_true", help="the sandbox's servers in place of the real ones")
    parser.add_argument("--folder", type=Path, default=Path("build/nemesis"), help="for logs (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="tell the story while it happens")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it started must end with it
    return run(parser.parse_args())


def run(given: argparse.Namespace) -> int:
    """Play rounds until the time is over."""
    end = time.monotonic() + 60 * given.minutes
    worst, rounds = 0.0, 0
    given.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        host = None if given.stand_ins else stack.enter_context(RealHost(given.folder))
        for number in itertools.count(given.round):
            verdict = play(given, number, host)
            worst, rounds = max(worst, verdict.misplaced_s), rounds + 1
            if verdict.why:
                return 1
            if time.monotonic() > end:
                say(f"seed {given.seed}: {rounds} rounds held; longest misplacement {worst:.1f} s")
                return 0
    return 1


def play(given: argparse.Namespace, number: int, host: RealHost | None) -> Verdict:
    """One round, and a line about it."""
    folder = given.folder / f"{given.seed}-{number}"
    tell: Callable[[str], object] = say if given.verbose else len
    verdict = play_round(f"{given.seed}:{number}", given.seconds, folder, host, tell)
    said = f"{verdict.calls} calls, longest misplacement {verdict.misplaced_s:.1f} s"
    say(f"seed {given.seed} round {number}: {'BROKEN' if verdict.why else 'held'}, {said}")
    if verdict.why:
        say("\n".join([*verdict.story, verdict.why, f"the record: {folder}/timeline.txt"]))
    return verdict


def say(line: str) -> None:
    """To whoever waits, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
