"""Faults that a reading of the engine found, about rest, waking and the ledger; each failed before it was mended."""

import threading
from collections.abc import Sequence

import pytest

from controller.core.views import Interface
from state.errors import QuotaExceeded, Throttled, Unavailable
from state.model import InterfaceId, PoolQueue
from tests.fakes.kube import FakePods
from tests.unit.engine_harness import Replica, World, at, auto, fixed

LIMIT_S = 30.0


# ── loops that never come to rest, and Pods that nobody wakes ──


def test_a_pod_that_the_cache_does_not_show_yet_is_asked_about_with_a_backoff(world: World) -> None:
    first = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    first.settle()
    first.crash()
    world.pods = FakePods(pods=world.pods.pods, stale=True)
    second = Replica(world).lead()
    second.run(20)
    assert 0 < len(world.pods.fetches) < 12
    assert world.at_ip("10.0.0.5")
    world.pods.relist()
    second.loop.wake([pod])
    second.run(31)
    assert len(world.mutations()) == 1


def test_a_pod_that_is_not_there_is_not_patched_again_and_again(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    world.pods.stale = True
    world.pods.delete(pod)
    replica.run(60)
    assert len(world.ec2.calls) < 6


@pytest.mark.parametrize("annotations", [auto(), fixed()])
def test_a_live_pod_whose_ip_has_a_newer_pod_is_not_served_over_and_over(
    world: World, annotations: dict[str, str]
) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    world.pod("p", annotations, created="1")
    replica.settle()
    world.pod("stranger", created="2")
    replica.run(120)
    assert not world.at_ip("10.0.0.5")
    assert len(world.mutations()) <= 4


def test_a_pod_without_an_ip_leaves_its_former_ip_to_whoever_has_it(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.settle()
    world.change(pod, ip="")
    world.pod("stranger", created="2")
    replica.settle()
    assert not world.at_ip("10.0.0.5")


def test_one_pod_that_we_stumble_over_stops_no_other(world: World) -> None:
    prefix = Interface(
        interface_id=InterfaceId("eni-p"), private_ips=frozenset({"10.7.0.1"}), prefixes=("10.8.0.0/28",)
    )
    world.ec2.add_interface(prefix)
    replica = Replica(world).lead()
    world.pool(3)
    world.pod("first", fixed(), ip="10.7.0.1")
    replica.settle()
    world.pods.stale = True
    world.pod("bad", fixed(), ip="no IP at all")
    good = world.pod("good", fixed(), ip="10.0.0.6")
    world.pods.relist()
    replica.settle()
    assert world.label(good)
    assert replica.loop.failures


def test_who_waits_for_an_ip_is_served_as_soon_as_it_is_free(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(2)
    first = world.pod("p", fixed())
    replica.settle()
    world.ec2.fail("DisassociateAddress", Throttled("slow down"), times=6)
    world.pods.delete(first)
    second = world.pod("q", fixed(), created="2")
    replica.until(lambda: replica.ledger.pod(first) is None, 120, step=0.1)
    assert replica.until(lambda: world.label(second), 60, step=0.1) <= 0.3


# ── lost answers of the ledger ──


def test_an_intent_that_was_written_unheard_goes_with_its_pod(world: World) -> None:
    replica = Replica(world).lead()
    replica.settle()
    replica.ledger.lose_next()
    pod = world.pod("p", auto())
    replica.settle()
    assert world.table.pods
    world.pods.delete(pod)
    replica.run(310, step=2.0)
    assert not world.table.pods
    assert not world.mutations()


def test_a_claim_that_was_forgotten_without_an_answer_blocks_nobody(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(2)
    first = world.pod("p", fixed())
    replica.settle()
    replica.ledger.lose_next()
    world.pods.delete(first)
    replica.run(20)
    second = world.pod("q", fixed(), created="2")
    replica.run(5)
    assert world.label(second)


def test_a_claim_without_an_answer_and_without_a_pod_is_given_up(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    replica.settle()
    replica.ledger.lose_next()
    first = world.pod("p", fixed())
    replica.loop.tick()
    assert replica.loop.in_flight_idle(LIMIT_S)
    world.pods.delete(first)
    replica.run(400, step=2.0)
    second = world.pod("q", fixed(), ip="10.0.0.7", created="2")
    replica.run(20)
    assert world.label(second)


def test_an_address_that_was_given_up_once_can_be_claimed_again(world: World) -> None:
    replica = Replica(world).lead()
    pod = world.pod("p", auto())
    replica.settle()
    own = world.at_ip("10.0.0.5")[0].allocation_id
    by_hand = world.ec2.associate_by_hand(own, at("10.0.0.99"))
    world.ec2.fail("AllocateAddress", QuotaExceeded("full", code="AddressLimitExceeded"), times=1000)
    replica.run(400, step=2.0)
    world.ec2.disassociate(by_hand)
    replica.run(400, step=2.0)
    assert world.label(pod)


def test_the_heartbeat_never_pauses_for_twice_its_time(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    replica.settle()
    world.clock.now += 1.1
    world.pod("p", fixed())
    pauses = []
    for _ in range(100):
        replica.run(1, step=1.0)
        pauses.append(replica.ledger.seconds_since_write())
    assert max(pauses) <= 32


class HungLedger:
    """A heartbeat whose table does not answer until the test lets it."""

    def __init__(self) -> None:
        self.answer = threading.Event()

    def heartbeat(self, queues: Sequence[PoolQueue] | None = None) -> None:
        """Wait."""
        self.answer.wait(LIMIT_S)

    def seconds_since_write(self) -> float:
        """Long."""
        return 40.0


def test_a_table_that_does_not_answer_holds_up_no_cut(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.settle()
    assert replica.loop.opened
    hung = HungLedger()
    replica.loop.opened.housekeeping.heartbeats = hung
    world.clock.now += 40
    world.pods.delete(pod)
    replica.loop.tick()
    assert replica.loop.in_flight_idle(LIMIT_S)
    hung.answer.set()
    assert not world.at_ip("10.0.0.5")


def test_what_is_gone_is_cut_once_while_the_table_is_down(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(3)
    pods = [world.pod(f"p{n}", fixed(), ip=f"10.0.0.{10 + n}") for n in range(3)]
    replica.settle()
    for _ in range(2000):
        replica.ledger.fail_next(Unavailable("down"))
    for pod in pods:
        world.pods.delete(pod)
    replica.run(100)
    assert not [a for a in world.ec2.addresses() if a.association]
    assert world.ec2.count("DisassociateAddress") == 3


def test_an_item_that_cannot_be_read_holds_up_no_comparison_with_ec2(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(2)
    gone, stays = (world.pod(name, fixed(), ip=ip) for name, ip in (("gone", "10.0.0.20"), ("stays", "10.0.0.21")))
    replica.settle()
    (late,), (other,) = world.at_ip("10.0.0.20"), world.at_ip("10.0.0.21")
    world.pods.delete(gone)
    replica.settle()
    world.table.unreadable.add(late.allocation_id)
    world.ec2.associate(late.allocation_id, at("10.0.0.20"))  # a late arrival: the comparison writes about it
    assert other.association is not None
    world.ec2.disassociate(other.association.association_id)
    replica.until(lambda: world.at_ip("10.0.0.21"), limit_s=310)
    assert world.label(stays) == other.public_ip


def test_an_address_whose_item_cannot_be_read_keeps_no_pod_from_another_one(world: World) -> None:
    replica = Replica(world).lead()
    addresses = world.pool(2)
    before = world.pod("before", fixed())
    replica.settle()
    (had,) = world.at_ip("10.0.0.5")
    world.pods.delete(before)
    replica.settle()
    world.table.unreadable |= {*addresses} - {had.allocation_id}  # one that nobody had is offered before it
    pod = world.pod("p", fixed(), ip="10.0.0.6")
    replica.until(lambda: world.label(pod), limit_s=10)
    assert world.label(pod) == had.public_ip
