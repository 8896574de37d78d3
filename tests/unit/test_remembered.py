"""What ends an intent whose call had no answer remembers it first; nothing else costs a write."""

from dataclasses import replace

import pytest

from controller.core import actions as act
from controller.core import allocation, transitions
from controller.core import plan as module
from controller.core.actions import Plan
from controller.core.desire import Gone, Serve, desire
from controller.core.plan import plan
from controller.core.remembered import is_remembered, remembered_uid, remembering
from controller.core.situation import Placed, Situation
from controller.core.views import Address
from state.model import AllocationId, Mode, Phase, PodRecord, PodUid, Rev
from tests.model.mutants import mutant
from tests.unit.plan_world import FACTS, pod, target

POD = pod(Mode.AUTO)
INTENT = PodRecord(
    uid=POD.uid,
    namespace="ns",
    name="p",
    mode=Mode.AUTO,
    pool="amazon",
    phase=Phase.INTENT,
    traceparent="trace",
    rev=Rev(1),
)
SERVED = Situation(
    uid=POD.uid,
    desire=desire(POD),
    facts=FACTS,
    pod=POD,
    record=INTENT,
    placement=Placed(target=target(POD.ip)),
    unanswered=True,
)
GONE = replace(SERVED, desire=Gone(), pod=None)


def found(s: Situation) -> Address:
    """An address that was allocated for the Pod of this situation."""
    assert isinstance(s.desire, Serve)
    request = allocation.request_for(s, s.desire, Placed(target=target(POD.ip)))
    return Address(allocation_id=AllocationId("eipalloc-1"), public_ip="192.0.2.1", border_group="g", tags=request.tags)


FOUND = found(SERVED)


def kinds(steps: Plan) -> list[type[act.Action]]:
    """The steps by their names."""
    return [type(step) for step in steps]


@pytest.mark.parametrize(
    ("s", "step"),
    [(SERVED, act.Allocate), (GONE, act.Forget), (replace(GONE, tagged=(FOUND,), remembered=True), act.Salvage)],
    ids=["allocates once more", "is forgotten", "finds one of several"],
)
def test_an_unanswered_call_is_remembered_before_its_intent_ends(s: Situation, step: type[act.Action]) -> None:
    steps = kinds(plan(s))
    assert steps[steps.index(act.Remember) + 1] is step
    assert steps.count(act.Remember) == 1


@pytest.mark.parametrize(
    "s",
    [
        replace(SERVED, unanswered=False),
        replace(GONE, unanswered=False),
        replace(SERVED, record=None, unanswered=False),
        replace(SERVED, in_doubt=True),
        replace(SERVED, tagged=(FOUND,)),
        replace(GONE, tagged=(FOUND,)),
    ],
    ids=["answered", "answered, gone", "the first", "waits", "the answer is found", "is found, gone"],
)
def test_nothing_is_remembered_where_nothing_can_be_late(s: Situation) -> None:
    assert act.Remember not in kinds(plan(s))


def test_a_claim_of_another_address_is_no_answer() -> None:
    other = replace(FOUND, allocation_id=AllocationId("eipalloc-2"))
    adopts = (act.Claim(mode=Mode.AUTO, pool="amazon", target=target(POD.ip), address=other), act.Label(mode=Mode.AUTO))
    assert kinds(remembering(replace(SERVED, tagged=(FOUND,)), adopts)) == [act.Remember, act.Claim, act.Label]


def test_what_is_remembered_is_the_intent_of_nobody() -> None:
    change = transitions.remember(INTENT, None)
    kept = change.pod_after
    assert kept is not None
    assert (change.pod_before, change.address_after) == (None, None)
    assert kept == replace(INTENT, uid=PodUid(f"remembered:{POD.uid}"), rev=Rev(0))
    assert is_remembered(kept.uid)
    assert not is_remembered(INTENT.uid)
    assert remembered_uid(INTENT.uid) == kept.uid
    assert transitions.remember(INTENT, replace(kept, rev=Rev(4))).pod_before == replace(kept, rev=Rev(4))


def test_an_earlier_release_takes_it_for_the_intent_of_a_pod_that_is_gone() -> None:
    """Replicas of two releases take turns: the earlier one waits until EC2's reads can be believed, and forgets it."""
    earlier = mutant(module, "return () if is_remembered(s.uid) else remembering(s, _plan(s))", "return _plan(s)").plan
    kept = transitions.remember(INTENT, None).pod_after
    assert kept is not None
    theirs = Situation(uid=kept.uid, desire=Gone(), facts=FACTS, record=kept, in_doubt=True)
    assert earlier(theirs) == (act.Wait(reason=act.WaitReason.IN_DOUBT),)
    assert earlier(replace(theirs, in_doubt=False)) == (act.Forget(),)
    assert plan(replace(theirs, in_doubt=False)) == ()
