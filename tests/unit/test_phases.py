"""The table of phases: nothing is written that is not in it, and nothing is in it that is not written."""

import ast
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from inspect import getmembers, isfunction, signature
from pathlib import Path
from typing import get_args

import pytest

from controller.core import actions as act
from controller.core import contract, transitions
from controller.core.desire import Gone
from controller.core.phases import EDGES, MEANINGS, ROWS, ClaimState, Edge, Row, claim_state, edge_of, in_table
from controller.core.remembered import remembered_uid
from controller.core.situation import Situation
from controller.core.sweep import Orphan
from controller.core.views import Address, Allocation, Association
from controller.engine.execute import Threads
from controller.engine.run import PlanOutcome
from state.errors import NoSuchTransition
from state.model import AddressRecord, AllocationId, AssociationId, Change, Epoch, Mode, Phase, PodRecord, PodUid
from tests.model.mutants import mutant
from tests.unit.engine_harness import Replica, World, auto, fixed
from tests.unit.plan_world import FACTS, POOL, PlanWorld, pod
from tests.unit.test_transitions import FOUND, HEIR, HERE, LAST, MINE, RECORD, SIDE, THERE

CONTROLLER = Path(transitions.__file__).parents[1]
HELD = Association(association_id=FOUND, target=HERE)
FREE = Address(allocation_id=SIDE.allocation_id, public_ip="192.0.2.1", border_group="g")
NEW = Allocation(allocation_id=SIDE.allocation_id, public_ip="192.0.2.1")
STEP = act.Claim(mode=Mode.AUTO, pool="amazon", target=HERE)

Maker = Callable[[PodRecord | None], Change]


def _of(make: Callable[[PodRecord], Change]) -> Maker:
    """A transition that needs a record: where there is none it says nothing."""
    return lambda record: make(record) if record else Change()


def _claims(step: act.Claim) -> Maker:
    return lambda record: transitions.claim(step, pod(Mode.AUTO), record, NEW, MINE, "")


def _orphan(association: Association | None) -> Maker:
    orphan = Orphan(address=replace(FREE, association=association), mode=Mode.AUTO, pool="amazon")
    return lambda _: transitions.take_orphan(orphan, None, FACTS, Epoch(2))


UNOWNED: AddressRecord = replace(SIDE, owner=None)
INTENT = replace(RECORD, phase=Phase.INTENT)
MAKERS: Mapping[str, tuple[Maker, ...]] = {
    "intend": (lambda _: transitions.intend(pod(Mode.AUTO), Mode.AUTO, "amazon", ""),),
    "undo_intent": (_of(transitions.undo_intent),),
    "remember": (lambda before: transitions.remember(INTENT, before),),
    "claim": (_claims(STEP), _claims(replace(STEP, association_id=FOUND))),
    "salvage": (_of(lambda record: transitions.salvage(record, FREE, None, MINE)),),
    "take_orphan": (_orphan(None), _orphan(HELD)),
    "restore_claim": (lambda _: transitions.restore_claim(SIDE, MINE, Mode.AUTO, Epoch(2)),),
    "inherit": (_of(lambda record: transitions.inherit(record, SIDE, LAST, HEIR, Epoch(1))),),
    "retarget": (_of(lambda record: transitions.retarget(record, SIDE, THERE)),),
    "associated": (_of(lambda record: transitions.associated(record, FOUND)),),
    "releasing": (_of(transitions.releasing),),
    "forget": (_of(lambda record: transitions.forget(record, SIDE, released=False)),),
    "expire": (_of(transitions.expire),),
    "purge_recent": (lambda _: transitions.purge_recent(UNOWNED, exists=True),),
}


def _record(at: ClaimState) -> PodRecord | None:
    """A Pod's side that stands like this."""
    if at is ClaimState.ABSENT:
        return None
    if at is ClaimState.REMEMBERED:
        return replace(INTENT, uid=remembered_uid(RECORD.uid))
    return replace(RECORD, phase=Phase(at))


def _tried(by: str) -> Iterator[Edge | NoSuchTransition]:
    """What comes of this transition from wherever a claim may stand."""
    for make in MAKERS[by]:
        for at in ClaimState:
            try:
                change = make(_record(at))
            except NoSuchTransition as error:
                yield error
            else:
                if change != Change():
                    yield edge_of(change)


# ── the table and the code say the same ──


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.by)
def test_each_transition_leads_where_its_row_says_and_nowhere_else(row: Row) -> None:
    assert {found for found in _tried(row.by) if isinstance(found, tuple)} == set(row.edges)


def test_from_any_other_phase_a_transition_is_refused() -> None:
    refused = {row.by for row in ROWS if any(isinstance(found, NoSuchTransition) for found in _tried(row.by))}
    without_a_record = {"intend", "take_orphan", "restore_claim", "purge_recent"}
    assert refused == {row.by for row in ROWS} - without_a_record - {"inherit"}


def test_each_function_that_makes_a_change_has_a_row_and_is_held_to_it() -> None:
    made = {name for name, each in getmembers(transitions, isfunction) if signature(each).return_annotation is Change}
    assert made == {row.by for row in ROWS} == set(MAKERS)
    assert all(hasattr(getattr(transitions, name), "__wrapped__") for name in made)


def test_no_other_module_makes_a_change() -> None:
    for path in CONTROLLER.rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        makes = any(isinstance(func, ast.Name) and func.id == "Change" for func in calls)
        assert makes is (path.name == "transitions.py"), path


def test_each_step_that_writes_has_one_row() -> None:
    steps = [row.asked_by for row in ROWS if isinstance(row.asked_by, type)]
    assert len(set(steps)) == len(steps)
    assert set(steps) == set(get_args(act.Write))
    modules = {row.asked_by for row in ROWS if isinstance(row.asked_by, str)}
    assert all((CONTROLLER / f"{module}.py").is_file() for module in modules)


def test_a_phase_of_the_ledger_stands_for_itself() -> None:
    assert {*ClaimState} == {*map(ClaimState, Phase), ClaimState.ABSENT, ClaimState.REMEMBERED} == set(MEANINGS)
    assert all(claim_state(_record(at)) is at for at in ClaimState)
    forged = replace(RECORD, uid=remembered_uid(RECORD.uid), phase=Phase.CLAIMED)
    assert claim_state(forged) is ClaimState.REMEMBERED


# ── what the model's scenes come to too seldom ──


def test_an_association_that_was_made_anew_is_recorded_anew() -> None:
    world = PlanWorld(pod=pod(Mode.FIXED_TAG, "k")).with_pool(k="")
    world.run()
    there = world.ec2[POOL].association
    assert there is not None
    world.ec2[POOL] = replace(world.ec2[POOL], association=replace(there, association_id=AssociationId("eipassoc-9")))
    world.run()
    assert (ClaimState.ASSOCIATED, ClaimState.ASSOCIATED) in world.edges


def test_an_intent_adopts_what_stands_at_its_target() -> None:
    world = PlanWorld(pod=pod(Mode.AUTO))
    world.run(1)
    given = AllocationId("eipalloc-given")
    tags = {contract.TAG_TYPE: str(Mode.AUTO), contract.TAG_POD: "ns/p"}
    world.ec2[given] = Address(
        allocation_id=given, public_ip="9.9.9.9", border_group="us-west-2", tags=tags, association=HELD
    )
    world.run()
    assert (ClaimState.INTENT, ClaimState.ASSOCIATED) in world.edges


def test_a_claim_that_was_never_associated_is_released() -> None:
    world = PlanWorld(pod=pod(Mode.AUTO))
    world.run(3)
    world.pod = None
    world.run()
    assert (ClaimState.CLAIMED, ClaimState.RELEASING) in world.edges


# ── what is not in the table ──


def test_a_planted_way_is_refused_before_anything_is_made_of_it() -> None:
    planted = mutant(transitions, "phase=Phase.RELEASING, association_id=None", "phase=Phase.INTENT")
    with pytest.raises(NoSuchTransition, match="from associated to intent by releasing"):
        planted.releasing(RECORD)
    assert (ClaimState.ASSOCIATED, ClaimState.INTENT) not in EDGES


def test_a_function_without_a_row_makes_nothing() -> None:
    @in_table
    def resurrect(record: PodRecord) -> Change:
        """Absent → releasing."""
        return Change(pod_after=record)

    with pytest.raises(NoSuchTransition, match="by resurrect"):
        resurrect(replace(RECORD, phase=Phase.RELEASING))


def test_a_plan_that_asks_for_it_fails_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged and comes back as a failure, nothing is written, and the next plan is served."""
    replica = Replica(world).lead()
    bad, good = world.pod("bad", auto()), world.pod("good", fixed(), ip="10.0.0.6")
    replica.settle()
    before, commits = replica.ledger.pod(bad), replica.ledger.commits
    assert before is not None
    ended = _ends(replica, bad, (act.Salvage(address=FREE),))
    assert isinstance(ended.error, NoSuchTransition)
    assert "associated to releasing by salvage" in ended.error.explain()
    assert (replica.ledger.pod(bad), replica.ledger.commits) == (before, commits)
    assert [record.exc_info is not None for record in caplog.records if record.levelno == logging.ERROR] == [True]
    world.pool(1)
    replica.run(20)
    assert world.label(good)


def _ends(replica: Replica, uid: PodUid, plan: act.Plan) -> PlanOutcome:
    """What comes of this plan for this Pod, in an executor like the loop's."""
    assert replica.loop.opened is not None
    ends: list[PlanOutcome] = []
    executor = Threads(replica.engine.ports, threads=1)
    s = Situation(uid=uid, desire=Gone(), facts=replica.engine.tuning.facts, record=replica.ledger.pod(uid))
    executor.start(replica.loop.opened.parts, s, plan, ends.append)
    assert executor.wait_idle(20.0)
    executor.stop()
    [ended] = ends
    return ended
