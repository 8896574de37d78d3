"""Faults that a reading of the engine found, about EC2 and bursts; each failed before it was mended."""

import time

import pytest

from controller.core import contract
from controller.core.views import Interface
from state.errors import AccessDenied, InvalidTarget, Throttled
from tests.unit.engine_harness import ENI, IPS, Replica, World, at, auto, fixed

LIMIT_S = 30.0


# ── reads of EC2 that lag, and what other hands do there ──


@pytest.mark.parametrize("annotations", [auto(), fixed()])
def test_a_new_leader_believes_the_ledger_before_a_lagging_read(world: World, annotations: dict[str, str]) -> None:
    first = Replica(world).lead()
    world.pool(1)
    first.settle()
    with world.ec2.stale_reads():
        pod = world.pod("p", annotations)
        first.settle()
        served = world.label(pod)
        before = world.quiet()
        first.crash()
        second = Replica(world).lead()
        second.run(30)
        assert world.quiet() == before
    second.run(400, step=2.0)
    assert world.label(pod) == served
    assert world.quiet() == before


def test_a_foreign_address_at_our_pods_ip_is_not_displaced(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.settle()
    foreign = world.ec2.add_address(tags={"mine": "x"})
    by_hand = world.ec2.associate_by_hand(foreign, at("10.0.0.5"))
    replica.run(400, step=2.0)
    assert [a.allocation_id for a in world.at_ip("10.0.0.5")] == [foreign]
    assert world.label(pod) is None
    world.ec2.disassociate(by_hand)
    replica.run(65)
    assert world.label(pod)


def test_a_pod_that_moves_to_an_ip_with_a_foreign_address_is_told_and_served_when_it_is_gone(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.settle()
    foreign = world.ec2.add_address(tags={"mine": "x"})
    by_hand = world.ec2.associate_by_hand(foreign, at("10.0.0.6"))
    replica.run(310, step=2.0)
    world.change(pod, ip="10.0.0.6")
    replica.run(2)
    assert not world.at_ip("10.0.0.5")
    assert world.events.reasons(pod)[-1] == contract.ASSOCIATION_FAILED
    world.ec2.disassociate(by_hand)
    replica.run(65)
    assert [a.allocation_id for a in world.at_ip("10.0.0.6")] != [foreign]
    assert world.label(pod)


def test_the_former_ip_is_cut_although_the_new_one_is_nowhere(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.settle()
    world.change(pod, ip="10.9.9.9")
    replica.settle()
    assert not world.at_ip("10.0.0.5")
    world.ec2.add_interface(Interface(interface_id=ENI, private_ips=IPS | {"10.9.9.9"}, instance_id="i-1"))
    replica.run(40)
    assert world.at_ip("10.9.9.9")


def test_an_association_without_an_answer_stays_in_doubt_through_later_refusals(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    replica.settle()
    world.ec2.lose_reply("AssociateAddress")
    world.ec2.fail("AssociateAddress", Throttled("slow down"), times=5)
    pod = world.pod("p", fixed())
    replica.run(1.0, step=0.25)
    world.pods.delete(pod)
    replica.run(90)
    assert not world.at_ip("10.0.0.5")


def test_a_missing_permission_does_not_walk_through_the_pool(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(20)
    world.ec2.fail("AssociateAddress", AccessDenied("no", code="UnauthorizedOperation"), times=12)
    pod = world.pod("p", fixed())
    replica.run(30)
    assert len({c.arguments[0] for c in world.ec2.calls if c.operation == "AssociateAddress"}) == 1
    assert replica.until(lambda: world.label(pod), 400) < 350


def test_labels_go_where_ec2_dropped_the_association_of_a_pod_that_became_invalid(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.settle()
    world.change(pod, annotations={contract.ANNOTATION_TYPE: "sometimes"})
    replica.settle()
    assert world.label(pod)
    association = world.at_ip("10.0.0.5")[0].association
    assert association
    world.ec2.disassociate(association.association_id)
    replica.run(310, step=2.0)
    assert world.label(pod) is None


def test_stale_tags_of_the_go_controller_do_not_keep_a_late_arrival(world: World) -> None:
    replica = Replica(world).lead()
    tags = {"pool": "", contract.TAG_TYPE: "fixed-tag", contract.TAG_POD: "ns/p", contract.TAG_CLUSTER_NAME: "c-1"}
    address = world.ec2.add_address(tags=tags)
    pod = world.pod("p", fixed())
    replica.settle()
    world.change(pod, annotations={})
    replica.run(5)
    world.ec2.associate(address, at("10.0.0.5"))
    replica.run(310, step=2.0)
    world.change(pod, annotations=fixed())
    replica.run(40)
    assert world.label(pod)


@pytest.mark.parametrize("scope", ["", "ns"])
def test_a_late_arrival_of_a_pool_address_is_cut_whatever_the_scope(world: World, scope: str) -> None:
    world.pods.scope = scope
    replica = Replica(world).lead()
    [address] = world.pool(1)
    pod = world.pod("p", fixed())
    replica.settle()
    world.pods.delete(pod)
    replica.run(5)
    world.ec2.associate(address, at("10.0.0.5"))
    replica.run(310, step=2.0)
    assert not world.at_ip("10.0.0.5")
    assert "/" not in world.pods.fetches


# ── bursts ──


def test_a_cut_does_not_queue_behind_a_burst(world: World) -> None:
    replica = Replica(world, threads=2).lead()
    world.pool(20)
    pod = world.pod("p", fixed())
    replica.settle()
    with world.ec2.held("AssociateAddress"):
        for n in range(10):
            world.pod(f"q{n}", fixed(), ip=f"10.0.0.{20 + n}")
        replica.loop.tick()
        world.pods.delete(pod)
        replica.loop.tick()
        limit = time.monotonic() + LIMIT_S
        while world.at_ip("10.0.0.5") and time.monotonic() < limit:
            time.sleep(0.01)
        assert not world.at_ip("10.0.0.5")
    assert replica.loop.in_flight_idle(LIMIT_S)


def test_a_pod_that_went_while_its_plan_waited_is_not_served(world: World) -> None:
    replica = Replica(world, threads=1).lead()
    world.pool(3)
    replica.settle()
    with world.ec2.held("AssociateAddress"):
        world.pod("p", fixed(), ip="10.0.0.20")
        late = world.pod("q", fixed(), ip="10.0.0.21", created="2")
        replica.loop.tick()
        world.pods.delete(late)
        world.pod("stranger", ip="10.0.0.21", created="3")
    replica.settle()
    targets = [call.arguments[2] for call in world.ec2.calls if call.operation == "AssociateAddress"]
    assert targets == ["10.0.0.20"]


def test_labels_that_nobody_may_change_do_not_keep_an_association(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed(), gated=True)
    replica.settle()
    for _ in range(20):
        world.pods.fail("patch_labels", AccessDenied("denied by a webhook"))
        world.pods.fail("patch_condition", AccessDenied("denied by a webhook"))
    world.change(pod, finished=True)
    replica.settle()
    assert not world.at_ip("10.0.0.5")
    world.pods.faults.clear()
    replica.run(40)
    assert world.label(pod) is None


def test_the_memory_of_a_term_does_not_grow_with_its_age(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    for n in range(20):
        pod = world.pod(f"p{n}", fixed())
        replica.settle()
        world.pods.delete(pod)
        replica.settle()
    replica.run(4000, step=50.0)
    memory = replica.parts.memory
    assert not memory.cut_ids
    assert not memory.made_at
    assert not memory.pods


def test_a_recent_target_is_kept_for_its_time_though_the_address_looks_idle(world: World) -> None:
    replica = Replica(world).lead()
    [address] = world.pool(1)
    for n in range(14):
        pod = world.pod(f"p{n}", fixed(), ip=f"10.0.0.{20 + n}")
        replica.run(5)
        world.pods.delete(pod)
        replica.run(95, step=5.0)
    world.ec2.associate(address, at("10.0.0.33"))
    replica.run(310, step=2.0)
    assert not world.at_ip("10.0.0.33")
    replica.run(1600, step=20.0)
    assert not world.table.addresses[address].recent


def test_a_claim_that_was_never_associated_is_released_only_after_a_look_of_its_own(world: World) -> None:
    replica = Replica(world).lead()
    replica.settle()
    world.ec2.fail("AssociateAddress", InvalidTarget("not on the interface"), times=100)
    pod = world.pod("p", auto())
    replica.run(70)
    [address] = world.ec2.addresses()
    world.ec2.tag(address.allocation_id, {**address.tags, contract.TAG_TYPE: "mine"})
    world.pods.delete(pod)
    replica.run(60)
    assert [a.allocation_id for a in world.ec2.addresses()] == [address.allocation_id]
    assert not replica.ledger.pods()
