"""The situations of the worked rows, built from worlds: a Pod's plan is run so far, then something is otherwise."""

from dataclasses import replace

from controller.core import contract
from controller.core.allocation import allocation_tags
from controller.core.desire import Fault, Gone, Invalid
from controller.core.policy import Refusal
from controller.core.remembered import remembered_uid
from controller.core.situation import Foreign, Lack, NoOffer, Situation, Unplaced
from controller.core.views import Address, Association, PodView
from state.model import AddressRecord, AllocationId, AssociationId, Epoch, Mode, Owner, PodUid
from tests.unit.plan_world import FACTS, PlanWorld, pod, target

AUTO, FIXED = Mode.AUTO, Mode.FIXED_TAG
FOUND = AllocationId("eipalloc-found")
HERE = Association(association_id=AssociationId("eipassoc-found"), target=target("10.0.0.5"))
ELSEWHERE = replace(HERE, target=target("10.9.9.9"))
GO_TAGS = {contract.TAG_TYPE: str(AUTO), contract.TAG_POD: "ns/p", contract.TAG_CLUSTER_NAME: "a"}
LEFT_TAGS = GO_TAGS | {contract.TAG_POD: "ns/gone"}
SHOWN = {contract.LABEL_PUBLIC_IP: "9.9.9.9"}
LATE = AddressRecord(allocation_id=FOUND, pool="k", recent=(HERE.target,))
UNUSED = replace(LATE, recent=())
TAKEN = replace(LATE, owner=Owner(install=FACTS.install, pod_uid=PodUid("u-2"), epoch=Epoch(1)))
STRANGE = Foreign(target=HERE.target, why="another machine's")
UNPLACED = Unplaced()
RULE = Refusal(why="rule 'none'")
NO_ROOM = Refusal(why="full", waits=True)
NO_ROOM_FOR_ANY = replace(NO_ROOM, for_any=True)
SOON = NoOffer(why="in a moment", lack=Lack.COMING, soon=True)
NO_QUOTA = NoOffer(why="the rest is kept", lack=Lack.QUOTA)
HEIR = Gone(to="Pod ns/q")
WRONG = Invalid(why="no such mode", fault=Fault.MODE)


def asks(mode: Mode) -> PlanWorld:
    """A new Pod; for a fixed one its pool has a free address."""
    world = PlanWorld(pod=pod(mode, "" if mode is AUTO else "k"))
    return world if mode is AUTO else world.with_pool(k="")


def new(mode: Mode = AUTO, **otherwise: object) -> Situation:
    """A new Pod, and what is otherwise than usual."""
    return but(asks(mode).situation(), **otherwise)


def but(s: Situation, **otherwise: object) -> Situation:
    """The same situation, but for this."""
    return replace(s, **otherwise)  # type: ignore[arg-type]


def without_ip(labels: dict[str, str] | None = None, **otherwise: object) -> Situation:
    """A new Pod that has no IP yet."""
    return but(PlanWorld(pod=pod(AUTO, ip=""), labels=labels or {}).situation(), **otherwise)


def after(mode: Mode, done: int | None = None) -> PlanWorld:
    """The Pod's plan has come so far; None: to its end."""
    world = asks(mode)
    world.run(done)
    return world


def served(mode: Mode = FIXED, **otherwise: object) -> Situation:
    """A Pod that has its address."""
    return but(after(mode).situation(), **otherwise)


def claimed(mode: Mode = FIXED, **otherwise: object) -> Situation:
    """A claim stands, and EC2 shows no association."""
    return but(after(mode, 3 if mode is AUTO else 1).situation(), **otherwise)


def turned(mode: Mode, asking: PodView | None, done: int | None = None) -> Situation:
    """A Pod whose plan has come so far is like this now; None: gone."""
    world = after(mode, done)
    world.pod = asking
    return world.situation()


def intent(**otherwise: object) -> Situation:
    """An intent stands whose AllocateAddress had no answer."""
    return but(but(after(AUTO, 1).situation(), unanswered=True), **otherwise)


def found() -> tuple[Address, ...]:
    """What an unanswered AllocateAddress for the Pod has made."""
    tags = allocation_tags(FACTS, pod(AUTO), AUTO)
    return (Address(allocation_id=FOUND, public_ip="9.9.9.9", border_group="us-west-2", tags=tags),)


def remembered() -> Situation:
    """What is left of an intent that has ended."""
    s = after(AUTO, 1).situation()
    assert s.record is not None
    uid = remembered_uid(s.uid)
    return replace(s, uid=uid, record=replace(s.record, uid=uid), desire=Gone(), pod=None)


def met(
    tags: dict[str, str], side: AddressRecord | None = None, world: PlanWorld | None = None, **otherwise: object
) -> Situation:
    """Another address is at the target of a Pod; without a world, of a new `auto` one."""
    world = world or asks(AUTO)
    there = Address(allocation_id=FOUND, public_ip="9.9.9.9", border_group="us-west-2", tags=tags, association=HERE)
    world.ec2[FOUND] = there
    if side is not None:
        world.sides[FOUND] = side
    return but(world.situation(), **otherwise)


def shown(s: Situation, association: Association | None) -> Situation:
    """EC2 shows this of the claimed address."""
    assert s.address is not None
    return replace(s, address=replace(s.address, association=association))


def dropped(mode: Mode = FIXED, **otherwise: object) -> Situation:
    """EC2 has dropped the association of a Pod that has its address."""
    return but(shown(served(mode), None), **otherwise)


def displaced(mode: Mode) -> PlanWorld:
    """EC2 has dropped the association, so that another may stand at the target."""
    world = after(mode)
    world.ec2 = {key: replace(address, association=None) for key, address in world.ec2.items()}
    return world


def again(s: Situation) -> Situation:
    """EC2 shows the association under another id."""
    return shown(s, HERE)


def by_us_elsewhere(s: Situation) -> Situation:
    """EC2 shows the claimed address at a target that it had before, by a call of ours."""
    assert s.claim is not None
    return shown(replace(s, claim=replace(s.claim, recent=(ELSEWHERE.target,))), ELSEWHERE)


def moved(**otherwise: object) -> Situation:
    """A served Pod has another IP."""
    return but(turned(FIXED, pod(FIXED, "k", ip="10.0.0.6")), **otherwise)


def moved_to_a_occupant() -> Situation:
    """And somebody else's address is there."""
    world = after(FIXED)
    world.pod = pod(FIXED, "k", ip="10.0.0.6")
    at = replace(HERE, target=target("10.0.0.6"))
    world.ec2[FOUND] = Address(allocation_id=FOUND, public_ip="9.9.9.9", border_group="us-west-2", association=at)
    return world.situation()


def claimed_and_moved() -> Situation:
    """The Pod has another IP before EC2 was told."""
    return turned(FIXED, pod(FIXED, "k", ip="10.0.0.6"), 1)


def labelled(s: Situation, labels: dict[str, str], **otherwise: object) -> Situation:
    """The Pod carries these labels of ours, and is otherwise than usual."""
    assert s.pod is not None
    return replace(s, pod=replace(s.pod, labels=labels, **otherwise))  # type: ignore[arg-type]


def pod_is(s: Situation, **otherwise: object) -> Situation:
    """The Pod is otherwise than usual."""
    assert s.pod is not None
    return replace(s, pod=replace(s.pod, **otherwise))  # type: ignore[arg-type]


def nameless() -> Situation:
    """The table does not say which public IP the claim has."""
    s = served()
    assert s.record is not None
    return replace(s, record=replace(s.record, public_ip=None))


def taken_by_others(gone: bool = False) -> Situation:
    """The claimed address has no owner in the ledger any more."""
    s = turned(FIXED, None) if gone else served()
    assert s.claim is not None
    return replace(s, claim=replace(s.claim, owner=None))


def forged() -> Situation:
    """The Pod is gone, and its item names an association that EC2 shows at another address."""
    s = turned(FIXED, None)
    assert s.record is not None
    assert s.address is not None
    other = replace(ELSEWHERE, association_id=AssociationId("eipassoc-theirs"))
    associated_address = replace(s.address, allocation_id=FOUND, association=other)
    bare = replace(s.address, association=None)
    return replace(
        s,
        record=replace(s.record, association_id=other.association_id),
        associated_address=associated_address,
        address=bare,
    )


def releasing(**otherwise: object) -> Situation:
    """An `auto` address was cut, and waits to be released."""
    world = after(AUTO)
    world.pod = None
    world.run(2)
    return but(world.situation(), **otherwise)


def asks_anew() -> Situation:
    """The Pod's annotation was off, and is on again before its address was released."""
    world = after(AUTO)
    world.pod = pod("", annotations={})
    world.run(3)
    world.pod = pod(AUTO)
    return world.situation()


def releasing_at(association: Association) -> Situation:
    """The same, and EC2 shows it associated with this."""
    s = releasing()
    assert s.claim is not None
    return shown(s, association)


def retagged() -> Situation:
    """The same, and a person has tagged it for something else."""
    s = releasing()
    assert s.address is not None
    return replace(s, address=replace(s.address, tags={}))


def changed(**otherwise: object) -> Situation:
    """A served `auto` Pod asks for an address of a pool instead."""
    world = after(AUTO).with_pool(k="")
    world.pod = pod(FIXED, "k")
    return but(world.situation(), **otherwise)
