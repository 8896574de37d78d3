"""The rules of the election for the holder: renewing, resigning, beginning a term, being fenced."""

from dataclasses import replace

import pytest

from controller.core import candidacy
from controller.core.candidacy import EndReason, Stage, View
from controller.core.election import (
    Acquire,
    Begin,
    Follow,
    Hold,
    Look,
    ReleaseLease,
    Renew,
    Resign,
    step,
)
from controller.core.lease import Lease
from tests.unit.election_views import ME, OTHER, T0, THEIRS, leading, seen

# ── leading ──


def test_the_deadline_counts_from_when_the_renewal_was_sent() -> None:
    assert leading(at=T0).deadline == T0 + 10
    assert seen(THEIRS).deadline == float("-inf")


def test_the_epoch_is_begun_at_once_on_winning_above_the_leases() -> None:
    assert step(leading(stage=Stage.IDLE), T0, "s") == Begin(epoch=7)


def test_a_renewal_comes_each_retry_period_and_keeps_what_it_must() -> None:
    view = leading()
    assert step(view, T0 + 1, "s2") == Hold(until=T0 + 2)
    decision = step(view, T0 + 2, "s2")
    assert isinstance(decision, Renew)
    lease = decision.lease
    assert (lease.holder, lease.version, lease.acquired, lease.renewed) == (ME, "51", "s1", "s2")
    assert (lease.transitions, lease.epoch) == (4, 7)


def test_a_raised_epoch_goes_onto_the_lease_at_once() -> None:
    view = candidacy.began(leading(stage=Stage.BEGINNING), 12, T0 + 0.1)
    decision = step(view, T0 + 0.1, "s")
    assert isinstance(decision, Renew)
    assert decision.lease.epoch == 12


def test_an_epoch_that_was_lowered_by_hand_is_put_back() -> None:
    view = leading()
    assert view.lease
    view = seen(replace(view.lease, epoch=1, version="60"), view=view)
    decision = step(view, T0 + 2, "s")
    assert isinstance(decision, Renew)
    assert decision.lease.epoch == 7


def test_without_a_successful_renewal_the_term_ends_at_the_deadline() -> None:
    view = replace(candidacy.unanswered(leading(), T0 + 8.5), progress=T0 + 9)
    assert step(view, T0 + 9.9, "s") == Hold(until=T0 + 10)
    assert step(view, T0 + 10, "s") == Resign(why=EndReason.EXPIRED)


def test_a_loop_that_does_not_wake_ends_the_term_and_the_lease_is_released_after_one_calls_limit() -> None:
    view = replace(leading(), renewed_at=T0 + 9, progress=T0 + 0.5, due=T0 + 99)
    assert step(view, T0 + 10.4, "s") == Hold(until=T0 + 10.5)
    assert step(view, T0 + 10.5, "s") == Resign(why=EndReason.STUCK)
    view = candidacy.resigned(view, EndReason.STUCK, T0 + 10.5)
    assert view.stuck
    assert step(view, T0 + 14.4, "s") == Follow(until=T0 + 14.5)
    decision = step(view, T0 + 14.5, "s")
    assert isinstance(decision, ReleaseLease)
    assert (decision.lease.holder, decision.lease.duration_s, decision.lease.epoch) == ("", 1, 7)


def test_the_hold_itself_counts_as_progress_but_a_renewal_does_not() -> None:
    asleep = replace(leading(), progress=float("-inf"))
    assert isinstance(step(asleep, T0 + 1, "s"), Hold)
    assert asleep.lease
    renewed = candidacy.acknowledged(asleep, asleep.lease, T0 + 9)
    assert step(renewed, T0 + 10, "s") == Resign(why=EndReason.STUCK)


@pytest.mark.parametrize("why", [EndReason.EXPIRED, EndReason.LOST, EndReason.GONE])
def test_a_lease_that_was_only_lost_is_looked_at_and_not_released(why: EndReason) -> None:
    assert step(candidacy.resigned(leading(), why, T0 + 10), T0 + 10, "s") == Look()


def test_a_stuck_replica_does_not_take_a_free_lease_until_its_loop_has_woken() -> None:
    view = candidacy.resigned(leading(), EndReason.STUCK, T0)
    view = candidacy.release_tried(view, replace(THEIRS, holder="", version="60"), T0 + 4)
    assert isinstance(step(view, T0 + 4, "s"), Follow)
    assert isinstance(step(replace(view, progress=T0 + 4), T0 + 4, "s"), Acquire)


def test_a_foreign_holder_ends_the_term() -> None:
    assert step(seen(replace(THEIRS, version="60"), view=leading()), T0, "s") == Resign(why=EndReason.LOST)


def test_a_holder_that_was_written_into_our_own_record_ends_the_term() -> None:
    view = leading()
    assert view.lease
    view = seen(replace(view.lease, holder=OTHER, version="60"), view=view)
    assert step(view, T0, "s") == Resign(why=EndReason.LOST)


def test_a_copy_of_our_identity_ends_the_term() -> None:
    view = seen(replace(THEIRS, holder=ME, version="60"), view=leading())
    assert step(view, T0, "s") == Resign(why=EndReason.LOST)


def test_a_deleted_lease_ends_the_term_and_we_may_create_it_at_once() -> None:
    view = seen(None, view=leading(), at=T0 + 1)
    assert step(view, T0 + 1, "s") == Resign(why=EndReason.GONE)
    view = seen(None, view=candidacy.resigned(view, EndReason.GONE, T0 + 1), at=T0 + 1)
    decision = step(view, T0 + 1, "s")
    assert isinstance(decision, Acquire)
    assert decision.lease.epoch == 7


def test_an_annotation_written_by_hand_costs_a_conflict_and_no_term() -> None:
    view = candidacy.refused(leading(), T0 + 2)
    assert step(view, T0 + 2, "s") == Look()
    assert view.lease
    decision = step(seen(replace(view.lease, version="60"), view=view, at=T0 + 2), T0 + 2, "s")
    assert isinstance(decision, Renew)
    assert decision.lease.version == "60"


@pytest.mark.parametrize("event", [None, replace(THEIRS, version="60"), replace(THEIRS, version="60", holder="")])
def test_an_event_never_unseats_a_holder_by_itself_it_makes_one_look(event: Lease | None) -> None:
    view = candidacy.hear(leading(), event, T0 + 1)
    assert view.renewed_at is not None
    assert step(view, T0 + 1, "s") == Look()


def test_the_echo_of_our_own_write_is_no_news() -> None:
    view = leading()
    assert candidacy.hear(view, view.lease, T0 + 1) == view


# ── fencing, failing to begin ──


def test_after_a_fence_a_new_epoch_needs_a_renewal_that_was_sent_after_it() -> None:
    view = candidacy.fenced(leading(), T0 + 5)
    decision = step(view, T0 + 5, "s")
    assert isinstance(decision, Renew)
    before = candidacy.acknowledged(view, replace(decision.lease, version="52"), T0 + 5)
    assert isinstance(step(before, T0 + 5.1, "s"), Hold)
    view = candidacy.acknowledged(candidacy.sending(view, decision.lease), decision.lease, T0 + 5.01)
    assert step(view, T0 + 5.02, "s") == Begin(epoch=7)


def test_a_term_fenced_as_soon_as_begun_is_not_begun_anew_in_haste() -> None:
    view = candidacy.fenced(leading(), T0 + 0.1)
    assert view.lease
    view = candidacy.acknowledged(view, view.lease, T0 + 0.2)
    assert step(view, T0 + 0.3, "s") == Hold(until=T0 + 2)
    assert step(replace(view, due=T0 + 3), T0 + 2, "s") == Begin(epoch=7)


@pytest.mark.parametrize("view", [seen(THEIRS), leading(stage=Stage.IDLE), leading(stage=Stage.BEGINNING)])
def test_who_has_no_term_cannot_be_fenced(view: View) -> None:
    assert candidacy.fenced(view, T0 + 1) == view


def test_a_fenced_holder_sleeps_until_it_may_renew_and_not_less() -> None:
    view = candidacy.fenced(leading(), T0 + 5)
    waiting = replace(view, due=T0 + 6, progress=T0 + 5)
    assert step(waiting, T0 + 5.5, "s") == Hold(until=T0 + 6)


def test_a_term_is_begun_on_time_though_no_renewal_is_due() -> None:
    view = replace(leading(stage=Stage.IDLE), not_before=T0 + 1)
    assert step(view, T0, "s") == Hold(until=T0 + 1)
    assert step(replace(view, stage=Stage.BEGINNING), T0, "s") == Hold(until=T0 + 2)


def test_who_cannot_raise_the_epoch_releases_the_lease_and_lets_others_try() -> None:
    view = candidacy.begin_failed(leading(stage=Stage.BEGINNING))
    assert step(view, T0 + 1, "s") == Resign(why=EndReason.NOT_BEGUN)
    view = candidacy.resigned(view, EndReason.NOT_BEGUN, T0 + 1)
    decision = step(view, T0 + 1, "s")
    assert isinstance(decision, ReleaseLease)
    view = candidacy.release_tried(view, replace(decision.lease, version="60"), T0 + 1)
    assert step(view, T0 + 1, "s") == Follow(until=T0 + 2)


def test_a_lease_that_another_has_taken_meanwhile_is_not_released() -> None:
    view = candidacy.resigned(leading(stage=Stage.BEGINNING), EndReason.NOT_BEGUN, T0)
    view = seen(replace(THEIRS, version="60"), view=view, at=T0 + 1)
    assert step(view, T0 + 1, "s") == Follow(until=T0 + 3)
    view = seen(replace(THEIRS, version="60"), view=view, at=T0 + 60)
    assert isinstance(step(view, T0 + 60, "s"), Acquire)


def test_a_release_that_failed_is_looked_at_a_retry_period_later_and_the_lease_is_still_known() -> None:
    view = candidacy.release_tried(candidacy.resigned(leading(), EndReason.STUCK, T0), None, T0 + 4)
    assert step(view, T0 + 4, "s") == Follow(until=T0 + 6)
    assert step(view, T0 + 6, "s") == Look()
    awake = step(replace(view, progress=T0 + 5), T0 + 5, "s")
    assert isinstance(awake, Acquire)
    assert awake.lease.version == "51"


def test_a_release_that_succeeded_is_known_without_another_look() -> None:
    view = candidacy.resigned(leading(), EndReason.STUCK, T0)
    view = candidacy.release_tried(view, replace(THEIRS, holder="", version="60"), T0 + 4)
    awake = step(replace(view, progress=T0 + 5), T0 + 5, "s")
    assert isinstance(awake, Acquire)
    assert awake.lease.version == "60"


@pytest.mark.parametrize("why", [EndReason.STUCK, EndReason.NOT_BEGUN])
def test_the_lease_is_not_released_while_a_call_of_a_term_that_was_fenced_a_moment_ago_may_be_under_way(
    why: EndReason,
) -> None:
    view = candidacy.resigned(candidacy.fenced(leading(), T0 + 5), why, T0 + 6)
    assert step(view, T0 + 6, "s") == Follow(until=T0 + 9)
    assert isinstance(step(view, T0 + 9, "s"), ReleaseLease)


def test_the_lease_is_not_released_while_a_call_of_the_term_before_this_hold_may_be_under_way() -> None:
    view = candidacy.resigned(leading(), EndReason.GONE, T0 + 5)
    again = replace(leading(at=T0 + 5.5, stage=Stage.BEGINNING), ended_at=view.ended_at)
    view = candidacy.resigned(again, EndReason.NOT_BEGUN, T0 + 6)
    assert step(view, T0 + 6, "s") == Follow(until=T0 + 9)
    assert isinstance(step(view, T0 + 9, "s"), ReleaseLease)


def test_the_back_off_grows_to_a_lease_duration_and_an_epoch_ends_it() -> None:
    view = leading()
    waits = []
    for _ in range(6):
        view = candidacy.resigned(replace(view, stage=Stage.BEGINNING), EndReason.NOT_BEGUN, T0, jitter=1.0)
        waits.append(view.not_before - T0)
    assert waits == [2, 4, 8, 15, 15, 15]
    assert candidacy.began(view, 9, T0).failures == 0


def test_an_epoch_that_is_not_raised_within_a_lease_duration_is_a_failure() -> None:
    view = replace(leading(stage=Stage.BEGINNING), renewed_at=T0 + 14, progress=T0 + 14, due=T0 + 99)
    assert step(view, T0 + 14, "s") == Hold(until=T0 + 15)
    assert step(view, T0 + 15, "s") == Resign(why=EndReason.NOT_BEGUN)
