"""One TransactWriteItems: the fence and a group of changes, and DynamoDB's answer.

The fence is an Update of the install's own item. Its conditions: the epoch is still ours (an absent item has no epoch,
so it fails too), and the heartbeat has not gone back (else an older table has replaced ours under the same epoch, and
our cache of the claims is wrong). Its effect: one more heartbeat. DynamoDB applies all or nothing, so no change is
applied under an epoch that has passed. The reasons of a cancellation are in the order of the request. PynamoDB sends
deletes, puts and then updates, in whatever order they are passed in.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pynamodb.constants import ALL_OLD
from pynamodb.exceptions import CancellationReason, TransactWriteError
from pynamodb.expressions.update import Action

from state.codes import error_for, is_cancellation, translate
from state.connection import Key, Raw
from state.errors import ConditionLost, NotSent, PodEipError, Throttled
from state.model import Epoch, InstallKey
from state.operations import Entry, Operation
from state.schema import queues_text
from state.table import Table, install_key

LIMIT = 100  # items of one TransactWriteItems (API reference), the fence among them


@dataclass(slots=True, kw_only=True, eq=False)
class WriteTerm:
    """The right to write under one epoch, as long as `guard` does not raise and the term is neither fenced nor ended.

    `beats`: a heartbeat that the table is known to have had; a lower one shows that it is another table.
    """

    epoch: Epoch
    guard: Callable[[], None]
    beats: int = 0
    fenced: bool = False
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """All of it was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """Nothing was written. `lost`: the conditions that failed, with the items in the table; `busy`: try again."""

    fenced: bool = False
    lost: Mapping[Key, Raw | None] = field(default_factory=dict)
    refused: Mapping[Key, PodEipError] = field(default_factory=dict)
    busy: PodEipError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Failed without reasons for single items: the class of `error` says whether it happened."""

    error: PodEipError


Verdict = Committed | Cancelled | Failed


class Transactions:
    """Sends groups for one install."""

    def __init__(self, table: Table, install: InstallKey) -> None:
        self._table = table
        self._fence_key = install_key(install)

    def send(self, term: WriteTerm, entries: Sequence[Entry], token: str) -> Verdict:
        """Send one transaction. Every outcome is returned as a verdict, also a refusal by the guard."""
        operations = [operation for entry in entries for operation in entry.operations]
        ordered = [*_requests(operations, "delete"), *_requests(operations, "put"), *_requests(operations, "update")]
        try:
            self._table.connection.transact(
                deletes=[operation.request for operation in ordered if operation.verb == "delete"],
                puts=[operation.request for operation in ordered if operation.verb == "put"],
                updates=[*(o.request for o in ordered if o.verb == "update"), self._fence(term, entries)],
                token=token,
                guard=term.guard,
            )
        except NotSent as error:
            return Failed(error=error)
        except TransactWriteError as error:
            return self._judge([*(operation.key for operation in ordered), self._fence_key], error)
        term.beats += 1
        return Committed()

    def _fence(self, term: WriteTerm, entries: Iterable[Entry]) -> dict[str, Any]:
        model = self._table.install
        item = model(*self._fence_key)
        ours = (model.epoch == term.epoch) & (model.heartbeat >= term.beats)
        facts: list[Action] = [model.heartbeat.add(1)]
        for entry in [entry for entry in entries if entry.queues is not None][-1:]:
            text = queues_text(entry.queues or (), epoch=term.epoch, word=entry.word)
            facts.append(model.queues.set(text) if entry.queues else model.queues.remove())
        return item.get_update_kwargs_from_instance(facts, ours, ALL_OLD)

    def _judge(self, keys: Sequence[Key], error: TransactWriteError) -> Verdict:
        reasons = error.cancellation_reasons
        if not is_cancellation(error) or len(reasons) != len(keys) or not any(reasons):
            return Failed(error=translate(error, self._table.name))
        said = {key: reason for key, reason in zip(keys, reasons, strict=True) if reason}
        errors = {key: error_for(reason.code, reason.message or "") for key, reason in said.items()}
        lost = {key: reason for key, reason in said.items() if isinstance(errors[key], ConditionLost)}
        return Cancelled(
            fenced=self._fence_key in lost,
            lost={key: _standing(reason) for key, reason in lost.items()},
            refused={key: e for key, e in errors.items() if not isinstance(e, ConditionLost | Throttled)},
            busy=next((e for e in errors.values() if isinstance(e, Throttled)), None),
        )


def _requests(operations: Sequence[Operation], verb: Literal["delete", "put", "update"]) -> list[Operation]:
    return [operation for operation in operations if operation.verb == verb]


def _standing(reason: CancellationReason) -> Raw | None:
    return reason.raw_item or None
