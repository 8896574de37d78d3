"""What remains when the story is over: the JSON, the summary for a person, and what is not as it should be."""

import json
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sandbox.demo.judge import Verdict
from sandbox.demo.scenes import LEASE_S, MODES

# Generous, for a machine that has other work to do; what the product aims for is less.
MOST_SECONDS = {"sigkill": LEASE_S + 10, "sigterm": 10.0}
MOST_CALLS = {"auto": 5.0, "fixed-tag": 3.0, "fixed-tag-value": 3.0}


def to_json(verdict: Verdict, seconds: float) -> dict[str, Any]:
    """The report; null stands for what could not be measured."""
    failovers = [{"kind": kind, "seconds": _rounded(took)} for kind, took in verdict.failovers]
    return {
        "pods": {mode: {"wanted": verdict.wanted[mode], "served": verdict.served[mode]} for mode in MODES},
        "leaked": len(verdict.leaked),
        "misplaced": len(verdict.misplaced),
        "double_owned": len(verdict.double_owned),
        "failovers": failovers,
        "ec2_calls_per_pod": {mode: _rounded(verdict.calls.get(mode)) for mode in MODES},
        "seconds": round(seconds, 1),
    }


def to_text(verdict: Verdict, seconds: float) -> str:
    """The report as it is written to a file."""
    return json.dumps(to_json(verdict, seconds), indent=2) + "\n"


def faults(verdict: Verdict) -> list[str]:
    """What is not as it should be, a line for each; none if all is well."""
    return [*_unserved(verdict), *_wrong_addresses(verdict), *_slow(verdict), *_costly(verdict)]


def _unserved(verdict: Verdict) -> list[str]:
    return [
        f"{mode}: {verdict.served[mode]} of {verdict.wanted[mode]} Pods were served"
        for mode in MODES
        if verdict.served[mode] != verdict.wanted[mode] or not verdict.wanted[mode]
    ]


def _wrong_addresses(verdict: Verdict) -> list[str]:
    misplaced = [f"{address or 'no address'} at {pod}" for address, pod in verdict.misplaced]
    kinds: tuple[tuple[str, Sequence[str]], ...] = (
        ("leaked", sorted(verdict.leaked)),
        ("on a wrong Pod", sorted(misplaced)),
        ("with two owners", sorted(verdict.double_owned)),
        ("released, though nobody allocated it", sorted(verdict.released)),
    )
    return [f"{len(found)} {what}: {', '.join(found)}" for what, found in kinds if found]


def _slow(verdict: Verdict) -> list[str]:
    took = dict(verdict.failovers)
    said = []
    for kind, most in MOST_SECONDS.items():
        seconds = took.get(kind)
        if seconds is None:
            said.append(f"nobody took over after {kind}")
        elif seconds > most:
            said.append(f"the fail-over after {kind} took {seconds:.1f} s, more than {most:g} s")
    return said


def _costly(verdict: Verdict) -> list[str]:
    said = []
    for mode, most in MOST_CALLS.items():
        calls = verdict.calls.get(mode)
        if calls is None:
            said.append(f"{mode}: EC2 calls per Pod were not measured")
        elif calls > most:
            said.append(f"{mode}: {calls:.2f} EC2 calls per Pod, more than {most:g}")
    return said


def summary(verdict: Verdict, seconds: float, wrong: Sequence[str]) -> RenderableType:
    """The tables at the end."""
    end = [Text(f"✗ {line}", style="bold red") for line in wrong]
    fine = [Text("✓ Everything is as it should be.", style="bold green")]
    return Group(_modes(verdict), _figures(verdict, seconds), Text(), *(end or fine))


def _modes(verdict: Verdict) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="What the world says", title_justify="left", title_style="bold")
    for name in ("mode", "Pods", "served", "median seconds to address", "EC2 calls per Pod"):
        table.add_column(name, justify="left" if name == "mode" else "right")
    for mode in MODES:
        wanted, served = verdict.wanted[mode], verdict.served[mode]
        style = "green" if wanted == served else "bold red"
        shown = (_shown(verdict.median_s.get(mode), 2), _shown(verdict.calls.get(mode), 2))
        table.add_row(mode, str(wanted), Text(str(served), style=style), *shown)
    return table


def _figures(verdict: Verdict, seconds: float) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
    counts = {
        "addresses leaked": len(verdict.leaked),
        "addresses on a wrong Pod": len(verdict.misplaced),
        "addresses with two owners": len(verdict.double_owned),
    }
    for name, count in counts.items():
        table.add_row(name, Text(str(count), style="red bold" if count else "green"))
    for kind, took in verdict.failovers:
        table.add_row(f"{kind.upper()} to the new leader's first EC2 call", f"{_shown(took, 1)} s")
    table.add_row("the whole story", f"{seconds:.0f} s")
    return table


def _shown(value: float | None, digits: int) -> str:
    return "?" if value is None else f"{value:.{digits}f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
