"""Remembered intents: what is left of an intent that ended although an AllocateAddress for it may still arrive.

AllocateAddress has no client token, so an address whose call arrived late is known by its tags alone, and others can
write tags. An address without an owner is therefore released automatically only if the table knew it: it was an `auto`
claim's, an intent stands, or an intent is remembered. An intent that ends with an unanswered call is written once more,
as the intent of a Pod that is gone, under a UID of its own. An earlier release can read that, and drops it after a
minute.

An intent is remembered before its next AllocateAddress, so at most one call is neither answered nor remembered.
"""

from typing import Final

from controller.core.actions import Allocate, Claim, Forget, Plan, Remember, Salvage
from controller.core.modes import RELEASING
from controller.core.situation import Situation
from state.model import AddressRecord, PodUid

_REMEMBERED: Final = "remembered:"

CALL_LIFE_S: Final = 1200.0
"""AWS accepts a signed request for about 15 minutes, as far as is known; a call may arrive that late, and no later."""


def remembered_uid(uid: PodUid) -> PodUid:
    """The UID under which an intent of this Pod is remembered: one for each Pod."""
    return PodUid(_REMEMBERED + uid)


def is_remembered(uid: PodUid) -> bool:
    """Whether this UID is that of a remembered intent, and of no Pod."""
    return uid.startswith(_REMEMBERED)


def was_ours(side: AddressRecord | None) -> bool:
    """Whether the address was an `auto` claim's, by its side of the ledger, which has no owner any more."""
    return side is not None and side.owner is None and side.last_mode in RELEASING


def remembering(s: Situation, steps: Plan) -> Plan:
    """The plan, with a Remember before the first step that ends the intent or allocates once more.

    Nothing is added where every call was answered, or where the address that was found is the answer. If an intent of
    this Pod is remembered already, that address may be the answer to the earlier call.
    """
    at = next((n for n, step in enumerate(steps) if isinstance(step, Allocate | Claim | Salvage | Forget)), None)
    if at is None or not s.unanswered:
        return steps
    step = steps[at]
    found = step.address if isinstance(step, Claim | Salvage) else None
    if found is not None and found in s.tagged and not s.remembered:
        return steps
    return (*steps[:at], Remember(), *steps[at:])
