"""What a plan takes that others may be after as well, in the order in which `engine/permits` asks whether it may.

A plan is made for one Pod by itself. Where it may not begin, it is made once more with the reason in the situation
(`rival`, `refusal`, `breaker_open`, `no_quota`), so what follows from that stands in `core/plan` like all else.
"""

from controller.core.actions import Allocate, Claim, Intend, Plan, Retarget
from controller.core.quota import counts
from controller.core.situation import Situation
from state.model import Phase, Target


def target_of(plan: Plan) -> Target | None:
    """The target that this plan makes a claim for, if it does."""
    return next((step.target for step in plan if isinstance(step, Claim | Retarget)), None)


def begins(s: Situation, plan: Plan) -> bool:
    """Whether this plan gives an address to a Pod that has none."""
    if s.record is None:
        return any(isinstance(step, Claim | Intend) for step in plan)
    return s.record.phase is Phase.INTENT and any(isinstance(step, Allocate) for step in plan)


def adopts(plan: Plan) -> bool:
    """Whether what this plan claims is associated with the Pod already."""
    return any(isinstance(step, Claim) and step.association_id is not None for step in plan)


def allocates(plan: Plan) -> bool:
    """Whether this plan allocates an address."""
    return any(isinstance(step, Allocate) for step in plan)


def draws(plan: Plan) -> bool:
    """Whether this plan allocates an address that uses the account's quota."""
    return any(isinstance(step, Allocate) and counts(step.request.public_ipv4_pool) for step in plan)
