"""A read that overlaps a write must not bring the older state back."""

from dataclasses import replace

from state.cache import Cache
from state.errors import ItemUnreadable
from state.model import Change, Rev
from tests.fakes.records import new_address, new_pod

OLD = replace(new_address("eipalloc-1"), rev=Rev(1))
NEW = replace(OLD, rev=Rev(2))


def test_a_read_brings_what_it_found_and_takes_what_it_did_not() -> None:
    cache = Cache()
    cache.wrote(Change(address_after=OLD))
    touched = cache.reading()
    other = replace(new_address("eipalloc-2"), rev=Rev(1))
    cache.read(touched, [OLD.allocation_id, other.allocation_id], {other.allocation_id: other})
    assert cache.addresses() == {other.allocation_id: other}


def test_what_was_written_meanwhile_stays() -> None:
    cache = Cache()
    touched = cache.reading()
    cache.wrote(Change(address_before=OLD, address_after=NEW))
    cache.read(touched, [OLD.allocation_id], {OLD.allocation_id: OLD})
    assert cache.address(OLD.allocation_id) == NEW
    cache.end_reading(touched)
    again = cache.reading()
    cache.read(again, [OLD.allocation_id], {OLD.allocation_id: OLD})
    assert cache.address(OLD.allocation_id) == OLD


def test_what_was_deleted_meanwhile_stays_away() -> None:
    cache = Cache()
    cache.wrote(Change(address_after=OLD))
    touched = cache.reading()
    cache.wrote(Change(address_before=OLD))
    cache.read(touched, [OLD.allocation_id], {OLD.allocation_id: OLD})
    assert cache.address(OLD.allocation_id) is None


def test_a_read_from_before_the_ledger_was_read_anew_does_not_replace_it() -> None:
    cache = Cache()
    touched = cache.reading()
    cache.replace({}, {NEW.allocation_id: NEW}, {})
    cache.read(touched, [OLD.allocation_id], {OLD.allocation_id: OLD})
    assert cache.addresses() == {NEW.allocation_id: NEW}


def test_an_item_that_can_be_read_again_is_no_longer_reported() -> None:
    cache, key = Cache(), (f"eip#{OLD.allocation_id}", "claim")
    cache.saw_unreadable(key, ItemUnreadable("newer"))
    assert set(cache.unreadable()) == {key}
    cache.read(cache.reading(), [OLD.allocation_id], {OLD.allocation_id: OLD})
    assert cache.unreadable() == {}


def test_snapshots_do_not_change() -> None:
    cache, pod = Cache(), new_pod()
    before = cache.pods()
    cache.wrote(Change(pod_after=pod))
    assert (before, cache.pods()) == ({}, {pod.uid: pod})
