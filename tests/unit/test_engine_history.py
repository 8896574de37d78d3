"""A free address is released by itself only if the table expects it: tags alone can be forged.

What a call of ours brings late is expected for as long as a call can be late, whoever leads by then.
"""

from collections.abc import Mapping

import pytest

from controller.core import contract
from controller.core.policy import parse
from controller.core.remembered import is_remembered, remembered_uid
from state.errors import Unavailable
from state.model import AllocationId, Phase, PodRecord, PodUid
from tests.unit.engine_harness import CONSISTENCY_S, RESYNC_S, Replica, World, auto, fixed

MINUTE_S = 60.0
LOST = Unavailable("no answer", code="ReadTimeoutError")


def tags_for(uid: str) -> Mapping[str, str]:
    """What an address of this Pod of cluster c-1 carries from AllocateAddress on, and what a forger writes."""
    return {
        contract.TAG_TYPE: "auto",
        contract.TAG_CLUSTER_NAME: "c-1",
        contract.TAG_CLUSTER_UID: "c-1",
        contract.TAG_POD: f"ns/{uid}",
        contract.TAG_POD_UID: uid,
    }


def arrives(world: World, uid: str = "p") -> AllocationId:
    """A late AllocateAddress for this Pod reaches EC2; or somebody writes its tags on an address of theirs."""
    return world.ec2.add_address(tags=dict(tags_for(uid)))


def is_there(world: World, allocation_id: AllocationId) -> bool:
    """Whether EC2 has it, associated with nothing."""
    return any(a.allocation_id == allocation_id and a.association is None for a in world.ec2.addresses())


def remembered(replica: Replica) -> list[PodRecord]:
    """The remembered intents of the table."""
    return [record for uid, record in replica.ledger.pods().items() if is_remembered(uid)]


def reported(replica: Replica, allocation_id: AllocationId) -> bool:
    """Whether people are told of it."""
    assert replica.loop.opened is not None
    return any(allocation_id in report for report in replica.loop.opened.housekeeping.reports() or ())


def unanswered(world: World, replica: Replica, uid: str = "p") -> PodUid:
    """A Pod whose AllocateAddress had no answer, and has not arrived."""
    world.ec2.fail("AllocateAddress", LOST)
    pod = world.pod(uid, auto())
    replica.settle()
    assert replica.ledger.pods()[pod].phase is Phase.INTENT
    return pod


@pytest.mark.parametrize("named", ["gone", "served", "pool", "plain", "waits", "never"])
def test_forged_tags_release_nothing_and_are_reported(
    world: World, caplog: pytest.LogCaptureFixture, named: str
) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    world.pod("served", auto(), ip="10.0.0.5")
    world.pod("pool", fixed(), ip="10.0.0.6")
    world.pod("plain", ip="10.0.0.7")
    world.pod("waits", auto(), ip="")
    gone = world.pod("gone", auto(), ip="10.0.0.8")
    replica.settle()
    world.pods.delete(gone)
    replica.run(20)
    before = len(world.mutations())
    forged = arrives(world, named)
    for minutes in (10, 10, 40):
        replica.run(minutes * MINUTE_S, step=5.0)
        assert is_there(world, forged)
    assert len(world.mutations()) == before
    assert reported(replica, forged)
    assert len([r for r in caplog.records if r.getMessage().startswith("left alone") and forged in r.getMessage()]) == 1


def test_forged_tags_are_not_served_to_the_pod_that_they_name(world: World) -> None:
    """Nor is it released with that Pod afterwards: whoever knows a Pod's UID could give it any free address."""
    replica = Replica(world).lead()
    replica.settle()
    forged = arrives(world)
    pod = world.pod("p", auto())
    replica.settle()
    assert world.label(pod)
    assert is_there(world, forged)
    world.pods.delete(pod)
    replica.run(30 * MINUTE_S, step=5.0)
    assert [a.allocation_id for a in world.ec2.addresses()] == [forged]


@pytest.mark.parametrize("minutes", [2, 10, 19])
@pytest.mark.parametrize("dies", [False, True], ids=["the leader lives", "another leads"])
def test_a_late_allocation_is_released_though_its_pod_is_long_gone(world: World, minutes: int, dies: bool) -> None:
    replica = Replica(world).lead()
    pod = unanswered(world, replica)
    world.pods.delete(pod)
    replica.run(1.5 * MINUTE_S)
    assert [record.uid for record in replica.ledger.pods().values()] == [remembered_uid(pod)]
    if dies:
        replica.crash()
        replica = Replica(world).lead()
    replica.run((minutes - 1.5) * MINUTE_S, step=5.0)
    late = arrives(world)
    replica.until(lambda: not is_there(world, late), RESYNC_S + 40, step=2.0)
    assert not world.ec2.addresses()


def test_a_late_allocation_is_released_though_its_pod_has_another_by_now(world: World) -> None:
    replica = Replica(world).lead()
    pod = unanswered(world, replica)
    replica.until(lambda: world.label(pod), 100)
    assert remembered(replica)
    late = arrives(world)
    replica.until(lambda: not is_there(world, late), RESYNC_S + 40, step=2.0)
    assert world.label(pod)
    world.pods.delete(pod)
    replica.run(2 * MINUTE_S)
    later = arrives(world)
    replica.until(lambda: not is_there(world, later), RESYNC_S + 40, step=2.0)
    assert not world.ec2.addresses()


def test_a_late_allocation_is_released_though_its_pod_asks_for_something_else_by_now(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = unanswered(world, replica)
    world.change(pod, annotations=fixed())
    replica.until(lambda: world.label(pod), 100)
    late = arrives(world)
    replica.until(lambda: not is_there(world, late), RESYNC_S + 40, step=2.0)
    assert world.label(pod)


def test_nothing_is_remembered_for_longer_than_a_call_can_live(world: World) -> None:
    replica = Replica(world).lead()
    world.pods.delete(unanswered(world, replica))
    replica.run(1.5 * MINUTE_S)
    replica.run(20 * MINUTE_S, step=5.0)
    assert remembered(replica)
    replica.run(2 * RESYNC_S + CONSISTENCY_S, step=5.0)
    assert not replica.ledger.pods()
    forged = arrives(world)
    replica.run(60 * MINUTE_S, step=5.0)
    assert is_there(world, forged)
    assert reported(replica, forged)


def test_what_is_remembered_again_is_remembered_for_its_whole_time(world: World) -> None:
    replica = Replica(world).lead()
    pod = unanswered(world, replica)
    world.change(pod, annotations={})
    replica.run(15 * MINUTE_S, step=5.0)
    world.ec2.fail("AllocateAddress", LOST)
    world.change(pod, annotations=auto())
    replica.settle()
    world.pods.delete(pod)
    replica.run(15 * MINUTE_S, step=5.0)
    late = arrives(world)
    replica.until(lambda: not is_there(world, late), RESYNC_S + 40, step=2.0)


@pytest.mark.parametrize("fault", ["lost", "unknown"])
def test_an_intent_is_remembered_though_the_table_does_not_answer(world: World, fault: str) -> None:
    replica = Replica(world).lead()
    pod = unanswered(world, replica)
    replica.run(CONSISTENCY_S - 10)
    (replica.ledger.fail_next if fault == "lost" else replica.ledger.lose_next)(LOST)
    world.pods.delete(pod)
    replica.run(RESYNC_S, step=2.0)
    assert [record.uid for record in replica.ledger.pods().values()] == [remembered_uid(pod)]
    replica.run(30 * MINUTE_S, step=5.0)
    assert not replica.ledger.pods()


def test_a_life_without_faults_remembers_nothing(world: World) -> None:
    replica = Replica(world).lead()
    before = replica.ledger.commits
    pod = world.pod("p", auto())
    replica.settle()
    world.pods.delete(pod)
    replica.run(20)
    assert replica.ledger.commits - before == 5  # intent, claim, record; releasing, forgotten
    assert not replica.ledger.pods()


def test_an_answer_that_is_found_by_its_tags_remembers_nothing(world: World) -> None:
    replica = Replica(world).lead()
    replica.settle()
    world.ec2.lose_reply("AllocateAddress")
    pod = world.pod("p", auto())
    replica.until(lambda: world.label(pod), 70)
    assert not remembered(replica)


@pytest.mark.parametrize("lease_epoch", [0, 7], ids=["the Lease is lost too", "the Lease knows"])
def test_of_a_table_that_was_lost_nothing_is_released_that_it_does_not_know(world: World, lease_epoch: int) -> None:
    first = Replica(world).lead()
    world.pods.delete(unanswered(world, first))
    first.run(1.5 * MINUTE_S)
    first.crash()
    for items in (world.table.pods, world.table.addresses, world.table.installs):
        items.clear()
    late = arrives(world)
    second = Replica(world).lead(lease_epoch=lease_epoch)
    second.run(60 * MINUTE_S, step=5.0)
    assert is_there(world, late)
    assert reported(second, late)


def test_of_a_table_that_was_restored_only_what_it_remembers_is_released(world: World) -> None:
    first = Replica(world).lead()
    world.pods.delete(unanswered(world, first))
    first.run(1.5 * MINUTE_S)
    backup = dict(world.table.pods)
    world.pods.delete(unanswered(world, first, "q"))
    first.run(1.5 * MINUTE_S)
    first.crash()
    world.table.pods = backup
    known, unknown = arrives(world), arrives(world, "q")
    second = Replica(world).lead(lease_epoch=7)
    second.run(20 * MINUTE_S, step=5.0)
    assert not is_there(world, known)
    assert is_there(world, unknown)
    assert reported(second, unknown)


def test_a_remembered_intent_takes_no_place_in_a_limit_and_shows_as_no_pod(world: World) -> None:
    replica = Replica(world).lead()
    world.pods.delete(unanswered(world, replica))
    replica.run(1.5 * MINUTE_S)
    [kept] = replica.ledger.pods()
    assert kept not in replica.parts.memory.pods
    world.policy = parse("limits: [{name: one, namespaces: [ns], addresses: 1}]")
    other = world.pod("q", auto(), ip="10.0.0.6")
    replica.settle()
    assert kept in replica.ledger.pods()
    assert world.label(other)


def test_the_loop_leaves_a_remembered_intent_to_the_comparison(world: World) -> None:
    replica = Replica(world).lead()
    world.pods.delete(unanswered(world, replica))
    replica.run(1.5 * MINUTE_S)
    standing = replica.ledger.pods()
    replica.loop.wake(set(standing))
    replica.run(2 * MINUTE_S)
    assert replica.ledger.pods() == standing


def test_a_pod_keeps_one_of_what_its_intents_brought(world: World) -> None:
    replica = Replica(world).lead()
    pod = unanswered(world, replica)
    world.change(pod, annotations={})
    replica.run(1.5 * MINUTE_S)
    arrives(world)
    world.change(pod, annotations=auto())
    replica.run(RESYNC_S + 40, step=2.0)
    assert [a.public_ip for a in world.ec2.addresses()] == [world.label(pod)]
