"""The election with real threads: winning, handing over, and what ends a term."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from controller.core.candidacy import EndReason
from controller.core.views import Term
from state.errors import ObjectNotFound, Unavailable
from state.model import Epoch
from tests.fakes.lease import Fault, lost_reply, lost_request
from tests.unit.replicas import BRISK, TIMINGS, Cluster, cluster, eventually, renewed


@pytest.fixture
def world() -> Iterator[Cluster]:
    with cluster() as it:
        yield it


def idle(limit_s: float) -> bool:
    """Nothing is in flight."""
    return True


def busy(limit_s: float) -> bool:
    """A call does not end."""
    return False


# ── winning ──


def test_the_only_replica_leads_and_says_so_on_the_lease(world: Cluster) -> None:
    (leader,) = world.start()
    eventually(lambda: leader.told)
    assert leader.told == [leader.leadership.term]
    assert [(told.identity, told.epoch) for told in leader.told if isinstance(told, Term)] == [("r0", Epoch(1))]
    eventually(lambda: leader.elector.epoch() == 1)
    assert leader.elector.holder() == "r0"
    assert str(leader.elector.lease and leader.elector.lease.acquired).endswith("Z")
    assert leader.elector.alive


def test_a_standby_knows_the_leader_and_does_not_act(world: Cluster) -> None:
    _, standby = world.start(2)
    eventually(lambda: (standby.elector.holder(), standby.elector.epoch()) == ("r0", 1))
    assert not standby.may_act()
    assert standby.told == []


def test_renewals_go_on_and_the_deadline_moves_with_them(world: Cluster) -> None:
    (leader,) = world.start()
    first, held = leader.leadership.deadline, len(world.server.history)
    eventually(lambda: leader.leadership.deadline > first and len(world.server.history) > held + 3)
    assert leader.leadership.deadline <= time.monotonic() + TIMINGS.renew_deadline


def test_the_deadline_counts_from_before_the_renewal_was_sent(world: Cluster) -> None:
    (leader,) = world.start()
    sent: list[float] = []
    hung = threading.Event()
    slow = Fault(before=lambda: sent.append(time.monotonic()), after=lambda: _pass(0.2))
    leader.client.faults.extend([slow, Fault(before=lambda: _hang(hung))])
    eventually(lambda: not leader.client.faults)  # the slow one was answered, the next one hangs
    assert leader.leadership.deadline <= sent[0] + TIMINGS.renew_deadline
    hung.set()


def test_a_slow_epoch_does_not_hold_up_renewals(world: Cluster) -> None:
    world.table.gate.clear()
    slow = world.add()
    slow.elector.start()
    eventually(lambda: len(world.server.history) > 5)
    assert not slow.may_act()
    world.table.gate.set()
    eventually(slow.may_act)


# ── handing over ──


def test_a_released_lease_is_taken_before_the_next_look_at_it(world: Cluster) -> None:
    world.timings = replace(TIMINGS, retry_period=60)
    leader, standby = world.start(2)
    began = time.monotonic()
    assert leader.elector.release(idle)
    took = time.monotonic() - began
    eventually(lambda: len(world.table.calls) == 2)
    assert took < TIMINGS.call_timeout / 2
    assert world.table.calls[1][0] - began < world.timings.retry_period / 2
    eventually(standby.may_act)
    eventually(lambda: leader.stopped_for(EndReason.RELEASED))
    assert leader.told[-1] is EndReason.RELEASED
    freed = next(lease for lease in world.server.history if lease and not lease.holder)
    assert (freed.duration_s, freed.epoch) == (1, 1)


def test_without_a_watch_a_released_lease_is_found_by_looking(world: Cluster) -> None:
    leader, standby = world.start(1)[0], world.add()
    standby.client.watch_broken = True
    standby.elector.start()
    eventually(standby.elector.holder)
    assert leader.elector.release(idle)
    eventually(standby.may_act, TIMINGS.lease_duration / 4)
    eventually(lambda: standby.elector.failures > 0)


def test_a_watch_that_hears_nothing_is_made_up_for_by_looking(world: Cluster) -> None:
    leader, standby = world.start(2)
    standby.client.deaf = True
    assert leader.elector.release(idle)
    eventually(standby.may_act, TIMINGS.lease_duration / 4)


def test_release_waits_for_what_is_in_flight_and_nothing_starts_meanwhile(world: Cluster) -> None:
    (leader,) = world.start()
    seen: list[tuple[bool, str]] = []

    def in_flight(limit_s: float) -> bool:
        assert limit_s == TIMINGS.call_timeout
        lease = world.server.lease
        seen.append((leader.may_act(), lease.holder if lease else ""))
        return True

    assert leader.elector.release(in_flight)
    assert seen == [(False, "r0")]


def test_a_call_that_does_not_end_leaves_the_lease_to_expire(world: Cluster) -> None:
    (leader,) = world.start()
    assert not leader.elector.release(busy)
    assert world.server.lease
    assert world.server.lease.holder == "r0"
    assert not leader.may_act()


def test_a_lease_acquired_by_a_write_whose_reply_never_came_is_released_too(world: Cluster) -> None:
    replica = world.add()
    replica.client.faults.append(Fault(only="create", error=Unavailable("timed out"), after=replica.elector.stop))
    replica.elector.start()
    eventually(lambda: world.server.lease)
    assert replica.elector.release(idle)
    assert world.server.lease
    assert world.server.lease.holder == ""


def test_a_missing_namespace_is_not_asked_for_in_haste(world: Cluster) -> None:
    replica = world.add()
    replica.client.faults.append(Fault(only="create", sent=False, error=ObjectNotFound("no such namespace")))
    began = time.monotonic()
    replica.elector.start()
    eventually(replica.may_act)
    assert time.monotonic() - began >= TIMINGS.retry_period


def test_a_standby_that_shuts_down_leaves_the_lease_alone(world: Cluster) -> None:
    leader, standby = world.start(2)
    assert not standby.elector.release(idle)
    eventually(lambda: not standby.elector.alive)
    assert standby.told == []
    assert leader.may_act()
    assert all(lease is None or lease.holder == "r0" for lease in world.server.history)


def test_a_dead_leader_is_replaced_within_the_lease_and_one_retry(world: Cluster) -> None:
    world.timings = replace(BRISK, lease_duration=5, renew_deadline=4)
    leader, standby = world.start(2)
    leader.client.cut = True
    began = time.monotonic()
    eventually(standby.may_act)
    assert world.table.calls[-1][0] - began < world.timings.lease_duration + 2  # as the design promises


# ── what ends a term, and what does not ──


def test_a_leader_cut_off_stops_before_another_starts(world: Cluster) -> None:
    world.timings = BRISK
    leader, standby = world.start(2)
    leader.client.cut = True
    eventually(standby.may_act)
    assert not leader.may_act()
    assert leader.leadership.deadline < world.table.calls[-1][0]
    eventually(lambda: leader.stopped_for(EndReason.EXPIRED))


def test_a_call_that_never_returns_does_not_prolong_the_term(world: Cluster) -> None:
    world.timings = BRISK
    leader, standby = world.start(2)
    hung = threading.Event()
    leader.client.faults.append(Fault(before=lambda: _hang(hung)))
    eventually(standby.may_act)
    assert not leader.may_act()
    hung.set()
    eventually(lambda: leader.stopped_for(EndReason.EXPIRED) or leader.stopped_for(EndReason.LOST))


def test_a_deleted_lease_ends_the_term_and_the_epoch_still_grows(world: Cluster) -> None:
    (leader,) = world.start()
    eventually(lambda: leader.elector.epoch() == 1)
    world.server.delete()
    eventually(lambda: leader.stopped_for(EndReason.GONE))
    eventually(leader.may_act)
    assert world.table.calls[-1][1] == 1
    eventually(lambda: leader.elector.epoch() == 2)


def test_a_lease_given_to_another_by_hand_ends_the_term(world: Cluster) -> None:
    (leader,) = world.start()
    world.server.edit(lambda lease: replace(lease, holder="somebody"))
    eventually(lambda: leader.stopped_for(EndReason.LOST))
    assert not leader.may_act()


def test_a_copied_identity_ends_the_term(world: Cluster) -> None:
    (leader,) = world.start()
    world.server.edit(lambda lease: replace(lease, renewed="2026-01-01T00:00:00.000000Z"))
    eventually(lambda: leader.stopped_for(EndReason.LOST))


def test_a_note_on_the_lease_costs_no_term(world: Cluster) -> None:
    (leader,) = world.start()
    for _ in range(5):
        world.server.edit(lambda lease: lease)
        assert renewed(leader)
    assert leader.may_act()
    eventually(lambda: leader.told)
    assert [type(told) for told in leader.told] == [Term]


@pytest.mark.parametrize("fault", [lost_request, lost_reply])
def test_a_lost_renewal_costs_no_term(world: Cluster, fault: type[Fault]) -> None:
    (leader,) = world.start()
    for _ in range(3):
        leader.client.faults.append(fault())
        eventually(lambda: not leader.client.faults)
        assert renewed(leader)
    assert leader.may_act()
    eventually(lambda: leader.told)
    assert [type(told) for told in leader.told] == [Term]


def test_an_acquisition_whose_reply_is_lost_is_taken_up(world: Cluster) -> None:
    replica = world.add()
    replica.client.faults.append(lost_reply("create"))
    replica.elector.start()
    eventually(replica.may_act)
    assert [call[1] for call in world.table.calls] == [0]


def _hang(until: threading.Event) -> None:
    assert until.wait(30)


def _pass(seconds: float) -> None:
    end = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= end)
