"""The long search: `python -m tests.model --depth 2 --seed 1 --walks 500`.

For the election and for each scene of the plan: every run with at most `depth` moves out of the ordinary, then `walks`
random runs with many. Prints what was searched; ends with 1 if something was found, and prints the run.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from tests.model.election_model import ElectionModel
from tests.model.explorer import Model, Report, Search
from tests.model.plan_model import PlanModel
from tests.model.scenes import SCENES

S = TypeVar("S")

RATES = ({"r1": 0.8, "r2": 1.19}, {"r1": 1.0, "r2": 1.0, "r3": 1.0})


def main() -> int:
    """Search all, or the models whose name contains `--scene`."""
    asked = _arguments()
    found = 0
    for name, search in _searches(asked.scene, asked.minutes):
        began = time.monotonic()
        report = search(asked.depth, asked.seed, asked.walks)
        _print(name, report, asked.seed, time.monotonic() - began)
        found += len(report.found)
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description="Search the product's own decisions.")
    parser.add_argument("--depth", type=int, default=1, help="how many moves of a run may be out of the ordinary")
    parser.add_argument("--walks", type=int, default=100, help="random runs for each model, with many such moves")
    parser.add_argument("--seed", type=int, default=1, help="of the random runs")
    parser.add_argument("--scene", default="", help="only models whose name contains this")
    parser.add_argument("--minutes", type=float, default=60.0, help="at most for each model")
    return parser.parse_args()


def _searches(scene: str, minutes: float) -> Iterator[tuple[str, Callable[[int, int, int], Report]]]:
    """Each model by its name, with a function of depth, seed and walks that searches it."""
    for rates in RATES:
        yield from _named(f"election: clocks at {list(rates.values())}", ElectionModel(rates), scene, minutes)
    for one in SCENES:
        yield from _named(f"plan: {one.name}", PlanModel(one), scene, minutes)


def _named(
    name: str, model: Model[S], scene: str, minutes: float
) -> Iterator[tuple[str, Callable[[int, int, int], Report]]]:
    def both(depth: int, seed: int, walks: int) -> Report:
        until = time.monotonic() + 60 * minutes
        search = Search(model, enough=lambda: time.monotonic() > until)
        report = search.exhaust(depth)
        return report if report.found else search.walk(seed, walks)

    if scene in name:
        yield name, both


def _print(name: str, report: Report, seed: int, seconds: float) -> None:
    bound = f"depth {report.depth}" if report.complete else f"depth {report.depth} not finished"
    counts = f"{report.states} states, {report.steps} steps, {report.rests} ends, longest way to rest {report.longest}"
    sys.stdout.write(f"{name}: {counts}; {bound}, {report.walks} walks of seed {seed}; {seconds:.0f} s\n")
    for counterexample in report.found:
        sys.stdout.write(f"{counterexample}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
