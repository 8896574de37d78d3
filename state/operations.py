"""A change as the items of a transaction: what each writes, on what condition, and how a read shows that it did.

Every put carries a nonce of its change. So after a lost reply the item in the table is either as it was, certainly
ours, or somebody else's, and nothing has to be guessed from equal contents.
"""

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, Literal
from uuid import uuid4

from pynamodb.constants import ALL_OLD

from state.connection import Key, Raw
from state.model import AddressRecord, Change, InstallKey, InstallRecord, PodRecord, PoolQueue, Rev
from state.schema import address_item, pod_item
from state.table import AddressItem, PodItem, Table, address_key, install_key, pod_key


class ReadBack(Enum):
    """What a strong read shows of an operation whose outcome is unknown."""

    WRITTEN = auto()
    BEFORE = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One item of a transaction. Its condition: the `counter` attribute is `expected`, or the item is absent (None).

    `nonce` marks what it writes (None: it deletes); `replaces` is the nonce of what was read, "" where unknown.
    """

    key: Key
    verb: Literal["delete", "put", "update"]
    request: dict[str, Any]
    counter: str
    expected: int | None
    nonce: str | None
    replaces: str = ""

    def read_back(self, raw: Raw | None) -> ReadBack:
        """Whether the item in the table (None: absent) is as this operation leaves it, or as it expects it."""
        nonce = raw.get("nonce", {}).get("S", "") if raw else None
        if nonce == self.nonce:
            return ReadBack.WRITTEN
        if raw is None:
            return ReadBack.BEFORE if self.expected is None else ReadBack.OTHER
        same = raw.get(self.counter, {}).get("N") == str(self.expected) and self.replaces in ("", nonce)
        return ReadBack.BEFORE if same else ReadBack.OTHER


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """A change on its way. `uncertain`: a transaction with it was sent, and its outcome is unknown.

    `context` is the caller's, so that the span of the call that carries it belongs to the trace of its Pod.
    `queued_at`: when the writer got it, on the writer's clock.
    `queues`: the waiting Pods, for the install's item, under the id `word`; None: the item's stay as they are.
    """

    change: Change
    operations: tuple[Operation, ...]
    queues: Sequence[PoolQueue] | None = None
    word: str = field(default_factory=lambda: uuid4().hex)
    result: Future[None] = field(default_factory=Future)
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    uncertain: bool = False
    queued_at: float = 0.0

    @property
    def keys(self) -> frozenset[Key]:
        """The items that it writes."""
        return frozenset(operation.key for operation in self.operations)


def compose(table: Table, install: InstallKey, change: Change, silent: InstallRecord | None = None) -> Entry:
    """Make the entry that writes `change` for `install`; with `silent`, it also fences that install.

    The records of `after` get the rev that follows the one of `before`; a record in a new phase gets the time.
    ValueError if the two sides of a pair have different identities: that is a fault of the caller.
    """
    nonce = uuid4().hex
    change = _marked(change, nonce, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    operations = [
        _pod_operation(table, install, change.pod_before, change.pod_after, nonce),
        _address_operation(table, change.address_before, change.address_after, nonce),
        _fencing(table, silent, nonce) if silent else None,
    ]
    return Entry(change=change, operations=tuple(operation for operation in operations if operation))


def _marked(change: Change, nonce: str, now: str) -> Change:
    pod, address, before = change.pod_after, change.address_after, change.pod_before
    since = before.since if before and pod and before.phase is pod.phase else now
    return replace(
        change,
        pod_after=pod and replace(pod, rev=_next(before), nonce=nonce, since=since),
        address_after=address and replace(address, rev=_next(change.address_before), nonce=nonce),
    )


def _next(before: PodRecord | AddressRecord | None) -> Rev:
    return Rev(before.rev + 1 if before else 1)


def _pod_operation(
    table: Table, install: InstallKey, before: PodRecord | None, after: PodRecord | None, nonce: str
) -> Operation | None:
    if before and after and before.uid != after.uid:
        raise ValueError(f"a change of two Pods: {before.uid} and {after.uid}")
    subject = after or before
    if subject is None:
        return None
    key = pod_key(install.cluster_uid, subject.uid)
    item = pod_item(table, after, install) if after else None
    return _operation(key, before, item, table.pod(*key), nonce)


def _address_operation(
    table: Table, before: AddressRecord | None, after: AddressRecord | None, nonce: str
) -> Operation | None:
    if before and after and before.allocation_id != after.allocation_id:
        raise ValueError(f"a change of two addresses: {before.allocation_id} and {after.allocation_id}")
    subject = after or before
    if subject is None:
        return None
    key = address_key(subject.allocation_id)
    item = address_item(table, after) if after else None
    return _operation(key, before, item, table.address(*key), nonce)


def _operation(
    key: Key,
    before: PodRecord | AddressRecord | None,
    item: PodItem | AddressItem | None,
    handle: PodItem | AddressItem,
    nonce: str,
) -> Operation:
    """Put `item`, or delete what `handle` names if there is none."""
    model = type(handle)
    condition = model.rev == before.rev if before else model.pk.does_not_exist()
    if before and before.nonce:
        condition &= model.nonce == before.nonce
    make: Callable[..., dict[str, Any]]
    make = item.get_save_kwargs_from_instance if item else handle.get_delete_kwargs_from_instance
    request = make(condition, ALL_OLD)
    return Operation(
        key=key,
        verb="put" if item else "delete",
        request=request,
        counter="rev",
        expected=before.rev if before else None,
        nonce=nonce if item else None,
        replaces=before.nonce if before else "",
    )


def _fencing(table: Table, silent: InstallRecord, nonce: str) -> Operation:
    """Raise another install's epoch, if its heartbeat has not moved since `silent` was read."""
    model = table.install
    key = install_key(silent.key)
    request = model(*key).get_update_kwargs_from_instance(
        [model.epoch.add(1), model.nonce.set(nonce)], model.heartbeat == silent.heartbeat, ALL_OLD
    )
    return Operation(
        key=key, verb="update", request=request, counter="heartbeat", expected=silent.heartbeat, nonce=nonce
    )
