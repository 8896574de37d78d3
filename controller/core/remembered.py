"""Remembered intents: what is left of an intent that ended although an AllocateAddress for it may still arrive.

AllocateAddress has no client token, so an address whose call was long on its way is known by its tags alone; and tags
can be written by others. An address that nobody owns is therefore given back by itself only if the table knew it: it
was an `auto` claim's, an intent stands, or is remembered. An intent that ends with a call unanswered is written once
more, as the intent of a Pod that is gone, under a UID of its own; so an earlier release, too, can read it, and drops it
after a minute.

At most one call of an intent is neither answered nor remembered: before the next one, the intent is remembered.
"""

from typing import Final

from controller.core.actions import Allocate, Claim, Forget, Plan, Remember, Salvage
from controller.core.modes import RELEASING
from controller.core.situation import Situation
from state.model import AddressRecord, PodUid

_REMEMBERED: Final = "remembered:"

CALL_LIFE_S: Final = 1200.0
"""AWS accepts a signed request for about 15 minutes, as far as is known; a call may be that late, and no later."""


def remembered_uid(uid: PodUid) -> PodUid:
    """The UID under which an intent of this Pod is remembered: one for each Pod."""
    return PodUid(_REMEMBERED + uid)


def is_remembered(uid: PodUid) -> bool:
    """Whether this UID stands for an intent that has ended, and for no Pod."""
    return uid.startswith(_REMEMBERED)


def was_ours(side: AddressRecord | None) -> bool:
    """Whether the address was an `auto` claim's, of which this is what the table kept."""
    return side is not None and side.owner is None and side.last_mode in RELEASING


def remembering(s: Situation, steps: Plan) -> Plan:
    """The plan, with the intent remembered before the first step that ends it, or that allocates once more.

    Nothing is added where every call was answered, or where the address that was found is the answer. It may be
    another's answer where an intent of this Pod is remembered already.
    """
    at = next((n for n, step in enumerate(steps) if isinstance(step, Allocate | Claim | Salvage | Forget)), None)
    if at is None or not s.unanswered:
        return steps
    step = steps[at]
    found = step.address if isinstance(step, Claim | Salvage) else None
    if found is not None and found in s.tagged and not s.remembered:
        return steps
    return (*steps[:at], Remember(), *steps[at:])
