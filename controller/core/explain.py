"""Why a Pod has its address, or has none: all that is known of one Pod, in sentences for a person at night.

The plan is the product's own, made for what was last observed; here it is only put into words, with what was tried and
what helps. What people read is legible text: names, annotations and AWS messages in it are strangers'.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from controller.core import contract, remedies, step_words, waiting
from controller.core.actions import Plan, Tell, Wait, WaitReason
from controller.core.desire import Gone, Invalid, Nothing, Pending, Serve
from controller.core.facts_words import of_asking, of_ec2, of_ledger, of_policy
from controller.core.requeue_rules import WokenBy
from controller.core.situation import Situation
from state.errors import PodEipError
from state.model import Phase

NO_SUCH_POD = (
    "No Pod of this name asks for an address, and no claim names one; "
    f"a Pod asks by the annotation {contract.ANNOTATION_TYPE}"
)


class Verdict(StrEnum):
    """How a Pod fares, in a word."""

    SERVED = "served"
    WORKING = "working"
    WAITING = "waiting"
    FAILING = "failing"
    REFUSED = "refused"
    INVALID = "invalid"
    LEAVING = "leaving"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is remembered of the tries. Times are seconds; None: not known, or there is no such time.

    waits, error: how the last plan ended. attempts: failures in a row. next_s: until it is planned anew at the latest.
    woken_by: what makes that sooner. waiting_s: for how long it has waited for the same. told: the last event.
    looking: what is being looked up for it first, in words. acting: its plan is being carried out.
    planned_s: how long ago the plan was made.
    """

    waits: Wait | None = None
    error: PodEipError | None = None
    attempts: int = 0
    next_s: float | None = None
    woken_by: frozenset[WokenBy] = frozenset()
    waiting_s: float | None = None
    told: str = ""
    looking: str = ""
    acting: bool = False
    planned_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who says it. notes: what whoever says it cannot know, or why nothing is done now."""

    identity: str
    leads: bool
    cluster: str = ""
    as_of: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One Pod, in sentences. `reason`: a word for scripts, the name of a wait or the code of an error; "": none.

    plan: the names of the steps. next_try_s: seconds until it is planned anew at the latest.
    """

    namespace: str
    name: str
    uid: str
    verdict: Verdict
    reason: str
    summary: str
    asks: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()
    ledger: tuple[str, ...] = ()
    ec2: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    next_try: str = ""
    next_try_s: float | None = None
    tried: tuple[str, ...] = ()
    attempts: int = 0
    remedy: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()
    answered_by: Source = field(default_factory=lambda: Source(identity="", leads=False))

    def to_json(self) -> dict[str, Any]:
        """As plain values, ready for JSON and YAML."""
        found: dict[str, Any] = legible_values({**asdict(self), "verdict": str(self.verdict)})
        return found


def explain(s: Situation, plan: Plan, known: Progress, source: Source) -> Explanation:
    """This Pod, as it was observed, with the plan that was made for that."""
    who = s.pod or s.record
    told_wait = known.waits or next((step for step in plan if isinstance(step, Wait)), None)
    verdict, reason, summary = _verdict(s, plan, told_wait, known, leads=source.leads)
    return Explanation(
        namespace=who.namespace if who else "",
        name=who.name if who else "",
        uid=s.uid,
        verdict=verdict,
        reason=reason,
        summary=summary,
        asks=of_asking(s),
        policy=of_policy(s),
        ledger=of_ledger(s),
        ec2=of_ec2(s) if known.planned_s is not None else (),  # else nobody here has looked at EC2 for it
        next=tuple(_next(plan, told_wait, known)),
        next_try=_next_try(plan, told_wait, known, leads=source.leads),
        next_try_s=None if known.next_s is None else round(max(known.next_s, 0.0), 1),
        tried=tuple(_tried(known)),
        attempts=known.attempts,
        remedy=tuple(_remedy(s, told_wait, known, verdict)),
        plan=tuple(type(step).__name__ for step in plan),
        answered_by=source,
    )


def unknown(namespace: str, name: str, why: str, source: Source) -> Explanation:
    """A Pod of which nothing is known."""
    return Explanation(
        namespace=namespace,
        name=name,
        uid="",
        verdict=Verdict.UNKNOWN,
        reason="",
        summary=why,
        answered_by=source,
    )


def _verdict(s: Situation, plan: Plan, wait: Wait | None, known: Progress, *, leads: bool) -> tuple[Verdict, str, str]:
    """How it fares, the reason for scripts, and the sentence that comes first."""
    if isinstance(s.desire, Invalid):
        keeps = f". It keeps the address {s.record.public_ip} until then" if s.record and s.record.public_ip else ""
        return Verdict.INVALID, s.desire.fault.name, f"The Pod asks wrongly: {s.desire.why}{keeps}"
    if known.error is not None:
        return Verdict.FAILING, known.error.code, f"The last try failed: {known.error.explain()}"
    if wait is not None:
        refused = wait.reason is WaitReason.REFUSED
        verdict = Verdict.REFUSED if refused else Verdict.WAITING
        return verdict, wait.reason.name, _waits(waiting.words(wait))
    if known.looking:
        return Verdict.WAITING, WaitReason.LOOK.name, f"The Pod waits for {known.looking}"
    verdict, summary = _without_trouble(s, plan, known, leads=leads)
    return verdict, "", summary


def _waits(words: str) -> str:
    return words[0].upper() + words[1:] if words.startswith("waiting ") else f"The Pod waits: {words}"


def _without_trouble(s: Situation, plan: Plan, known: Progress, *, leads: bool) -> tuple[Verdict, str]:
    held = s.record
    leaving = held is not None and (isinstance(s.desire, Gone | Nothing) or held.phase is Phase.RELEASING)
    if leaving:
        which = f"The address {held.public_ip}" if held and held.public_ip else "What the Pod has"
        return Verdict.LEAVING, f"{which} is being taken away from the Pod"
    if known.acting or any(not isinstance(step, Tell) for step in plan):
        return Verdict.WORKING, "Its plan is being carried out" if known.acting else "Steps are due for it"
    if held is not None and held.phase is Phase.ASSOCIATED:
        return Verdict.SERVED, f"The Pod has the address {held.public_ip}, and nothing is to be done"
    if isinstance(s.desire, Serve | Pending) and s.pod is not None and not s.pod.deleting:
        return _not_planned(leads=leads)
    if isinstance(s.desire, Nothing):
        return Verdict.NOTHING, "Nothing is to be done: the Pod asks for no address and has none"
    return Verdict.NOTHING, "Nothing is to be done: a Pod that is gone, or is being deleted, gets no address"


def _not_planned(*, leads: bool) -> tuple[Verdict, str]:
    if leads:
        return Verdict.WORKING, "The Pod asks for an address, and is about to be planned for"
    return Verdict.UNKNOWN, "The Pod asks for an address; how far it has come only the leader knows"


def _next(plan: Plan, wait: Wait | None, known: Progress) -> Iterable[str]:
    if known.looking:
        yield f"Look up first: {known.looking}"
    for step in plan:
        if not isinstance(step, Wait):
            yield step_words.of_step(step)
    if wait is not None:
        yield step_words.of_step(wait)


def _next_try(plan: Plan, wait: Wait | None, known: Progress, *, leads: bool) -> str:
    sooner = " or ".join(sorted(step_words.of_waker(by) for by in known.woken_by))
    if not leads:
        return "Only the leader knows when it tries next"
    if known.acting:
        return "Now: its plan is being carried out"
    if known.next_s is not None:
        when = f"in {known.next_s:.0f} s" if known.next_s >= 1 else "at once"
        return f"The Pod is planned anew {when}" + (f", or sooner by {sooner}" if sooner else "")
    if wait is None and not plan and known.error is None:
        return f"No time is set: the Pod is planned anew by {sooner or 'a change of the Pod'}"
    return f"The Pod is planned anew by {sooner or 'the next comparison with EC2'}"


def _tried(known: Progress) -> Iterable[str]:
    if known.error is not None:
        yield f"The last try failed: {known.error.explain()}"
    if known.attempts:
        yield f"{known.attempts} tries in a row did not succeed"
    if known.waiting_s is not None and known.waits is not None:
        yield f"It has waited for this for {known.waiting_s:.0f} s"
    if known.told:
        yield f"The last event on the Pod said: {known.told}"


def _remedy(s: Situation, wait: Wait | None, known: Progress, verdict: Verdict) -> Iterable[str]:
    if isinstance(s.desire, Invalid):
        yield remedies.of_fault(s.desire.fault)
    if known.error is not None:
        yield remedies.of_error(known.error)
    elif wait is not None:
        yield remedies.of_wait(wait.reason, s)
    elif verdict is Verdict.NOTHING and s.pod is not None and not s.pod.annotations:
        yield f"To ask for an address, annotate the Pod with {contract.ANNOTATION_TYPE}"


def legible_values(value: Any) -> Any:
    """Plain values with every text in them made legible."""
    if isinstance(value, str):
        return contract.legible(contract.for_tenants(value))
    if isinstance(value, Mapping):
        return {key: legible_values(held) for key, held in value.items()}
    return [legible_values(held) for held in value] if isinstance(value, list | tuple) else value
