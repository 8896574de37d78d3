"""The engine as a whole does what it promises: the three modes, the teardown, adoption, and the nets under them."""

from dataclasses import replace

import pytest

from controller.core import contract
from state.errors import AlreadyAssociated, QuotaExceeded
from state.model import AddressRecord, AllocationId, Epoch, InstallKey, Owner, PodUid, Rev
from tests.unit.engine_harness import Replica, World, at, auto, fixed, fixed_value

DESCRIBES = ("DescribeAddresses", "DescribeNetworkInterfaces")


def test_all_modes_are_served_and_then_there_is_silence(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    world.ec2.add_address(tags={"own": "ns/v"})
    pods = [
        world.pod("a", auto(), ip="10.0.0.5", gated=True),
        world.pod("f", fixed(), ip="10.0.0.6"),
        world.pod("v", fixed_value("own"), ip="10.0.0.7"),
    ]
    replica.settle()
    assert all(world.label(pod) for pod in pods)
    assert world.pods.pods[pods[0]].condition == "True"
    before, said = world.quiet(), len(world.events.said)
    replica.run(1300, step=2.0)
    assert world.quiet() == before
    assert len(world.events.said) == said


@pytest.mark.parametrize(("annotations", "calls"), [(auto(), 4), (fixed(), 2)])
def test_the_calls_of_a_burst(world: World, annotations: dict[str, str], calls: int) -> None:
    replica = Replica(world, threads=8).lead()
    world.pool(30)
    replica.settle()
    world.ec2.calls.clear()
    pods = [world.pod(f"p{n}", annotations, ip=f"10.0.0.{10 + n}") for n in range(30)]
    replica.settle()
    for pod in pods:
        world.pods.delete(pod)
    replica.run(20)
    assert len(world.mutations()) == 30 * calls
    assert sum(world.ec2.count(name) for name in DESCRIBES) <= 3
    assert len(world.ec2.addresses()) == 30


def test_what_a_pod_held_goes_when_it_is_gone(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pods = [world.pod("a", auto(), ip="10.0.0.5"), world.pod("f", fixed(), ip="10.0.0.6")]
    replica.settle()
    for pod in pods:
        world.pods.delete(pod)
    replica.settle()
    assert not [a for a in world.ec2.addresses() if a.association]
    replica.run(20)
    assert len(world.ec2.addresses()) == 1
    assert not replica.ledger.pods()


def test_annotations_that_flap_leave_what_the_last_one_says(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(2)
    pod = world.pod("p", fixed())
    replica.settle()
    for _ in range(20):
        for annotations in ({}, auto(), fixed()):
            world.change(pod, annotations=annotations)
            replica.loop.tick()
    replica.run(400)
    assert len(world.at_ip("10.0.0.5")) == 1
    assert len(world.ec2.addresses()) == 2
    before = world.quiet()
    replica.run(400)
    assert world.quiet() == before


@pytest.mark.parametrize("operation", ["AllocateAddress", "AssociateAddress", "DisassociateAddress", "ReleaseAddress"])
def test_a_lost_reply_leaks_nothing(world: World, operation: str) -> None:
    replica = Replica(world).lead()
    replica.settle()
    world.ec2.lose_reply(operation)
    pod = world.pod("p", auto())
    replica.until(lambda: world.label(pod), 70)
    assert len(world.ec2.addresses()) == 1
    world.pods.delete(pod)
    # "not found" of what is younger than the consistency time (60 s) is not believed; a retry may be 30 s off by then,
    # and a release shares a look that comes each 15 s.
    replica.run(60 + 30 + 15 + 1)
    assert not world.ec2.addresses()
    assert not replica.ledger.pods()


def test_an_allocation_in_doubt_outlives_its_leader(world: World) -> None:
    first = Replica(world).lead()
    first.settle()
    world.ec2.lose_reply("AllocateAddress")
    pod = world.pod("p", auto())
    first.settle()
    first.crash()
    second = Replica(world).lead()
    second.run(70)
    assert world.label(pod)
    assert len(world.ec2.addresses()) == 1


def test_a_deposed_leader_changes_nothing(world: World) -> None:
    old = Replica(world).lead()
    world.pool(3)
    old.settle()
    new = Replica(world).lead()
    pods = [world.pod("p", auto(), ip="10.0.0.5"), world.pod("q", fixed(), ip="10.0.0.6")]
    old.settle()
    assert not world.mutations()
    new.settle()
    old.run(5)
    new.run(5)
    assert all(world.label(pod) for pod in pods)
    assert len(world.mutations()) == 3


def test_a_lost_race_takes_the_next_candidate_at_once(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(4)
    world.pod("warm", fixed(), ip="10.0.0.200")
    replica.settle()
    other = Owner(install=InstallKey.parse("c-2#ns/l"), pod_uid=PodUid("x"), epoch=Epoch(1))
    for address in world.ec2.addresses()[:3]:
        _take(world, address.allocation_id, other)
    pod = world.pod("p", fixed())
    replica.settle()
    assert world.label(pod)


def _take(world: World, allocation_id: AllocationId, owner: Owner) -> None:
    standing = world.table.addresses.get(allocation_id)
    if standing is None:
        standing = AddressRecord(allocation_id=allocation_id, pool="pool")
    if standing.owner is None:
        world.table.addresses[allocation_id] = replace(standing, owner=owner, rev=Rev(standing.rev + 1))


def test_two_clusters_share_a_pool(world: World) -> None:
    other = World(clock=world.clock, ec2=world.ec2, table=world.table)
    one, two = Replica(world, cluster="c-1").lead(), Replica(other, cluster="c-2").lead()
    world.pool(10)
    both = ((world, 10), (other, 50))
    pods = [(w, w.pod(f"p{n}", fixed(), ip=f"10.0.0.{base + n}")) for w, base in both for n in range(5)]
    for _ in range(5):
        one.loop.tick()
        two.loop.tick()
    one.run(5)
    two.run(5)
    assert len({w.label(pod) for w, pod in pods if w.label(pod)}) == 10
    for loop in other.loops:
        loop.stop()


def test_a_pool_without_room_is_waited_for(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    first = world.pod("p", fixed(), ip="10.0.0.5")
    replica.settle()
    second = world.pod("q", fixed(), ip="10.0.0.6")
    replica.run(40)
    assert world.events.reasons(second) == [contract.WAITING]
    world.pods.delete(first)
    assert replica.until(lambda: world.label(second), 5) < 1


def test_a_tag_that_comes_late_is_seen_at_the_next_poll(world: World) -> None:
    replica = Replica(world).lead()
    pod = world.pod("p", fixed())
    replica.run(30)
    world.pool(1)
    assert replica.until(lambda: world.label(pod), 20) <= 16


def test_quota_that_is_raised(world: World) -> None:
    world.ec2.quota = 0
    replica = Replica(world).lead()
    pod = world.pod("p", auto())
    replica.run(30)
    assert any("AddressLimitExceeded" in event.message for _, event in world.events.said)
    world.ec2.quota = 1
    assert replica.until(lambda: world.label(pod), 40) <= 31


def test_a_late_arrival_is_cut_at_the_resync(world: World) -> None:
    replica = Replica(world).lead()
    [address] = world.pool(1)
    pod = world.pod("p", fixed())
    replica.settle()
    world.pods.delete(pod)
    replica.run(5)
    world.ec2.associate(address, at("10.0.0.5"))
    world.pod("stranger", ip="10.0.0.5", created="2")
    replica.run(310, step=2.0)
    assert not world.at_ip("10.0.0.5")
    assert not replica.ledger.pods()


def test_what_somebody_else_associated_is_left_alone(world: World) -> None:
    replica = Replica(world).lead()
    addresses = world.pool(2)
    pod = world.pod("p", fixed())
    replica.settle()
    held = world.at_ip("10.0.0.5")[0].allocation_id
    world.ec2.associate_by_hand(held, at("10.0.0.99"))
    replica.run(400, step=2.0)
    assert [a.allocation_id for a in world.at_ip("10.0.0.99")] == [held]
    assert [a.allocation_id for a in world.at_ip("10.0.0.5")] == [a for a in addresses if a != held]
    assert contract.LOST in world.events.reasons(pod)


def test_the_go_controllers_addresses_are_adopted_as_they_are(world: World) -> None:
    tags = {contract.TAG_TYPE: "auto", contract.TAG_CLUSTER_NAME: "c-1", contract.TAG_POD: "ns/p"}
    address = world.ec2.add_address(tags=tags)
    world.ec2.associate_by_hand(address, at("10.0.0.5"))
    pod = world.pod("p", auto())
    replica = Replica(world).lead()
    replica.run(5)
    assert world.label(pod)
    assert not world.mutations()
    world.pods.delete(pod)
    replica.run(20)
    assert not world.ec2.addresses()


def test_an_empty_table_is_rebuilt(world: World) -> None:
    first = Replica(world).lead()
    world.pool(1)
    kept = [world.pod("f", fixed(), ip="10.0.0.5"), world.pod("a", auto(), ip="10.0.0.6")]
    dead = world.pod("d", auto(), ip="10.0.0.7")
    first.settle()
    labels = [world.label(pod) for pod in kept]
    first.crash()
    world.pods.delete(dead)
    for items in (world.table.pods, world.table.addresses, world.table.installs):
        items.clear()
    second = Replica(world).lead(lease_epoch=7)
    second.run(400, step=2.0)
    assert [world.label(pod) for pod in kept] == labels
    assert not world.at_ip("10.0.0.7")
    assert len(world.ec2.addresses()) == 2


def test_a_refused_target_costs_one_look(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(2)
    replica.settle()
    world.ec2.fail("AssociateAddress", AlreadyAssociated("taken", code="Resource.AlreadyAssociated"))
    pod = world.pod("p", fixed())
    assert replica.until(lambda: world.label(pod), 5) < 1


def test_a_pod_that_drains_keeps_its_address_until_its_containers_end(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.settle()
    world.change(pod, deleting=True)
    replica.run(100)
    assert world.label(pod)
    world.change(pod, drained=True)
    replica.settle()
    assert not world.at_ip("10.0.0.5")


def test_quota_refusals_do_not_stop_other_modes(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    world.ec2.fail("AllocateAddress", QuotaExceeded("full", code="AddressLimitExceeded"), times=1000)
    world.pod("a", auto(), ip="10.0.0.6")
    pod = world.pod("f", fixed())
    replica.settle()
    assert world.label(pod)
