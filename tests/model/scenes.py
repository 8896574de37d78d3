"""The scenes of the plan's model: who is there at the beginning, and what happens by and by.

Each is small enough to be searched whole and holds one danger: an IP that a stranger gets, a pool that two clusters
share, a Pod of the same name again, a person's hand, an empty table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from controller.core import contract
from controller.core.views import PodView
from state.model import Mode, PodUid
from tests.model.account import Account
from tests.model.events import (
    POOL,
    Event,
    a_minute,
    asks_no_more,
    by_hand,
    comes,
    emptied,
    finishes,
    goes,
    moves,
    pod,
    restored,
    retagged,
    saved,
)
from tests.model.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is there, and what happens. `addresses` are the allocation ids that there are, with their tags.

    patient: between one event and the next there is time to try again what failed.
    """

    name: str
    script: tuple[Event, ...]
    pods: Mapping[str, tuple[PodView, ...]] = field(default_factory=lambda: {"a": ()})
    addresses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    displaces: bool = False
    default_vpc: bool = False
    patient: bool = False

    def begin(self) -> World:
        """The first state."""
        account = Account(displaces=self.displaces, default_vpc=self.default_vpc)
        for allocation_id, tags in self.addresses.items():
            account.add(allocation_id, tags, 0.0)
        account.past, account.mutations = (), 0
        pods: dict[str, dict[PodUid, PodView]] = {c: {p.uid: p for p in here} for c, here in self.pods.items()}
        return World(account=account, pods=pods, script=self.script, patient=self.patient)


ONE = {"eipalloc-p1": {POOL: ""}}
TWO = {**ONE, "eipalloc-p2": {POOL: ""}}
OTHERS: Mapping[str, Mapping[str, str]] = {"eipalloc-x1": {}}
UPSTREAM = {
    "eipalloc-g1": {contract.TAG_TYPE: str(Mode.AUTO), contract.TAG_CLUSTER_NAME: "a", contract.TAG_POD: "ns/u"}
}
FORGED = {
    "eipalloc-f1": {
        contract.TAG_TYPE: str(Mode.AUTO),
        contract.TAG_CLUSTER_NAME: "a",
        contract.TAG_CLUSTER_UID: "a",
        contract.TAG_POD: "ns/w",
        contract.TAG_POD_UID: "w",
    }
}

_AUTO, _POOL = pod("u", Mode.AUTO), pod("u", Mode.FIXED_TAG)
_STRANGER = pod("s", created="3")
_LATER, _ELSEWHERE = "10.0.0.6", "10.0.0.7"

SCENES = (
    Scene(name="auto, then a stranger at its IP", script=(comes("a", _AUTO), goes("a", "u"), comes("a", _STRANGER))),
    Scene(
        name="pool, then a stranger at its IP",
        script=(comes("a", _POOL), goes("a", "u"), comes("a", _STRANGER)),
        addresses=ONE,
    ),
    Scene(
        name="auto, with time between",
        script=(comes("a", _AUTO), goes("a", "u"), comes("a", _STRANGER)),
        patient=True,
    ),
    Scene(
        name="pool, with time between",
        script=(comes("a", _POOL), goes("a", "u"), comes("a", _STRANGER)),
        addresses=ONE,
        patient=True,
    ),
    Scene(
        name="an auto Pod goes, and is forgotten before its address comes",
        script=(comes("a", _AUTO), goes("a", "u"), a_minute(), comes("a", _STRANGER)),
        patient=True,
    ),
    Scene(
        name="an auto Pod is served otherwise before its first address comes",
        script=(comes("a", _AUTO), a_minute(), comes("a", _STRANGER), goes("a", "u")),
        patient=True,
    ),
    Scene(
        name="one auto Pod after the other at one IP",
        script=(comes("a", _AUTO), goes("a", "u"), comes("a", pod("v", Mode.AUTO, created="2"))),
    ),
    Scene(
        name="one pool Pod after the other at one IP, with room",
        script=(comes("a", _POOL), comes("a", pod("v", Mode.FIXED_TAG, created="2")), goes("a", "u")),
        addresses=TWO,
    ),
    Scene(
        name="a Pod of the same name again, elsewhere",
        script=(
            comes("a", replace(_POOL, name="web-0")),
            goes("a", "u"),
            comes("a", pod("v", Mode.FIXED_TAG, _LATER, created="2", name="web-0")),
            comes("a", _STRANGER),
        ),
        addresses=ONE,
    ),
    Scene(
        name="a stranger has a Pod's IP before the Pod goes",
        script=(comes("a", _POOL), comes("a", _STRANGER), goes("a", "u")),
        addresses=ONE,
        patient=True,
    ),
    Scene(
        name="two Pods want one address",
        script=(comes("a", _POOL), comes("a", pod("v", Mode.FIXED_TAG, _LATER, created="2")), goes("a", "u")),
        addresses=ONE,
    ),
    Scene(
        name="two clusters want one address",
        script=(comes("a", _POOL), comes("b", pod("v", Mode.FIXED_TAG, _LATER)), goes("a", "u")),
        pods={"a": (), "b": ()},
        addresses=ONE,
    ),
    Scene(
        name="a Pod of another cluster has waited longer",
        script=(
            comes("a", _POOL),
            comes("b", pod("w", Mode.FIXED_TAG, _LATER)),
            a_minute(),
            comes("a", pod("v", Mode.FIXED_TAG, _ELSEWHERE, created="2")),
            goes("a", "u"),
        ),
        pods={"a": (), "b": ()},
        addresses=ONE,
        patient=True,
    ),
    Scene(
        name="a Pod moves, and a stranger comes where it was",
        script=(comes("a", _POOL), moves("a", "u", _LATER), comes("a", _STRANGER)),
        addresses=ONE,
    ),
    Scene(
        name="an auto Pod moves back and forth",
        script=(comes("a", _AUTO), moves("a", "u", _LATER), moves("a", "u", _AUTO.ip)),
    ),
    Scene(
        name="a Pod finishes, another has its IP, then it goes",
        script=(comes("a", _AUTO), finishes("a", "u"), comes("a", pod("v", Mode.AUTO, created="2")), goes("a", "u")),
    ),
    Scene(
        name="auto, then of the pool, then nothing",
        script=(comes("a", _AUTO), comes("a", _POOL), asks_no_more("a", "u")),
        addresses=ONE,
    ),
    Scene(
        name="somebody takes the address elsewhere",
        script=(comes("a", _POOL), by_hand("eipalloc-p1", _ELSEWHERE), goes("a", "u")),
        addresses=TWO,
    ),
    Scene(
        name="somebody cuts the address",
        script=(comes("a", _AUTO), by_hand("eipalloc-1", None), goes("a", "u")),
    ),
    Scene(
        name="somebody tags the address anew",
        script=(comes("a", _AUTO), retagged("eipalloc-1"), a_minute(), goes("a", "u")),
    ),
    Scene(
        name="somebody tags an address as allocated for a Pod that has another",
        script=(comes("a", pod("w", Mode.FIXED_TAG, _LATER)), comes("a", _AUTO), goes("a", "w"), goes("a", "u")),
        addresses={**ONE, **FORGED},
    ),
    Scene(
        name="an IP that has somebody's address",
        script=(by_hand("eipalloc-x1", _AUTO.ip), comes("a", _AUTO), by_hand("eipalloc-x1", None)),
        addresses=OTHERS,
    ),
    Scene(name="the table is emptied, auto", script=(comes("a", _AUTO), emptied(), goes("a", "u"))),
    Scene(
        name="the table is emptied, pool",
        script=(comes("a", _POOL), emptied(), comes("a", pod("v", Mode.FIXED_TAG, _LATER, created="2"))),
        addresses=TWO,
    ),
    Scene(
        name="the table is restored to before a Pod came",
        script=(saved(), comes("a", _AUTO), restored(), goes("a", "u")),
    ),
    Scene(
        name="the table is restored to before an auto Pod went",
        script=(comes("a", _AUTO), saved(), goes("a", "u"), restored(), comes("a", pod("v", Mode.AUTO, created="2"))),
    ),
    Scene(
        name="the table is restored to before a pool Pod went, and another came",
        script=(
            comes("a", _POOL),
            saved(),
            goes("a", "u"),
            comes("a", pod("v", Mode.FIXED_TAG, _LATER, created="2")),
            restored(),
        ),
        addresses=ONE,
    ),
    Scene(
        name="an address that the Go controller gave out",
        script=(by_hand("eipalloc-g1", _AUTO.ip), comes("a", _AUTO), goes("a", "u"), comes("a", _STRANGER)),
        addresses=UPSTREAM,
    ),
    Scene(
        name="a stranger's IP on an EC2 that displaces, in a default VPC",
        script=(comes("a", _AUTO), goes("a", "u"), comes("a", pod("v", Mode.AUTO, created="2"))),
        displaces=True,
        default_vpc=True,
    ),
)
