"""The election with real threads: epochs that cannot be raised, fences, hung loops, threads that break."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from controller.core.candidacy import EndReason
from controller.core.views import Term
from state.errors import Unavailable
from state.model import Epoch
from tests.fakes.lease import Fault
from tests.unit.replicas import BRISK, TIMINGS, Cluster, EpochTable, Replica, cluster, eventually, renewed


@pytest.fixture
def world() -> Iterator[Cluster]:
    with cluster() as it:
        yield it


STUCK_S = 4.0
QUICK = replace(TIMINGS, renew_deadline=STUCK_S, call_timeout=BRISK.call_timeout)
"""A loop that hangs is noticed within seconds; a Lease still expires only after minutes."""


def broken_table(error: Exception, times: int = 1000) -> EpochTable:
    table = EpochTable(faults=[error] * times)
    table.gate.set()
    return table


def term_of(replica: Replica) -> Term:
    term = replica.leadership.term
    assert term
    return term


def epochs_told(world: Cluster) -> list[Epoch]:
    return sorted(told.epoch for replica in world.replicas for told in replica.told if isinstance(told, Term))


@pytest.mark.parametrize("error", [Unavailable("no DynamoDB"), RuntimeError("a bug")])
def test_who_cannot_raise_the_epoch_lets_another_lead(world: Cluster, error: Exception) -> None:
    poor = world.add(table=broken_table(error))
    poor.elector.start()
    eventually(lambda: poor.table.calls)
    (rich,) = world.start()
    assert rich.may_act()
    assert not poor.told
    assert poor.elector.alive


def test_a_single_replica_tries_again(world: Cluster) -> None:
    replica = world.add(table=broken_table(Unavailable("no DynamoDB"), times=2))
    replica.elector.start()
    eventually(replica.may_act)
    assert len(replica.table.calls) == 3


def test_a_term_that_cannot_be_started_ends(world: Cluster) -> None:
    world.timings = replace(TIMINGS, call_timeout=BRISK.call_timeout)  # the Lease is released only after that long
    replica = world.add()
    replica.start_fault = Unavailable("cannot read the ledger")
    replica.elector.start()
    eventually(lambda: replica.stopped_for(EndReason.NOT_BEGUN))
    eventually(lambda: isinstance(replica.told[-1], Term))
    assert term_of(replica).epoch == 2


def test_a_fenced_term_ends_at_once_and_the_next_needs_a_later_renewal(world: Cluster) -> None:
    (leader,) = world.start()
    old = term_of(leader)
    world.table.epoch = 41
    world.table.gate.clear()  # else the next term may have begun before we look
    fenced, written = time.monotonic(), len(world.server.history)
    leader.leadership.fence(old.epoch)
    assert not leader.may_act()
    assert leader.leadership.deadline <= time.monotonic()
    world.table.gate.set()
    eventually(leader.may_act)
    assert term_of(leader).epoch == Epoch(42)
    assert len(world.server.history) > written
    assert leader.leadership.deadline > fenced + TIMINGS.renew_deadline
    eventually(lambda: [type(told) for told in leader.told] == [Term, EndReason, Term])


def test_a_fence_is_acted_on_without_waiting_for_the_next_renewal(world: Cluster) -> None:
    world.timings = replace(TIMINGS, retry_period=60)
    (leader,) = world.start()
    fenced = time.monotonic()
    leader.leadership.fence(term_of(leader).epoch)
    eventually(lambda: leader.stopped_for(EndReason.FENCED))
    assert time.monotonic() - fenced < world.timings.retry_period / 2


def test_an_epoch_that_comes_after_the_hold_was_lost_opens_no_term(world: Cluster) -> None:
    world.table.gate.clear()
    replica = world.add()
    replica.elector.start()
    eventually(lambda: world.table.calls)
    world.server.edit(lambda lease: replace(lease, holder="somebody"))
    eventually(lambda: replica.elector.holder() == "somebody")
    world.server.edit(lambda lease: replace(lease, holder=""))
    eventually(lambda: replica.elector.holder() == "r0")
    world.table.gate.set()
    eventually(lambda: replica.told)
    assert [told.epoch for told in replica.told if isinstance(told, Term)] == [2]


def test_a_fenced_leader_that_cannot_renew_begins_no_term(world: Cluster) -> None:
    (leader,) = world.start()
    leader.client.cut = True
    leader.leadership.fence(term_of(leader).epoch)
    eventually(lambda: leader.stopped_for(EndReason.FENCED))
    tried = len(leader.client.calls)
    eventually(lambda: len(leader.client.calls) > tried + 5)
    assert len(world.table.calls) == 1
    assert not leader.may_act()


def test_a_zombie_does_not_lead(world: Cluster) -> None:
    world.timings = QUICK
    zombie, standby = world.start(2)
    zombie.woken = time.monotonic()
    eventually(standby.may_act, QUICK.lease_duration / 4)
    eventually(lambda: zombie.stopped_for(EndReason.STUCK))
    assert zombie.elector.stuck
    assert any(lease and not lease.holder for lease in world.server.history)
    zombie.woken = None
    assert not zombie.elector.stuck


def test_control_a_progress_that_always_moves_lets_a_zombie_lead(world: Cluster) -> None:
    world.timings = QUICK
    zombie, standby = world.start(2)
    hung = time.monotonic()
    eventually(lambda: time.monotonic() > hung + STUCK_S + 0.5)
    eventually(zombie.may_act)
    assert not zombie.stopped_for(EndReason.STUCK)
    assert not standby.may_act()


def test_a_stuck_replica_leads_again_once_its_loop_wakes(world: Cluster) -> None:
    world.timings = QUICK
    (replica,) = world.start()
    replica.woken = time.monotonic()
    eventually(lambda: replica.elector.stuck and not replica.elector.holder())
    replica.woken = None
    eventually(replica.may_act)


def test_a_bug_in_the_store_is_counted_and_survived(world: Cluster) -> None:
    (leader,) = world.start()

    def bug() -> None:
        raise RuntimeError("a bug")

    leader.client.faults.append(Fault(before=bug))
    eventually(lambda: leader.elector.failures == 1)
    assert renewed(leader)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_end_of_the_election_thread_ends_leadership(world: Cluster) -> None:
    (leader,) = world.start()

    def die() -> None:
        raise SystemExit

    leader.client.faults.append(Fault(before=die))
    eventually(lambda: not leader.elector.alive)
    assert not leader.may_act()
    assert leader.leadership.term is None


def test_three_replicas_pass_the_lease_on_and_each_term_has_a_higher_epoch(world: Cluster) -> None:
    replicas = world.start(3)
    for _ in range(2):
        leader = next(replica for replica in replicas if replica.may_act())
        leader.elector.release(lambda _limit_s: True)
        replicas.remove(leader)
        eventually(lambda: any(replica.may_act() for replica in replicas))
    eventually(lambda: len(epochs_told(world)) == 3)  # a replica may act a moment before it tells so
    assert epochs_told(world) == [1, 2, 3]


def writes(replica: Replica) -> int:
    """How often it wrote the Lease."""
    return sum(call in ("create", "update") for call in replica.client.calls)


def test_a_beginning_that_hangs_is_seen_and_takes_the_lease_from_nobody(world: Cluster) -> None:
    """Its thread is lost to that call, so it could begin no other term. Once the call is back, it may lead again."""
    world.timings = BRISK
    world.table.gate.clear()
    replica = world.add()
    replica.elector.start()
    eventually(lambda: replica.elector.beginning_s() > 2 * BRISK.lease_duration)
    eventually(lambda: replica.elector.holder() == "")
    written, read = writes(replica), len(replica.client.calls)
    eventually(lambda: len(replica.client.calls) > read + 20)
    assert writes(replica) == written
    world.table.gate.set()
    eventually(replica.may_act)
    assert replica.elector.beginning_s() == 0.0
