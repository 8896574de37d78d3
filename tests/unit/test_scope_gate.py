"""The door that an install passes before it leads: refused, succeeding, and never both waiting for each other."""

from dataclasses import replace

import pytest

from controller.core.lease import Lease
from controller.engine.peers import Peers
from controller.engine.scopes import ScopeGate
from state.errors import AccessDenied, Fenced, ScopeOverlap
from state.model import Change, ClusterUid, Epoch, InstallKey, Phase, PodRecord
from tests.fakes.ledger import FakeLedger
from tests.fakes.ledger_table import FakeTable
from tests.fakes.records import TARGET, new_address, new_pod, owner
from tests.unit.engine_harness import HandClock

CLUSTER = ClusterUid("c-1")


def key(lease: str, cluster: str = CLUSTER) -> InstallKey:
    return InstallKey(cluster_uid=ClusterUid(cluster), lease_namespace="eip", lease_name=lease)


class World:
    """One cluster's Leases and one table; an install leads by passing its gate."""

    def __init__(self) -> None:
        self.clock, self.table = HandClock(), FakeTable()
        self.leases: dict[InstallKey, Lease] = {}
        self.forbidden = False
        self.gates: dict[str, ScopeGate] = {}
        self.ledgers: dict[str, FakeLedger] = {}

    def install(self, name: str, scope: str = "") -> ScopeGate:
        """One more process of this install; the last one made counts."""
        ledger = FakeLedger(self.table, key(name), scope=scope, clock=self.clock)
        gate = ScopeGate(
            ledger=ledger,
            install=key(name),
            scope=scope,
            peers=Peers(self.clock),
            lease_of=self._lease,
            clock=self.clock,
        )
        self.gates[name], self.ledgers[name] = gate, ledger
        return gate

    def _lease(self, install: InstallKey) -> Lease | None:
        if self.forbidden:
            raise AccessDenied("no")
        return self.leases.get(install)

    def lead(self, name: str) -> Epoch:
        """Try to lead."""
        return self.gates[name].begin(lambda: self.ledgers[name].begin_term(name))

    def claim(self, name: str, namespace: str = "ns") -> PodRecord:
        """A claim of that install."""
        address = new_address()
        pod = replace(new_pod(phase=Phase.CLAIMED), namespace=namespace, allocation_id=address.allocation_id)
        owned = replace(address, owner=owner(key(name), pod), target=TARGET)
        self.ledgers[name].commit(Change(pod_after=pod, address_after=owned))
        return pod


@pytest.fixture
def world() -> World:
    return World()


def test_scopes_apart_lead_side_by_side(world: World) -> None:
    world.install("x", "ns-x")
    world.install("y", "ns-y")
    assert (world.lead("x"), world.lead("y")) == (1, 1)


def test_the_later_install_refuses_while_the_other_lives(world: World) -> None:
    world.install("old")
    gate = world.install("new", "ns")
    world.lead("old")
    for _ in range(10):
        world.clock.now += 30
        world.ledgers["old"].heartbeat()
        with pytest.raises(ScopeOverlap):
            world.lead("new")
        assert "eip/old" in gate.trouble
    assert key("new") not in world.table.installs
    world.ledgers["old"].heartbeat()


def test_one_that_stopped_is_succeeded_with_its_claims(world: World) -> None:
    world.install("old")
    gate = world.install("new")
    world.lead("old")
    claims = [world.claim("old") for _ in range(60)]
    with pytest.raises(ScopeOverlap):
        world.lead("new")
    world.clock.now += 66
    world.lead("new")
    assert gate.trouble == ""
    assert set(world.ledgers["new"].pods()) == {claim.uid for claim in claims}
    sides = world.table.addresses.values()
    assert {(side.owner.install, side.owner.epoch) for side in sides if side.owner} == {(key("new"), 1)}
    assert key("old") not in world.table.directory
    with pytest.raises(Fenced):
        world.ledgers["old"].heartbeat()


def test_a_lease_that_is_held_says_that_it_lives(world: World) -> None:
    """Its leader is cut off from DynamoDB only."""
    world.install("old")
    world.install("new")
    world.lead("old")
    for second in range(0, 100, 5):
        world.leases[key("old")] = Lease(holder="them", duration_s=15, version=str(second))
        with pytest.raises(ScopeOverlap):
            world.lead("new")
        world.clock.now += 5
    world.clock.now += 11
    world.lead("new")


def test_a_lease_that_may_not_be_read_does_not_count(world: World) -> None:
    world.install("old")
    world.install("new")
    world.lead("old")
    world.forbidden = True
    with pytest.raises(ScopeOverlap):
        world.lead("new")
    world.clock.now += 66
    world.lead("new")


def test_a_standby_that_watched_need_not_wait(world: World) -> None:
    world.install("old")
    gate = world.install("new")
    world.lead("old")
    gate.look()
    world.clock.now += 66
    gate.look()
    assert world.lead("new") == 1


def test_a_trouble_is_forgotten_once_it_has_passed(world: World) -> None:
    world.install("old", "ns")
    gate = world.install("new", "ns")
    world.lead("old")
    with pytest.raises(ScopeOverlap):
        world.lead("new")
    world.install("old", "elsewhere")
    world.lead("old")
    gate.look()
    assert gate.trouble == ""


def test_claims_out_of_scope_are_kept(world: World) -> None:
    world.install("old")
    world.install("new", "ns")
    world.lead("old")
    inside, outside = world.claim("old", "ns"), world.claim("old", "other")
    world.install("new", "ns")
    with pytest.raises(ScopeOverlap):
        world.lead("new")
    world.clock.now += 66
    world.lead("new")
    assert set(world.ledgers["new"].pods()) == {inside.uid}
    assert set(world.ledgers["new"].neighbours()[key("old")]) == {outside.uid}
    assert key("old") in world.table.directory


def test_what_an_interruption_left_is_moved_without_a_new_wait(world: World) -> None:
    world.install("old")
    world.install("new")
    world.lead("old")
    claim = world.claim("old")
    with pytest.raises(ScopeOverlap):
        world.lead("new")
    world.clock.now += 66
    world.ledgers["new"].begin_term("new")
    world.ledgers["new"].take_over(world.table.installs[key("old")])
    world.install("new")
    world.lead("new")
    assert set(world.ledgers["new"].pods()) == {claim.uid}


def test_of_two_that_start_at_once_one_leads_in_the_end(world: World) -> None:
    """Each raises its epoch between the other's two looks: both give way, and neither blocks the other's next try."""
    first, second = world.install("a"), world.install("b")

    def raise_both() -> Epoch:
        epoch = world.ledgers["a"].begin_term("a")
        with pytest.raises(ScopeOverlap):
            second.begin(lambda: world.ledgers["b"].begin_term("b"))
        return epoch

    # b looks first when a has raised already, so it never raises; a goes on undisturbed.
    assert first.begin(raise_both) == 1
    assert key("b") not in world.table.installs


def test_one_that_came_in_between_makes_us_withdraw(world: World) -> None:
    world.install("a")
    world.install("b")

    def meanwhile() -> Epoch:
        world.ledgers["b"].begin_term("b")
        return world.ledgers["a"].begin_term("a")

    with pytest.raises(ScopeOverlap):
        world.gates["a"].begin(meanwhile)
    world.ledgers["b"].heartbeat()
    world.install("b")
    world.lead("b")


def test_two_interrupted_attempts_do_not_block_each_other(world: World) -> None:
    """Both raised their epochs, and both died before they looked again; both Leases are held now and then."""
    for name in ("a", "b"):
        world.install(name)
        world.ledgers[name].begin_term(name)
        world.leases[key(name)] = Lease(holder=name, duration_s=15)
        world.install(name)
    with pytest.raises(ScopeOverlap):
        world.lead("a")
    assert world.lead("b") == 2


def test_a_predecessor_that_moves_at_the_last_moment_is_left_alone(world: World) -> None:
    world.install("old")
    world.install("new")
    world.lead("old")
    with pytest.raises(ScopeOverlap):
        world.lead("new")
    world.clock.now += 66

    def meanwhile() -> Epoch:
        world.ledgers["old"].heartbeat()
        return world.ledgers["new"].begin_term("new")

    with pytest.raises(ScopeOverlap):
        world.gates["new"].begin(meanwhile)
    world.ledgers["old"].heartbeat()
