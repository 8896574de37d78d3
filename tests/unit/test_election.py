"""The rules of the election for whoever does not lead: what comes next, given what is known."""

from dataclasses import replace

import pytest

from controller.core import candidacy
from controller.core.candidacy import Timings, View
from controller.core.election import (
    Acquire,
    Follow,
    Look,
    step,
    validate_timings,
)
from controller.core.lease import Lease
from tests.unit.election_views import ME, T0, THEIRS, seen


def test_a_candidate_looks_first() -> None:
    assert step(View(identity=ME, timings=Timings()), T0, "s") == Look()


def test_a_failed_look_is_repeated_after_a_retry_period_and_nothing_is_written_before() -> None:
    view = candidacy.unseen(View(identity=ME, timings=Timings()), T0)
    assert step(view, T0, "s") == Follow(until=T0 + 2)
    assert step(view, T0 + 2, "s") == Look()


def test_a_missing_lease_is_created() -> None:
    decision = step(seen(None), T0, "s")
    assert isinstance(decision, Acquire)
    assert decision.lease == Lease(holder=ME, duration_s=15, transitions=0, epoch=0, acquired="s", renewed="s")


def test_a_released_lease_is_taken_at_once_its_epoch_kept_and_the_change_counted() -> None:
    decision = step(seen(replace(THEIRS, holder="", duration_s=1)), T0, "s")
    assert isinstance(decision, Acquire)
    lease = decision.lease
    assert (lease.holder, lease.duration_s, lease.transitions, lease.epoch, lease.version) == (ME, 15, 4, 7, "50")


def test_a_held_lease_is_taken_only_when_it_has_not_changed_for_its_duration() -> None:
    view = replace(seen(THEIRS), look_due=T0 + 99)
    assert step(view, T0 + 14.9, "s") == Follow(until=T0 + 15)
    assert isinstance(step(view, T0 + 15, "s"), Acquire)


def test_a_change_starts_the_wait_anew_and_a_look_that_shows_the_same_does_not() -> None:
    view = seen(THEIRS, at=T0 + 5, view=seen(THEIRS))
    assert view.free_at == T0 + 15
    view = seen(replace(THEIRS, version="52", renewed="t3"), at=T0 + 10, view=view)
    assert view.free_at == T0 + 25


@pytest.mark.parametrize(("claimed", "waited"), [(1, 15), (0, 15), (-5, 15), (40, 40), (10**9, 3600)])
def test_the_records_duration_counts_at_least_ours_and_never_absurdly_long(claimed: int, waited: int) -> None:
    assert seen(replace(THEIRS, duration_s=claimed)).free_at == T0 + waited


def test_the_times_on_the_lease_are_never_compared() -> None:
    long_ago, far_off = replace(THEIRS, renewed="1999-01-01T00:00:00Z"), replace(THEIRS, renewed="2999-01-01T00:00:00Z")
    assert seen(long_ago).free_at == seen(far_off).free_at


def test_our_identity_on_a_record_that_we_did_not_write_is_somebody_elses() -> None:
    view = seen(replace(THEIRS, holder=ME))
    assert isinstance(step(view, T0, "s"), Follow)
    assert view.free_at == T0 + 15


def test_a_lease_deleted_under_its_holder_is_not_taken_before_that_holder_has_stopped() -> None:
    view = replace(seen(None, at=T0 + 3, view=seen(THEIRS)), look_due=T0 + 99)
    assert step(view, T0 + 3, "s") == Follow(until=T0 + 15)
    decision = step(view, T0 + 15, "s")
    assert isinstance(decision, Acquire)
    assert decision.lease.epoch == 7
    assert decision.lease.version == ""


def test_a_silent_watch_makes_a_standby_look_each_retry_period() -> None:
    view = seen(THEIRS)
    assert step(view, T0 + 1, "s") == Follow(until=T0 + 2)
    assert step(view, T0 + 2, "s") == Look()


def test_an_old_event_of_the_watch_changes_nothing() -> None:
    view = seen(THEIRS)
    assert candidacy.hear(view, replace(THEIRS, version="9", holder=""), T0 + 1) == view


@pytest.mark.parametrize(("known", "heard"), [("abc", "abd"), ("abc", "9"), ("50", "abd")])
def test_an_event_without_comparable_version_is_taken_as_news(known: str, heard: str) -> None:
    view = candidacy.hear(seen(replace(THEIRS, version=known)), replace(THEIRS, version=heard, holder=""), T0 + 1)
    assert isinstance(step(view, T0 + 1, "s"), Acquire)


def test_an_event_before_the_first_look_is_not_believed() -> None:
    view = candidacy.hear(View(identity=ME, timings=Timings(), look_due=T0 + 9), replace(THEIRS, holder=""), T0)
    assert step(view, T0, "s") == Look()


def test_a_lost_race_is_looked_at_once_and_a_second_time_less_hastily() -> None:
    view = candidacy.refused(seen(replace(THEIRS, holder="")), T0)
    assert step(view, T0, "s") == Look()
    view = candidacy.refused(seen(replace(THEIRS, holder=""), view=view), T0)
    assert step(view, T0, "s") == Follow(until=T0 + 0.5)


def test_a_race_that_was_lost_to_a_new_record_makes_the_next_one_no_less_hasty() -> None:
    view = candidacy.refused(seen(replace(THEIRS, holder="")), T0)
    view = candidacy.refused(seen(replace(THEIRS, holder="", version="51"), view=view), T0)
    assert step(view, T0, "s") == Look()


def test_an_acquisition_whose_reply_was_lost_is_known_again() -> None:
    view = seen(replace(THEIRS, holder=""))
    decision = step(view, T0, "s")
    assert isinstance(decision, Acquire)
    view = candidacy.unanswered(candidacy.sending(view, decision.lease), T0)
    view = seen(replace(decision.lease, version="51"), at=T0 + 2, view=view)
    again = step(view, T0 + 2, "s2")
    assert isinstance(again, Acquire)
    assert (again.lease.version, again.lease.transitions) == ("51", 4)


def test_the_defaults_fit_together() -> None:
    assert validate_timings(Timings()) == []


@pytest.mark.parametrize(
    ("timings", "named"),
    [
        (Timings(lease_duration=13), ["--renew-deadline (10 s)", "--call-timeout (4 s)", "--lease-duration (13 s)"]),
        (Timings(retry_period=6), ["--retry-period (6 s)", "--call-timeout (4 s)", "--renew-deadline (10 s)"]),
        (Timings(retry_period=0), ["--retry-period", "positive", "0"]),
        (Timings(retry_period=-1, renew_deadline=99), ["--retry-period", "positive", "-1"]),
        (Timings(call_timeout=float("nan")), ["--call-timeout", "positive", "nan"]),
        (Timings(lease_duration=float("inf")), ["--lease-duration", "positive", "inf"]),
        (Timings(lease_duration=5000), ["--lease-duration (5000 s)", "3600"]),
    ],
)
def test_a_contradiction_names_everything_that_takes_part_in_it(timings: Timings, named: list[str]) -> None:
    (fault,) = validate_timings(timings)
    assert all(word in fault for word in named)
