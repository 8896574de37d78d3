"""Rights that could not be tried on an address or an interface: what IAM's simulator says of them.

It is asked about addresses of this install alone, those of mode `auto`, and only where a try left something open.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from controller.core.diagnosis.rights import ALLOWED, DENIED, Tried
from controller.core.simulation import ACTIONS, Decision
from state import denial
from state.errors import PodEipError

Decide = Callable[[], tuple[str, list[Decision]]]
"""The role's ARN, and what the simulator says of each action; raises errors of `state.errors`."""

_WHO: Final = "IAM's simulator"


def filled(tried: Iterable[Tried], decide: Decide) -> Iterator[Tried]:
    """The same answers; for each that left its right open, the simulator's."""
    tries = list(tried)
    wanted = [one for one in tries if _is_open(one)]
    try:
        arn, found = decide() if wanted else ("", [])
    except PodEipError as error:
        yield from (_unasked(one, error) if one in wanted else one for one in tries)
        return
    decisions = {decision.action: decision for decision in found}
    yield from (_of(one, arn, decisions) if one in wanted else one for one in tries)


def _is_open(tried: Tried) -> bool:
    known = not tried.why_not and (tried.code in ALLOWED or tried.code in DENIED)
    return tried.action in ACTIONS and not known


def _unasked(tried: Tried, error: PodEipError) -> Tried:
    return replace(tried, why_not=f"{_why(tried)}; {_WHO} cannot be asked ({error.code})")


def _of(tried: Tried, arn: str, decisions: Mapping[str, Decision]) -> Tried:
    decision = decisions.get(tried.action)
    if decision is None:
        return tried
    if decision.allowed or decision.denied:
        words = "" if decision.allowed else decision.words(arn)
        advice = "" if decision.allowed else denial.advice("ec2", tried.action, words)
        return Tried(action=tried.action, code=decision.decision, message=words, advice=advice, simulated=True)
    doubts = ", ".join(decision.doubts) or "how to say it"
    return replace(tried, why_not=f"{_why(tried)}; {_WHO} says {decision.decision}, but does not know {doubts}")


def _why(tried: Tried) -> str:
    return tried.why_not or f"AWS answered {tried.code} before it told whether the role may"
