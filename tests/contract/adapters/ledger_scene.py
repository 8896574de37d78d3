"""A leader behind a broken network, for the tests of what its ledger makes of it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from state.errors import Refused
from state.ledger import DynamoLedger
from state.model import Change, InstallKey, PodRecord, PodUid
from state.reader import Reader
from state.table import Table
from tests.fakes.dynamodb_proxy import Fault, Proxy, cancellation, refusal
from tests.fakes.ledger_worlds import QUICK, new_install, table_at

BUSY = "TransactionConflict"
NO_ANSWER = refusal("InternalServerError", "oops", status=500)


def in_writer() -> bool:
    """Whether a guard is asked by the ledger's writer, and not by the begin of a term."""
    return threading.current_thread().name.startswith("ledger")


def until(done: Callable[[], bool]) -> None:
    """Poll a condition for 30 s at most."""
    waiting = threading.Event()
    for _ in range(3000):
        if done():
            return
        waiting.wait(0.01)
    raise AssertionError("it never came")


@dataclass(slots=True)
class Scene:
    """A leader whose calls pass the proxy, and a reader that does not."""

    proxy: Proxy
    table: Table
    direct: Table
    install: InstallKey
    ledger: DynamoLedger
    fenced: list[str]

    def standing(self) -> dict[PodUid, PodRecord]:
        """The claims in the table."""
        return Reader(self.direct, self.install).claims().pods

    def rival(self) -> DynamoLedger:
        """Another replica of the same install, on a network that works."""
        return make(self.direct, self.install)

    def transactions(self) -> list[list[str]]:
        """The sort keys of each transaction that was sent after the first."""
        return [_sort_keys(body["TransactItems"]) for body in self.proxy.requests()[1:]]

    def tokens(self) -> list[str]:
        """Their tokens."""
        return [body["ClientRequestToken"] for body in self.proxy.requests()[1:]]

    def commit_together(self, changes: Sequence[Change], *faults: Fault) -> list[BaseException | None]:
        """Commit `changes` as one group, which meets `faults`; the error of each.

        They gather while the guard of a first transaction holds it up; that one, a heartbeat, is refused.
        """
        futures: list[Future[None]] = []
        with ThreadPoolExecutor(len(changes)) as threads:

            def guard() -> None:
                if in_writer() and not futures:
                    for change in changes:
                        futures.append(threads.submit(self.ledger.commit, change))
                        until(lambda: self.ledger.queued() == len(futures))
                    self.proxy.fault(cancellation(["None"]), *faults)

            self.ledger.begin_term("me", 0, guard)
            self.proxy.seen.clear()
            with pytest.raises(Refused):
                self.ledger.heartbeat()
            return [future.exception(30) for future in futures]


def _sort_keys(items: Sequence[dict[str, Any]]) -> list[str]:
    """What each item of a transaction is about."""
    inner = [next(iter(item.values())) for item in items]
    return [(item.get("Key") or item["Item"])["sk"]["S"].partition("#")[2] or "address" for item in inner]


def make(table: Table, install: InstallKey, **settings: Any) -> DynamoLedger:
    """A ledger of this install."""
    facts: dict[str, Any] = {"cluster_name": "a", "scope": "", "version": "0", "silence_s": 3600, "identity": "me"}
    return DynamoLedger(table, install, **facts, patience=QUICK, **settings)


@dataclass(frozen=True, slots=True)
class Network:
    """One table, directly and through a proxy."""

    proxy: Proxy
    table: Table
    direct: Table

    def lead(self) -> Iterator[Scene]:
        """A leader of an install of its own; the write that began its term is the first that the proxy saw."""
        install, fenced = new_install(), list[str]()
        self.proxy.reset()
        ledger = make(self.table, install, on_fenced=lambda: fenced.append("fenced"))
        ledger.begin_term("me")
        yield Scene(self.proxy, self.table, self.direct, install, ledger, fenced)
        ledger.close()


def network_to(url: str) -> Iterator[Network]:
    """A table on this server, and the proxy to it."""
    direct = table_at(url)
    with Proxy(url) as proxy:
        yield Network(proxy, table_at(proxy.url, name=direct.name, call_timeout=8.0), direct)
