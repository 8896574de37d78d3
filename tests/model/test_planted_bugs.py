"""The explorer finds bugs: in copies of the product's modules that have one each, it shows the run that breaks them."""

from types import ModuleType

import pytest

from controller.core import candidacy, plan, teardown, transitions
from controller.engine import action_runner, engine, permits, reconcile
from tests.model.election_model import ElectionModel
from tests.model.election_world import Rules as ElectionRules
from tests.model.explorer import Report, Search
from tests.model.leader_model import Rules as PlanRules
from tests.model.mutants import mutant, rewired
from tests.model.plan_model import PlanModel
from tests.model.scenes import SCENES


def planning(copy: ModuleType) -> PlanRules:
    """A leader whose loop plans by this copy of `core/plan`."""
    loop = rewired(reconcile, plan=vars(copy)["plan"], permitted=rewired(permits, plan=vars(copy)["plan"]).permitted)
    return PlanRules(engine=rewired(engine, Reconciler=loop.Reconciler).Engine)


def plan_with(old: str, new: str) -> PlanRules:
    """A leader whose `plan` has a bug."""
    return planning(mutant(plan, old, new))


def teardown_with(old: str, new: str) -> PlanRules:
    """A leader whose teardown has a bug."""
    return planning(rewired(plan, teardown=mutant(teardown, old, new)))


def transitions_with(old: str, new: str) -> PlanRules:
    """A leader that writes claims with a bug in them."""
    return PlanRules(runner=rewired(action_runner, transitions=mutant(transitions, old, new)).ActionRunner)


def loop_with(old: str, new: str) -> PlanRules:
    """A leader whose loop has a bug."""
    return PlanRules(engine=rewired(engine, Reconciler=mutant(reconcile, old, new).Reconciler).Engine)


def searched(rules: PlanRules, scene: str, depth: int) -> Report:
    """What is found in this scene."""
    [chosen] = [one for one in SCENES if one.name == scene]
    return Search(PlanModel(chosen, rules)).exhaust(depth)


PLAN_BUGS = {
    "a claim that is given up does not remember its target": (
        transitions_with("return (*left, *kept)[:RECENT_LIMIT]", "return ()"),
        "a Pod moves, and a stranger comes where it was",
        "for nobody",
    ),
    "an association is cut, whoever made it": (
        plan_with("if late := teardown.cut_late_arrival(s):", "if late := (teardown.cut_shown(there),):"),
        "an IP that has somebody's address",
        "which somebody else had associated",
    ),
    "an address of another owner is adopted": (
        plan_with(
            "    if s.occupant_claim is not None and s.occupant_claim.owner is not None:\n"
            "        return stops.occupied(s)\n"
            "    if wanted",
            "    if wanted",
        ),
        "one pool Pod after the other at one IP, with room",
        "two Pods name one address",
    ),
    "the label comes first": (
        plan_with(
            "return (Associate(), Record(), Label(mode=mode))",
            "return (Label(mode=mode), Associate(), Record())",
        ),
        "pool, then a stranger at its IP",
        "was never associated",
    ),
    "an allocation whose reply was lost is made again at once": (
        plan_with(
            "    if s.in_doubt:\n        return (Wait(reason=WaitReason.IN_DOUBT),)\n    if s.record", "    if s.record"
        ),
        "auto, with time between",
        "a second address",
    ),
    "an intent ends, and nobody remembers that its call had no answer": (
        plan_with("else remembering(s, _plan(s))", "else _plan(s)"),
        "an auto Pod goes, and is forgotten before its address comes",
        "nobody owns it",
    ),
    "a second address is allocated, and nobody remembers the first call": (
        plan_with("else remembering(s, _plan(s))", "else _plan(s)"),
        "an auto Pod is served otherwise before its first address comes",
        "nobody owns it",
    ),
    "tags are not looked at before a release": (
        teardown_with("if not may_release(s.address, s.facts, record.uid, record.adopted):", "if False:"),
        "somebody tags the address anew",
        "a pool's address",
    ),
}

LOOP_BUGS = {
    "who is woken are not those whose claims are for the IP": (
        loop_with("found = set(state.claims.at_ip(pod.ip)) if pod is not None and pod.ip else set()", "found = set()"),
        "a stranger has a Pod's IP before the Pod goes",
        "nobody was woken",
    ),
    "a Pod is planned for while a plan of it is on its way": (
        loop_with("self._queue.take(self._in_flight.uids)", "self._queue.take()"),
        "an auto Pod moves back and forth",
        "two plans under way",
    ),
    "a plan that has ended counts as on its way": (
        loop_with("            self._in_flight.end(outcome.uid)\n", ""),
        "pool, then a stranger at its IP",
        "is still at",
    ),
}

ELECTION_BUGS = {
    "the deadline is counted from the reply": ElectionRules(
        candidacy=mutant(candidacy, "        renewed_at=sent,\n", "        renewed_at=sent + 0.5,\n")
    ),
    "a renewal that is seen does not start the wait anew": ElectionRules(
        candidacy=mutant(
            candidacy,
            "free_at=_free_at(view, lease, now) if changed else view.free_at",
            "free_at=view.free_at if view.known else _free_at(view, lease, now)",
        )
    ),
    "a Lease that was deleted is free at once": ElectionRules(
        candidacy=mutant(
            candidacy,
            "        return view.free_at\n    if not lease.holder",
            "        return now\n    if not lease.holder",
        )
    ),
    "a Lease is released while a call may be under way": ElectionRules(
        candidacy=mutant(candidacy, "max(now, ended_at + view.timings.call_timeout) if", "now if")
    ),
}


@pytest.mark.parametrize("bug", PLAN_BUGS)
def test_a_bug_in_the_plan_is_found(bug: str) -> None:
    rules, scene, why = PLAN_BUGS[bug]
    report = searched(rules, scene, depth=1)
    assert report.found
    assert why in str(report.found[0])


@pytest.mark.parametrize("bug", LOOP_BUGS)
def test_a_bug_in_the_loop_is_found(bug: str) -> None:
    rules, scene, why = LOOP_BUGS[bug]
    report = searched(rules, scene, depth=1)
    assert report.found
    assert why in str(report.found[0])


@pytest.mark.parametrize("bug", ELECTION_BUGS)
def test_a_bug_in_the_election_is_found(bug: str) -> None:
    report = Search(ElectionModel(rules=ELECTION_BUGS[bug])).exhaust(1)
    assert report.found
    assert "may change the world" in report.found[0].why
