"""Histories of several ledgers on one table, and the two invariants that every step of them must keep.

S1: an address has one owner and a Pod one address, and both sides say the same. S2: no write below the highest epoch
of its install is accepted. Two replicas belong to one install, a third to another cluster that wants the same
addresses; each acts on what its own cache says, however old, as the engine does.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from hypothesis import strategies as st

from state.errors import PodEipError
from state.model import AddressRecord, Change, InstallKey, Phase, PodRecord
from tests.fakes.ledger_worlds import Snapshot, TermLedger, World, new_install
from tests.fakes.records import TARGET, new_address, new_pod, owner

Deed = Literal["lead", "claim", "release", "forget", "refresh"]
REPLICAS = (0, 0, 1)  # the install of each actor
PODS = ADDRESSES = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One deed of one actor, about one Pod and one address."""

    actor: int
    deed: Deed
    pod: int = 0
    address: int = 0


DEEDS: tuple[Deed, ...] = ("lead", "claim", "claim", "claim", "release", "forget", "refresh")
steps = st.builds(
    Step,
    st.integers(0, len(REPLICAS) - 1),
    st.sampled_from(DEEDS),
    st.integers(0, PODS - 1),
    st.integers(0, ADDRESSES - 1),
)
histories = st.lists(steps, min_size=4, max_size=16)


@dataclass(slots=True)
class History:
    """Plays steps in a world."""

    world: World
    installs: Sequence[InstallKey] = field(default_factory=lambda: [new_install(), new_install()])
    addresses: Sequence[AddressRecord] = field(default_factory=lambda: [new_address() for _ in range(ADDRESSES)])
    pods: Sequence[Sequence[PodRecord]] = field(
        default_factory=lambda: [[new_pod() for _ in range(PODS)] for _ in range(2)]
    )
    ledgers: list[TermLedger] = field(default_factory=list)
    leaders: dict[int, int] = field(default_factory=dict)

    def play(self, plan: Sequence[Step]) -> None:
        """Do every step; AssertionError names the invariant that one of them broke."""
        self.ledgers = [self.world.ledger(self.installs[index]) for index in REPLICAS]
        standing = self._snapshots()
        for step in plan:
            self._do(step)
            before, standing = standing, self._snapshots()
            if self.leaders.get(REPLICAS[step.actor]) != step.actor:
                assert standing == before, f"S2: {step} wrote below the highest epoch"
            _check_claims(standing)

    def _do(self, step: Step) -> None:
        ledger = self.ledgers[step.actor]
        pod = self.pods[REPLICAS[step.actor]][step.pod]
        address = self.addresses[step.address]
        match step.deed:
            case "lead":
                ledger.begin_term(f"replica-{step.actor}")
                self.leaders[REPLICAS[step.actor]] = step.actor
            case "claim":
                self._claim(ledger, self.installs[REPLICAS[step.actor]], pod, address)
            case "release" | "forget":
                self._release(ledger, pod, keep=step.deed == "release")
            case "refresh":
                ledger.refresh([address.allocation_id])

    def _claim(self, ledger: TermLedger, install: InstallKey, pod: PodRecord, address: AddressRecord) -> None:
        held, free = ledger.pod(pod.uid), ledger.address(address.allocation_id)
        if (held and held.allocation_id) or (free and free.owner):
            return
        claimed = replace(pod, phase=Phase.CLAIMED, allocation_id=address.allocation_id, target=TARGET)
        owned = replace(address, owner=owner(install, pod), target=TARGET)
        change = Change(pod_before=held, pod_after=claimed, address_before=free, address_after=owned)
        with suppress(PodEipError):
            ledger.commit(change)

    def _release(self, ledger: TermLedger, pod: PodRecord, *, keep: bool) -> None:
        held = ledger.pod(pod.uid)
        owned = ledger.address(held.allocation_id) if held and held.allocation_id else None
        if held is None or owned is None:
            return
        after = replace(owned, owner=None, target=None, recent=(TARGET,)) if keep else None
        with suppress(PodEipError):
            ledger.commit(Change(pod_before=held, address_before=owned, address_after=after))

    def _snapshots(self) -> list[Snapshot]:
        ids = [address.allocation_id for address in self.addresses]
        return [self.world.snapshot(install, ids) for install in self.installs]


def _check_claims(snapshots: Sequence[Snapshot]) -> None:
    by_pod = sorted(
        (pod.uid, pod.allocation_id) for snapshot in snapshots for pod in snapshot.pods.values() if pod.allocation_id
    )
    by_address = sorted((record.owner.pod_uid, key) for key, record in snapshots[0].addresses.items() if record.owner)
    assert by_pod == by_address, f"S1: the Pods say {by_pod}, the addresses {by_address}"
