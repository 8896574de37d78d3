"""What is done for a Pod whose new claim the policy refuses: an event names the rule, and the Pod keeps what it holds.

A part of `core/plan` in a file of its own. The policy decides about new claims only. An address that is associated with
the Pod already is adopted. A Pod whose annotation was changed to something that is refused, or invalid, keeps its
address.
"""

from controller.core import contract, teardown
from controller.core.actions import Allocate, Claim, Intend, Plan, Reason, Tell, Wait
from controller.core.ports import EventType, PodEvent
from controller.core.situation import Situation
from state.model import Phase


def stops(s: Situation, *, changed: bool = False) -> bool:
    """Whether the policy refuses the Pod's first claim, or (`changed`) another claim in the place of the one it holds.

    A claim that is being given back goes on, and a Pod that is being deleted is told nothing.
    """
    if s.refusal is None:
        return False
    if s.record is None:
        return s.pod is None or not s.pod.deleting
    return changed and s.record.phase is not Phase.RELEASING


def refuse(s: Situation) -> Plan:
    """Tell why, and wait for another policy or for room. Labels that name an address go where none is associated."""
    assert s.refusal is not None
    stale = s.record is None and s.pod is not None and contract.LABEL_PUBLIC_IP in s.pod.labels
    unlabel = teardown.unlabel(s) if stale or teardown.is_dropped(s) else ()
    event = PodEvent(type=EventType.WARNING, reason=contract.REFUSED, message=s.refusal.why)
    room = Reason.FULL if s.refusal.for_any else Reason.ROOM
    reason = room if s.refusal.waits else Reason.REFUSED
    return (*unlabel, Tell(event=event), Wait(reason=reason, detail=s.refusal.why))


def begins(s: Situation, plan: Plan) -> bool:
    """Whether this plan gives an address to a Pod that has none."""
    if s.record is None:
        return any(isinstance(step, Claim | Intend) for step in plan)
    return s.record.phase is Phase.INTENT and any(isinstance(step, Allocate) for step in plan)


def adopts(plan: Plan) -> bool:
    """Whether what this plan claims is associated with the Pod already."""
    return any(isinstance(step, Claim) and step.association_id is not None for step in plan)
