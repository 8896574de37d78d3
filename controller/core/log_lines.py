"""Which steps of a Pod's life an operator reads a line about, what the line says, and whose it is.

The question at night is which Pod has had which address since when, and when it was given back. So what EC2 or the
ledger has just done to an address is a line; preparations are not. What is said here stands in docs/operations.md.
"""

from typing import assert_never

from controller.core.actions import (
    Action,
    Allocate,
    Associate,
    Claim,
    Confirm,
    Cut,
    Forget,
    Intend,
    Label,
    MarkReleasing,
    Plan,
    Record,
    Release,
    Remember,
    Retarget,
    Salvage,
    Tell,
    Unlabel,
    Wait,
)
from controller.core.desire import Pending, Serve
from controller.core.modes import SPECS
from controller.core.situation import Situation
from controller.core.tracing import trace_id
from state.errors import PodEipError
from state.model import Epoch, PodRecord

Fields = dict[str, str | int]


def step(s: Situation, plan: Plan, action: Action, unserved_s: float | None) -> str:
    """What is said once this action of the plan is done; empty: nothing.

    unserved_s: seconds for which the Pod has been without an address that it asks for; None: it has been served.
    """
    match action:
        case Claim():
            return _claimed(action)
        case Salvage():
            return "claimed: allocated without an answer, and to be released"
        case Record():
            return "associated"
        case Label():
            return "" if unserved_s is None else f"labelled: served in {unserved_s:.1f} s"
        case Cut():
            ours = s.record is not None and s.record.allocation_id == action.allocation_id
            return "disassociated" if ours else "disassociated: a late call of ours had associated it"
        case Forget():
            return _ended(s, plan)
        case Confirm() | Intend() | Remember() | Allocate() | Retarget() | Associate() | Unlabel() | MarkReleasing():
            return ""
        case Release() | Tell() | Wait():
            return ""
        case _:
            assert_never(action)


def _claimed(action: Claim) -> str:
    if action.silent is not None:
        return f"claimed: taken from install {action.silent.key}, which has been silent"
    return "claimed" if action.association_id is None else "claimed: it was associated already"


def _ended(s: Situation, plan: Plan) -> str:
    """An intent that ends never had an address."""
    record = s.record
    if record is None or record.allocation_id is None:
        return ""
    if s.taken_by_others:
        return "claim ended: the address was given to another Pod"
    if any(isinstance(step, Release) for step in plan):
        return "released"
    idle = s.address is not None and s.address.association is None
    cut = any(isinstance(step, Cut) for step in plan)
    if not SPECS[record.mode].releases and (cut or idle):
        return "released to its pool"
    return "claim ended: the address is left as it is"


def failure(failed: Action | None, error: PodEipError) -> str:
    """A plan that failed, as a line."""
    return f"{_name(failed)} failed: {error.explain()}"


def _name(failed: Action | None) -> str:
    match failed:
        case None:
            return "the plan"
        case Allocate() | Associate() | Cut() | Release():
            return failed.operation
        case _:
            return type(failed).__name__


def fields(s: Situation, record: PodRecord | None, epoch: Epoch, traceparent: str) -> Fields:
    """Whose line it is, and of which address. What is not known is left out."""
    who, wanted = s.pod or record, s.desire
    mode = record.mode if record else wanted.mode if isinstance(wanted, Serve | Pending) else None
    found: dict[str, str | int | None] = {
        "pod": f"{who.namespace}/{who.name}" if who and who.name else None,
        "pod_uid": s.uid,
        "address": record.public_ip if record else None,
        "allocation_id": record.allocation_id if record else None,
        "private_ip": record.target.private_ip if record and record.target else None,
        "mode": mode and str(mode),
        "epoch": epoch,
        "trace_id": trace_id(traceparent),
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def of_cut(s: Situation, action: Cut, known: Fields) -> Fields:
    """The fields where another address than the claimed one was cut."""
    if s.record is not None and s.record.allocation_id == action.allocation_id:
        return known
    there = s.occupant if s.occupant and s.occupant.allocation_id == action.allocation_id else None
    rest = {name: value for name, value in known.items() if name != "address"}
    address: Fields = {"address": there.public_ip} if there else {}
    return {**rest, **address, "allocation_id": action.allocation_id}
