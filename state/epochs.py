"""Raises the epoch of an install: the only write that needs no epoch, for it makes one.

The epoch in the install's item only grows, by a write that is conditional on the epoch that was read, so two replicas
never have the same one. The install's line in the directory is written with it, so every install with an epoch is
found there.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pynamodb.constants import ALL_OLD
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.update import Action

from state.backoff import Backoff
from state.codes import is_cancellation, translate
from state.errors import ConditionLost, PodEipError, Throttled
from state.model import Epoch, InstallKey, InstallRecord
from state.reader import Reader
from state.schema import VERSION
from state.table import Table, directory_key, install_key

TRIES = 5
PAUSE = Backoff(base_s=0.02, sure=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An epoch that was raised; `heartbeat`: the table's heartbeat is at least that, now that it is written.

    `before` is the epoch that the table had when it was first looked at (0: none).
    """

    epoch: Epoch
    before: Epoch
    heartbeat: int


class EpochRaiser:
    """Raises the epoch of one install, and writes what others need to know of it."""

    def __init__(
        self, table: Table, install: InstallKey, *, cluster_name: str, scope: str, version: str, silence_s: int
    ) -> None:
        self._table, self._install, self._reader = table, install, Reader(table, install)
        self._cluster_name, self._scope = cluster_name, scope
        self._version, self._silence_s = version, silence_s

    def raise_epoch(self, identity: str, lease_epoch: int, guard: Callable[[], None]) -> Raised:
        """Write a new epoch above the table's and the Lease's.

        After a lost race or a lost reply it tries again with a higher number. Raises ConditionLost or Throttled
        after five tries, else what the call raised.
        """
        first: Epoch | None = None
        for tried in range(1, TRIES + 1):
            record = self._reader.own()
            known, beats = (record.epoch, record.heartbeat) if record else (Epoch(0), 0)
            first = known if first is None else first
            epoch = Epoch(max(known, lease_epoch) + 1)
            try:
                self._write(record, epoch, identity, guard)
            except (ConditionLost, Throttled):
                if tried == TRIES:
                    raise
                time.sleep(PAUSE.after(tried, random.random()))
            else:
                return Raised(epoch=epoch, before=first, heartbeat=beats + 1)
        raise AssertionError("unreachable")

    def fence_self(self, epoch: Epoch) -> None:
        """Fence our own install: nothing is written under `epoch` any more, and other installs see that.

        Raises ConditionLost where the table has another epoch already.
        """
        model = self._table.install
        item = model(*install_key(self._install))
        self._send(updates=[item.get_update_kwargs_from_instance([model.epoch.add(1)], model.epoch == epoch, ALL_OLD)])

    def deregister(self, record: InstallRecord) -> None:
        """Take the line of a fenced install out of the directory. Raises ConditionLost if it began a term since."""
        model = self._table.directory
        item = model(*directory_key(record.key))
        self._send(deletes=[item.get_delete_kwargs_from_instance(model.epoch < record.epoch, ALL_OLD)])

    def _write(self, record: InstallRecord | None, epoch: Epoch, identity: str, guard: Callable[[], None]) -> None:
        self._send(puts=[self._directory(epoch)], updates=[self._update(record, epoch, identity)], guard=guard)

    def _send(
        self,
        *,
        deletes: Sequence[dict[str, Any]] = (),
        puts: Sequence[dict[str, Any]] = (),
        updates: Sequence[dict[str, Any]] = (),
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        transact = self._table.connection.transact
        try:
            transact(deletes=deletes, puts=puts, updates=updates, token=uuid4().hex, guard=guard)
        except TransactWriteError as error:
            raise self._error(error) from error

    def _update(self, record: InstallRecord | None, epoch: Epoch, identity: str) -> dict[str, Any]:
        model = self._table.install
        facts: list[Action] = [
            model.v.set(VERSION),
            model.epoch.set(epoch),
            model.heartbeat.add(1),
            model.leader.set(identity),
            model.cluster_name.set(self._cluster_name),
            model.scope.set(self._scope),
            model.silence_s.set(self._silence_s),
            model.version.set(self._version),
            model.queues.remove(),
        ]
        condition = model.epoch == record.epoch if record else model.pk.does_not_exist()
        return model(*install_key(self._install)).get_update_kwargs_from_instance(facts, condition, ALL_OLD)

    def _directory(self, epoch: Epoch) -> dict[str, Any]:
        item = self._table.directory(
            *directory_key(self._install),
            v=VERSION,
            epoch=epoch,
            cluster_name=self._cluster_name,
            scope=self._scope,
            version=self._version,
        )
        return item.get_save_kwargs_from_instance()

    def _error(self, error: TransactWriteError) -> PodEipError:
        codes = {reason.code for reason in error.cancellation_reasons if reason}
        if not is_cancellation(error) or not codes:
            return translate(error, self._table.name)
        if "ConditionalCheckFailed" in codes:
            return ConditionLost("The epoch was raised by somebody else at the same time")
        return Throttled("The epoch could not be written", code=min(codes))
