"""Worked rows of the plan: situations in words, in the order of the decision, each with the world it is built from.

The page docs/plan-rows.md shows them with what `plan` answers (`python -m tests.unit.architecture_doc`). Each branch
of the plan has a row, which tests/unit/test_architecture_doc.py checks.
"""

from collections.abc import Callable
from dataclasses import dataclass

from controller.core import actions as act
from controller.core.desire import Gone, Unproven
from controller.core.plan import plan
from controller.core.situation import BreakerOpen, Situation, Unplaced
from tests.unit.plan_world import PlanWorld, pod
from tests.unit.worked_worlds import (
    AUTO,
    ELSEWHERE,
    FIXED,
    GO_TAGS,
    HEIR,
    HERE,
    LATE,
    LEFT_TAGS,
    NO_QUOTA,
    NO_ROOM,
    NO_ROOM_FOR_ANY,
    RULE,
    SHOWN,
    SOON,
    STRANGE,
    TAKEN,
    UNPLACED,
    UNUSED,
    WRONG,
    after,
    again,
    asks_anew,
    but,
    by_us_elsewhere,
    changed,
    claimed,
    claimed_and_moved,
    displaced,
    dropped,
    forged,
    found,
    intent,
    labelled,
    met,
    moved,
    moved_to_a_occupant,
    nameless,
    new,
    pod_is,
    releasing,
    releasing_at,
    remembered,
    retagged,
    served,
    shown,
    taken_by_others,
    turned,
    without_ip,
)


@dataclass(frozen=True, slots=True)
class WorkedRow:
    """A situation in words, and how to come to it."""

    words: str
    build: Callable[[], Situation]

    def answer(self) -> str:
        """What the plan does then, in one line."""
        return " → ".join(_shown(step) for step in plan(self.build())) or "nothing"


def _shown(step: act.Action) -> str:
    match step:
        case act.Wait(reason=reason):
            return f"Wait ({reason})"
        case act.Tell(event=event):
            return f"Tell `{event.reason}`"
        case act.Claim(association_id=str()):
            return "Claim (as associated)"
    return type(step).__name__


Row = WorkedRow
WHOEVER = (
    Row("what is left is a remembered intent: the comparison with EC2 sees to it", remembered),
    Row("others took the claimed address while this install was silent", taken_by_others),
    Row("the same, and the Pod is gone", lambda: taken_by_others(gone=True)),
    Row("the cache does not show the Pod, and nothing proves that it is gone", lambda: served(desire=Unproven())),
    Row("the same, and its namespace is not watched", lambda: served(desire=Unproven(), in_scope=False)),
    Row("the annotation is wrong", lambda: served(desire=WRONG)),
    Row("the same, and nothing is held", lambda: new(desire=WRONG)),
    Row("what is held is kept, and EC2 has dropped the association", lambda: dropped(desire=WRONG)),
    Row("the same, and the Pod has another IP", lambda: moved(desire=WRONG)),
    Row("a served Pod asks for another mode or pool", changed),
    Row("the same, and the policy refuses that", lambda: changed(refusal=RULE)),
    Row("a Pod has no IP yet", without_ip),
    Row("the same, and its manifest brought a label", lambda: without_ip(SHOWN)),
    Row("the same, and the policy refuses it", lambda: without_ip(refusal=RULE)),
    Row("a Pod asks anew for what is being given back", asks_anew),
    Row("a Pod with a claim shows no IP", lambda: turned(FIXED, pod(FIXED, "k", ip=""))),
)
NEW = (
    Row("it is being deleted", lambda: pod_is(new(), deleting=True)),
    Row("at its IP is the address of another claim", lambda: met({}, TAKEN)),
    Row("at its IP is what the Go controller gave this very Pod", lambda: met(GO_TAGS)),
    Row("at its IP is a late arrival of a call of ours", lambda: met({"k": ""}, LATE)),
    Row("at its IP is what the Go controller forgot there (a leftover)", lambda: met(LEFT_TAGS, leftover=True)),
    Row("at its IP is an address of the table's that was never there by a call of ours", lambda: met({}, UNUSED)),
    Row("at its IP is somebody else's address", lambda: met({})),
    Row("the policy refuses it", lambda: new(refusal=RULE)),
    Row("the same, and it wears a label", lambda: labelled(new(refusal=RULE), SHOWN)),
    Row("its namespace has no room", lambda: new(refusal=NO_ROOM)),
    Row("the install has no room", lambda: new(refusal=NO_ROOM_FOR_ANY)),
    Row("nobody has looked where its IP is", lambda: new(placement=Unplaced(looked=False))),
    Row("its IP is on no network interface", lambda: new(placement=UNPLACED)),
    Row("the same, and EC2's reads cannot be believed yet", lambda: new(placement=UNPLACED, unplaced_long=False)),
    Row("its IP is on another machine's interface", lambda: new(placement=STRANGE)),
    Row("the same, and a late call of ours has associated there", lambda: met({}, LATE, placement=STRANGE)),
    Row("another claim, or another plan on its way, is for its target", lambda: new(rival="Pod ns/q")),
    Row("the same, on a node's IP", lambda: pod_is(new(rival="Pod ns/q"), host_network=True)),
    Row("it asked for an address, and not, too often", lambda: new(flapping="too often")),
)
NEW_AUTO = (
    Row("an address with its tags is found", lambda: intent(tagged=found())),
    Row("EC2 gives nobody an address of that pool now", lambda: new(breaker_open=BreakerOpen(why="over quota"))),
    Row("another Pod asks EC2 for all that wait", lambda: new(breaker_open=BreakerOpen(why="asked", soon=True))),
    Row("an AllocateAddress had no answer, and EC2's reads cannot be believed yet", lambda: intent(in_doubt=True)),
    Row("its intent waited, and others took the room", lambda: intent(refusal=NO_ROOM)),
    Row("the rest of the account's quota is kept for others", lambda: new(no_quota=NO_QUOTA)),
    Row("the same, and allocations on their way may yet fail", lambda: new(no_quota=SOON)),
    Row("nothing stands in the way", new),
    Row("the same, and it wears a label", lambda: labelled(new(), SHOWN)),
    Row("the same, and its intent stands", lambda: after(AUTO, 1).situation()),
    Row("the same, and an AllocateAddress of that had no answer", intent),
)
NEW_FIXED = (
    Row("its pool has a free address", lambda: new(FIXED)),
    Row("its pool is empty", lambda: PlanWorld(pod=pod(FIXED, "k")).situation()),
    Row("it will have one in a moment", lambda: new(FIXED, offer=SOON)),
    Row("nobody has looked at the pool", lambda: new(FIXED, offer=None)),
)
CLAIMED = (
    Row("EC2 refused the Pod this address", lambda: claimed(in_cooldown=True)),
    Row("the same, of an `auto` Pod", lambda: claimed(AUTO, in_cooldown=True)),
    Row("the same, and a call may be on its way", lambda: claimed(in_cooldown=True, settled=False)),
    Row("the Pod's IP is on no network interface", lambda: claimed(placement=UNPLACED)),
    Row("its IP is on another machine's interface, with the address", lambda: but(again(claimed()), placement=STRANGE)),
    Row("the same, by somebody else's call", lambda: but(shown(claimed(), ELSEWHERE), placement=STRANGE)),
    Row("another claim is for the target", lambda: claimed(rival="Pod ns/q")),
    Row("EC2 shows late that the Pod has an address of its own", lambda: met(GO_TAGS, world=after(AUTO, 3))),
    Row("at its IP is somebody else's address", lambda: met({}, world=after(AUTO, 3))),
    Row("EC2 does not show the address yet", lambda: claimed(address=None)),
    Row("EC2 shows no association", claimed),
    Row("the same, and the Pod has another IP", claimed_and_moved),
    Row("EC2 shows the association", lambda: after(FIXED, 2).situation()),
    Row("EC2 shows it where somebody else associated it", lambda: shown(claimed(), ELSEWHERE)),
    Row("EC2 shows it where an earlier call of ours did", lambda: by_us_elsewhere(claimed())),
)
ASSOCIATED = (
    Row("the Pod has another IP", moved),
    Row("the same, on no network interface", lambda: moved(placement=UNPLACED)),
    Row("the same, and another claim is for it", lambda: moved(rival="Pod ns/q")),
    Row("the same, and somebody else's address is there", moved_to_a_occupant),
    Row("EC2 shows it at the target, on another instance than the Pod's node", lambda: served(strayed=True)),
    Row("all is as it should be", served),
    Row("a label is missing", lambda: labelled(served(), {})),
    Row("the same, and labels were mended too often", lambda: labelled(served(labels_paused=True), {})),
    Row("the readiness gate is not met", lambda: pod_is(served(), gated=True)),
    Row("the table does not say the public IP", nameless),
    Row("EC2 shows nothing, and may be late", lambda: dropped(address_seen=False)),
    Row("the same, and a label is missing", lambda: labelled(dropped(address_seen=False), {})),
    Row("the same, and it shows another id", lambda: labelled(but(again(served()), address_seen=False), {})),
    Row("the same, and it shows it elsewhere", lambda: but(shown(served(), ELSEWHERE), address_seen=False)),
    Row("EC2 does not show the address", lambda: served(address=None, missing=False)),
    Row("the same, at two looks", lambda: served(address=None)),
    Row("EC2 dropped it for a later one of ours", lambda: met(GO_TAGS, world=displaced(AUTO))),
    Row("EC2 dropped it, and somebody else's address is there", lambda: met({}, world=displaced(FIXED))),
    Row("EC2 dropped it, and the IP is not the Pod's any more", lambda: dropped(placement=STRANGE)),
    Row("EC2 dropped it", dropped),
    Row("EC2 shows it under another id", lambda: again(served())),
    Row("EC2 shows it where somebody else associated it", lambda: shown(served(), ELSEWHERE)),
    Row("EC2 shows it where an earlier call of ours did", lambda: by_us_elsewhere(served())),
)
DOWN = (
    Row("nothing is held", lambda: turned(FIXED, None, 0)),
    Row("the same, and a label is left", lambda: PlanWorld(pod=pod("", annotations={}), labels=SHOWN).situation()),
    Row("the same, and its IP was given to another Pod", lambda: new(desire=HEIR)),
    Row("an intent, and the address of its AllocateAddress is found", lambda: intent(desire=Gone(), tagged=found())),
    Row("an intent, and EC2's reads cannot be believed yet", lambda: intent(desire=Gone(), pod=None, in_doubt=True)),
    Row("an intent, and every call was answered", lambda: turned(AUTO, None, 1)),
    Row("an intent, and a call had no answer", lambda: intent(desire=Gone(), pod=None)),
    Row("a claim, and EC2 may have been told", lambda: claimed(desire=Gone(), pod=None, settled=False)),
    Row("a claim, and no call can be on its way", lambda: turned(FIXED, None, 1)),
    Row("a claim, and EC2 shows an association", lambda: turned(FIXED, None, 2)),
    Row("an associated `auto` Pod is gone", lambda: turned(AUTO, None)),
    Row("an associated fixed Pod is gone", lambda: turned(FIXED, None)),
    Row("the same, and it was cut already", lambda: but(shown(turned(FIXED, None), None), cut=True)),
    Row("the same, and EC2 shows another id", lambda: again(turned(FIXED, None))),
    Row("the same, and EC2 shows the recorded id at another address", forged),
    Row("the same, and the Pod is still listed with an IP that another has", lambda: served(desire=HEIR)),
    Row("the annotation is removed", lambda: turned(FIXED, pod("", annotations={}))),
    Row("to be released, and EC2 was not looked at since", lambda: releasing(looked_after_cut=False)),
    Row("the same, and EC2 may be late in showing it", lambda: releasing(address=None, address_seen=False)),
    Row("to be released, and EC2 does not show it", lambda: releasing(address=None)),
    Row("to be released, and a late call of ours has associated it", lambda: releasing_at(HERE)),
    Row("to be released, and somebody else has associated it", lambda: releasing_at(ELSEWHERE)),
    Row("to be released, and a person has tagged it otherwise", retagged),
    Row("to be released, and free", releasing),
)
CHAPTERS = {
    "Whoever it is": WHOEVER,
    "A Pod without an address": NEW,
    "The same, of mode `auto`": NEW_AUTO,
    "The same, of a fixed mode": NEW_FIXED,
    "A claim stands; whether EC2 has been told is unknown": CLAIMED,
    "The ledger says associated": ASSOCIATED,
    "The teardown: the Pod is gone, or asks for nothing": DOWN,
}
"""What is asked, and the rows; each is reached only where those before it have no answer."""

WORKED_ROWS = tuple(row for rows in CHAPTERS.values() for row in rows)
