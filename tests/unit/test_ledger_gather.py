"""Which changes travel together: in order, no item twice, and never more than one transaction takes."""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from state.model import Change
from state.operations import Entry, Operation
from state.transaction import LIMIT
from state.writer import gather


def entry(*keys: int) -> Entry:
    """A change that writes these items."""
    operations = [
        Operation(key=(str(key), "x"), verb="put", request={}, counter="rev", expected=None, nonce="n") for key in keys
    ]
    return Entry(change=Change(), operations=tuple(operations))


def test_a_second_change_of_an_item_waits_and_so_does_what_follows_it() -> None:
    first, second, third, fourth, beat = entry(1, 2), entry(2, 3), entry(3), entry(4), entry()
    queue = deque([first, second, third, fourth, beat])
    assert gather(queue) == [first, fourth, beat]
    assert gather(queue) == [second]
    assert gather(queue) == [third]


def test_a_group_and_its_fence_fit_into_one_transaction() -> None:
    queue = deque(entry(number, number + 1000) for number in range(120))
    groups = []
    while queue:
        groups.append(gather(queue))
    assert [len(group) for group in groups] == [49, 49, 22]


@settings(deadline=None)
@given(st.lists(st.frozensets(st.integers(0, 8), max_size=3), max_size=60))
def test_nothing_is_lost_and_changes_of_an_item_keep_their_order(wanted: list[frozenset[int]]) -> None:
    entries = [entry(*keys) for keys in wanted]
    queue, sent = deque(entries), list[Entry]()
    while queue:
        group = gather(queue)
        keys = [key for member in group for key in member.keys]
        assert group
        assert len(keys) == len(set(keys)) < LIMIT
        sent += group
    for key in {key for member in entries for key in member.keys}:
        assert [e for e in sent if key in e.keys] == [e for e in entries if key in e.keys]
    assert len(sent) == len(entries)
