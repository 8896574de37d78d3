"""Worked rows of the plan: situations in words, each with the world that it is built from.

The page docs/architecture.md shows them with what `plan` answers (`python -m tests.unit.architecture_doc`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from controller.core import actions as act
from controller.core import contract
from controller.core.birth import birth_tags
from controller.core.desire import Gone, Unproven
from controller.core.plan import plan
from controller.core.policy import Refusal
from controller.core.ports import Address, Association, PodView
from controller.core.situation import Situation
from state.model import AddressRecord, AllocationId, AssociationId, Mode
from tests.unit.plan_world import FACTS, POOL, PlanWorld, pod, target

FOUND = AllocationId("eipalloc-found")
HERE = Association(association_id=AssociationId("eipassoc-found"), target=target("10.0.0.5"))
GO_TAGS = {contract.TAG_TYPE: str(Mode.AUTO), contract.TAG_POD: "ns/p", contract.TAG_CLUSTER_NAME: "a"}


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


def _asks(mode: Mode) -> PlanWorld:
    """A new Pod; for a fixed one its pool has a free address."""
    world = PlanWorld(pod=pod(mode, "" if mode is Mode.AUTO else "k"))
    return world if mode is Mode.AUTO else world.with_pool(k="")


def _after(mode: Mode, done: int | None = None) -> PlanWorld:
    """The Pod's plan has come so far; None: to its end."""
    world = _asks(mode)
    world.run(done)
    return world


def _turned(mode: Mode, asking: PodView | None) -> Situation:
    """A served Pod is like this now; None: gone."""
    world = _after(mode)
    world.pod = asking
    return world.situation()


def _refused() -> Situation:
    world = _asks(Mode.AUTO)
    world.refusal = Refusal(why="rule 'none'")
    return world.situation()


def _unanswered() -> Situation:
    """An intent stands whose AllocateAddress had no answer."""
    return replace(_after(Mode.AUTO, 1).situation(), unanswered=True)


def _tagged() -> Situation:
    s = _unanswered()
    assert s.pod is not None
    tags = birth_tags(FACTS, s.pod, Mode.AUTO)
    found = Address(allocation_id=FOUND, public_ip="9.9.9.9", border_group="us-west-2", tags=tags)
    return replace(s, tagged=(found,))


def _releasing() -> Situation:
    world = _after(Mode.AUTO)
    world.pod = None
    world.run(2)
    return world.situation()


def _dropped() -> Situation:
    world = _after(Mode.FIXED_TAG)
    world.ec2[POOL] = replace(world.ec2[POOL], association=None)
    return world.situation()


def _moved_by_others() -> Situation:
    world = _after(Mode.FIXED_TAG)
    there = Association(association_id=HERE.association_id, target=target("10.9.9.9"))
    world.ec2[POOL] = replace(world.ec2[POOL], association=there)
    return world.situation()


def _met(tags: dict[str, str], side: AddressRecord | None = None) -> Situation:
    """Another address is at the target of a new `auto` Pod."""
    world = _asks(Mode.AUTO)
    there = Address(allocation_id=FOUND, public_ip="9.9.9.9", border_group="us-west-2", tags=tags, association=HERE)
    world.ec2[FOUND] = there
    if side is not None:
        world.sides[FOUND] = side
    return world.situation()


def _usurped() -> Situation:
    s = _after(Mode.FIXED_TAG).situation()
    assert s.claim is not None
    return replace(s, claim=replace(s.claim, owner=None))


LATE = AddressRecord(allocation_id=FOUND, pool="k", recent=(HERE.target,))

WORKED_ROWS = (
    WorkedRow("a new `auto` Pod", lambda: _asks(Mode.AUTO).situation()),
    WorkedRow("a new fixed Pod, and its pool has a free address", lambda: _asks(Mode.FIXED_TAG).situation()),
    WorkedRow("the same, and the pool is empty", lambda: PlanWorld(pod=pod("fixed-tag", "k")).situation()),
    WorkedRow("a new Pod that the policy refuses", _refused),
    WorkedRow(
        "a new Pod, and another claim of this install is for its target (a rival)",
        lambda: replace(_asks(Mode.AUTO).situation(), rival="Pod ns/q"),
    ),
    WorkedRow("a new Pod, and somebody else's address is at its IP (a squatter)", lambda: _met({})),
    WorkedRow("the same, and that is what the Go controller gave this very Pod", lambda: _met(GO_TAGS)),
    WorkedRow("the same, and that is a late arrival of a call of ours", lambda: _met({"k": ""}, LATE)),
    WorkedRow(
        "an intent whose AllocateAddress had no answer; EC2's reads cannot be believed yet",
        lambda: replace(_unanswered(), in_doubt=True),
    ),
    WorkedRow("the same; they can, and an address with the Pod's tags is found", _tagged),
    WorkedRow("the same, and none is found", _unanswered),
    WorkedRow("a claim stands, and EC2 shows no association", lambda: _after(Mode.FIXED_TAG, 1).situation()),
    WorkedRow("a claim stands, and EC2 shows the association", lambda: _after(Mode.FIXED_TAG, 2).situation()),
    WorkedRow("all is as it should be", lambda: _after(Mode.AUTO).situation()),
    WorkedRow("EC2 has dropped the association; it is restored", _dropped),
    WorkedRow("the Pod has another IP", lambda: _turned(Mode.AUTO, pod("auto", ip="10.0.0.6"))),
    WorkedRow("the annotation is removed", lambda: _turned(Mode.FIXED_TAG, pod("", annotations={}))),
    WorkedRow(
        "the Pod is missing from the cache, and nothing proves that it is gone",
        lambda: replace(_turned(Mode.AUTO, None), desire=Unproven()),
    ),
    WorkedRow("an associated `auto` Pod is gone", lambda: _turned(Mode.AUTO, None)),
    WorkedRow("then, before EC2 is looked at", lambda: replace(_releasing(), looked_after_cut=False)),
    WorkedRow("then, once a look shows the address free: it is released", _releasing),
    WorkedRow("an associated fixed Pod is gone", lambda: _turned(Mode.FIXED_TAG, None)),
    WorkedRow(
        "a Pod is gone, and the address of its unanswered AllocateAddress is found",
        lambda: replace(_tagged(), desire=Gone(), pod=None),
    ),
    WorkedRow("somebody else has associated the claimed address elsewhere", _moved_by_others),
    WorkedRow("others took the claimed address while this install was silent", _usurped),
)
