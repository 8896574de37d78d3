"""The workqueue: a key once, at its earliest time, with a pause that grows with each failure."""

import pytest

from controller.engine.workqueue import Workqueue
from state.model import PodUid

A, B = PodUid("a"), PodUid("b")


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.now


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="queue")
def _queue(clock: Clock) -> Workqueue:
    return Workqueue(clock, chance=lambda: 1.0)


def due_after(queue: Workqueue, clock: Clock) -> float:
    """Seconds until the one key is due; takes it."""
    began = clock.now
    while not queue.take():
        clock.now += 0.25
    return clock.now - began


def test_each_failure_doubles_the_pause_of_that_key_alone(queue: Workqueue, clock: Clock) -> None:
    pauses = []
    for _ in range(8):
        queue.add_after_failure(A)
        pauses.append(due_after(queue, clock))
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]
    queue.add_after_failure(B)
    assert due_after(queue, clock) == 0.5


def test_what_is_forgotten_begins_anew(queue: Workqueue, clock: Clock) -> None:
    for _ in range(5):
        queue.failed(A)
    assert queue.failures(A) == 5
    queue.forget(A)
    queue.add_after_failure(A)
    assert due_after(queue, clock) == 0.5


def test_chance_shortens_a_pause_by_half_at_most(clock: Clock) -> None:
    queue = Workqueue(clock, chance=lambda: 0.0)
    queue.add_after_failure(A, times=4)
    assert due_after(queue, clock) == 1.0


def test_all_that_failed_is_forgotten_but_what_is_kept(queue: Workqueue) -> None:
    queue.failed(A)
    queue.failed(B)
    assert queue.forget_all(but={B}) == [A]
    assert (queue.failures(A), queue.failures(B)) == (0, 1)


def test_a_key_is_due_once_at_its_earliest_time(queue: Workqueue, clock: Clock) -> None:
    queue.add([A], 5.0)
    queue.add([A], 1.0)
    queue.add([A], 9.0)
    assert due_after(queue, clock) == 1.0
    clock.now += 60
    assert not queue.take()


def test_a_busy_key_is_held_back_until_it_is_freed(queue: Workqueue) -> None:
    queue.add([A, B])
    assert queue.take({A}) == {B}
    queue.free(A)
    assert queue.take() == {A}


def test_a_new_term_forgets_keys_and_failures(queue: Workqueue) -> None:
    queue.add([A])
    queue.failed(A)
    queue.clear()
    assert (len(queue), queue.failures(A), queue.take()) == (0, 0, set())


def test_a_copy_goes_on_by_itself(queue: Workqueue, clock: Clock) -> None:
    queue.add([A, B])
    queue.take({A})
    twin = Workqueue(clock, keys=queue.keys.copy())
    twin.free(A)
    twin.add_after_failure(B)
    assert twin.take() == {A}
    assert (len(queue), queue.failures(B)) == (0, 0)
    queue.free(A)
    assert queue.take() == {A}
