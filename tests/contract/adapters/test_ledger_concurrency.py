"""Many threads and two clusters at once: every change has its answer, and only one of those that collide is written."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from state.errors import ConditionLost, PodEipError
from state.model import Change, InstallKey
from tests.fakes.ledger_worlds import InMemory, OnDynamoDb, TermLedger, World, new_install
from tests.fakes.records import new_address, new_pod, owner


class ConcurrencyContract:
    """The promises. A subclass brings the world."""

    def test_many_threads_are_all_served(self, world: World, install: InstallKey, ledger: TermLedger) -> None:
        taken = new_pod("taken")
        ledger.commit(Change(pod_after=taken))
        pods = [new_pod(f"pod-{number}") for number in range(70)]
        results = _in_parallel([ledger], [Change(pod_after=pod, address_after=new_address()) for pod in [*pods, taken]])
        assert [type(result) for result in results if result] == [ConditionLost]
        assert set(ledger.pods()) == {pod.uid for pod in [*pods, taken]}
        assert dict(ledger.pods()) == world.snapshot(install, []).pods

    def test_one_of_many_wins_an_address(self, world: World, install: InstallKey, ledger: TermLedger) -> None:
        other_install = new_install()
        other = world.ledger(other_install)
        other.begin_term("them")
        address = new_address()
        claims = [
            Change(pod_after=(pod := new_pod()), address_after=replace(address, owner=owner(install, pod)))
            for _ in range(24)
        ]
        results = _in_parallel([ledger, other], claims)
        assert [type(result) for result in results if result] == [ConditionLost] * 23
        claimed = {**world.snapshot(install, []).pods, **world.snapshot(other_install, []).pods}
        standing = world.snapshot(install, [address.allocation_id]).addresses[address.allocation_id]
        assert standing.owner
        assert set(claimed) == {standing.owner.pod_uid}

    def test_changes_of_one_item_keep_their_order(self, ledger: TermLedger) -> None:
        pod = new_pod()
        ledger.commit(Change(pod_after=pod))
        first = ledger.pod(pod.uid)
        assert first
        changes = [Change(pod_before=first, pod_after=replace(first, traceparent=str(n))) for n in range(8)]
        results = _in_parallel([ledger], changes)
        assert sorted(type(result).__name__ for result in results) == ["ConditionLost"] * 7 + ["NoneType"]
        written = ledger.pod(pod.uid)
        assert written
        assert written.rev == 2


class TestInMemory(ConcurrencyContract, InMemory):
    """The fake that other tests use."""


class TestOnDynamoDb(ConcurrencyContract, OnDynamoDb):
    """The product, on moto's server and on DynamoDB Local."""


def _in_parallel(ledgers: list[TermLedger], changes: list[Change]) -> list[PodEipError | None]:
    """Commit all at once, shared out among the ledgers; None for each that was written."""
    start = threading.Barrier(len(changes))

    def commit(number: int) -> PodEipError | None:
        start.wait(30)
        try:
            ledgers[number % len(ledgers)].commit(changes[number])
        except PodEipError as error:
            return error
        return None

    with ThreadPoolExecutor(len(changes)) as threads:
        return list(threads.map(commit, range(len(changes)), timeout=120))
