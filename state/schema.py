"""Converts items of the table to the values of `state.model`, and back.

This release writes schema version N and reads N-1 and N, so that replicas of two consecutive releases can follow each
other. An item that is damaged, or of a newer version, is an error of that item alone. It is reported and never
overwritten, since it may belong to an address that carries traffic. Attributes that N-1 did not have are optional here.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, TypeVar

import msgspec
from pynamodb.exceptions import AttributeDeserializationError, AttributeNullError

from state.connection import Raw, key_of
from state.errors import ItemUnreadable
from state.model import (
    AddressRecord,
    AdoptedTags,
    AllocationId,
    AssociationId,
    ClusterUid,
    Epoch,
    InstallKey,
    InstallRecord,
    InterfaceId,
    Mode,
    Owner,
    Phase,
    PodRecord,
    PodUid,
    PoolQueue,
    Rev,
    Target,
)
from state.table import (
    POD_PREFIX,
    AddressItem,
    InstallItem,
    Item,
    PodItem,
    Table,
    address_key,
    pod_key,
)

VERSION = 1
_READABLE = (str(VERSION - 1), str(VERSION))
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

_I = TypeVar("_I", bound=Item)


_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class _Queue(msgspec.Struct):
    pool: str
    border_group: str
    waiting: _Count
    waited_s: _Count


class _Told(msgspec.Struct):
    epoch: int
    word: str
    queues: list[_Queue]


def _read(model: type[_I], raw: Raw) -> _I:
    """The item, if its version is one that we read and no attribute is missing or of another type."""
    where = "/".join(key_of(raw))
    version = raw.get("v", {}).get("N")
    if version not in _READABLE:
        raise ItemUnreadable(f"{where} has schema version {version}, and this release reads {' and '.join(_READABLE)}")
    try:
        item = model.from_raw_data(dict(raw))
        item.serialize(null_check=True)
    except (AttributeDeserializationError, AttributeNullError, ValueError, TypeError, KeyError) as error:
        raise ItemUnreadable(f"{where} is damaged: {error}") from error
    return item


def _damaged(item: Item, error: Exception) -> ItemUnreadable:
    return ItemUnreadable(f"{item.pk}/{item.sk} is damaged: {error}")


def _target(stored: str) -> Target:
    interface_id, slash, private_ip = stored.partition("/")
    if not slash:
        raise ValueError(f"'{stored}' is no target")
    return Target(interface_id=InterfaceId(interface_id), private_ip=private_ip)


def _stored(target: Target) -> str:
    return f"{target.interface_id}/{target.private_ip}"


def pod_item(table: Table, record: PodRecord, install: InstallKey) -> PodItem:
    """The Pod's item as `install` writes it."""
    pk, sk = pod_key(install.cluster_uid, record.uid)
    adopted = record.adopted
    return table.pod(
        pk,
        sk,
        v=VERSION,
        rev=record.rev,
        nonce=record.nonce or None,
        install=install.install,
        namespace=record.namespace,
        name=record.name,
        mode=record.mode.value,
        pool=record.pool,
        phase=record.phase.value,
        allocation_id=record.allocation_id,
        public_ip=record.public_ip,
        target=record.target and _stored(record.target),
        association_id=record.association_id,
        adopted_cluster=adopted.cluster_name if adopted else None,
        adopted_pod=adopted.pod if adopted else None,
        adopted_pod_uid=adopted.pod_uid or None if adopted else None,
        traceparent=record.traceparent or None,
        since=record.since or None,
    )


def address_item(table: Table, record: AddressRecord) -> AddressItem:
    """The address's item."""
    pk, sk = address_key(record.allocation_id)
    owner = record.owner
    return table.address(
        pk,
        sk,
        v=VERSION,
        rev=record.rev,
        nonce=record.nonce or None,
        pool=record.pool,
        public_ip=record.public_ip or None,
        owner_cluster=owner.cluster_uid if owner else None,
        owner_install=owner.install.install if owner else None,
        owner_pod=owner.pod_uid if owner else None,
        owner_epoch=owner.epoch if owner else None,
        target=record.target and _stored(record.target),
        recent=[_stored(target) for target in record.recent] or None,
        last_holder=record.last_holder or None,
        last_mode=record.last_mode.value if record.last_mode else None,
    )


def read_pod(table: Table, raw: Raw) -> tuple[PodRecord, InstallKey]:
    """The Pod's side, and the install that wrote it. Raises ItemUnreadable."""
    item = _read(table.pod, raw)
    try:
        return _pod_record(item), InstallKey.within(_cluster(item), item.install)
    except ValueError as error:
        raise _damaged(item, error) from error


def _pod_record(item: PodItem) -> PodRecord:
    adopted = None
    if item.adopted_cluster is not None and item.adopted_pod is not None:
        adopted = AdoptedTags(
            cluster_name=item.adopted_cluster, pod=item.adopted_pod, pod_uid=item.adopted_pod_uid or ""
        )
    return PodRecord(
        uid=PodUid(item.sk.removeprefix(POD_PREFIX)),
        namespace=item.namespace,
        name=item.name,
        mode=Mode(item.mode),
        pool=item.pool,
        phase=Phase(item.phase),
        allocation_id=AllocationId(item.allocation_id) if item.allocation_id else None,
        public_ip=item.public_ip,
        target=_target(item.target) if item.target else None,
        association_id=AssociationId(item.association_id) if item.association_id else None,
        adopted=adopted,
        traceparent=item.traceparent or "",
        since=item.since if item.since and _MOMENT.fullmatch(item.since) else "",
        rev=Rev(int(item.rev)),
        nonce=item.nonce or "",
    )


def read_address(table: Table, raw: Raw) -> AddressRecord:
    """The address's side. Raises ItemUnreadable."""
    item = _read(table.address, raw)
    try:
        return _address_record(item)
    except ValueError as error:
        raise _damaged(item, error) from error


def _address_record(item: AddressItem) -> AddressRecord:
    return AddressRecord(
        allocation_id=AllocationId(item.pk.partition("#")[2]),
        pool=item.pool,
        public_ip=item.public_ip or "",
        owner=_owner(item),
        target=_target(item.target) if item.target else None,
        recent=tuple(map(_target, item.recent or ())),
        last_holder=item.last_holder or "",
        last_mode=Mode(item.last_mode) if item.last_mode else None,
        rev=Rev(int(item.rev)),
        nonce=item.nonce or "",
    )


def _owner(item: AddressItem) -> Owner | None:
    parts = (item.owner_cluster, item.owner_install, item.owner_pod, item.owner_epoch)
    if all(part is None for part in parts):
        return None
    if item.owner_cluster is None or item.owner_install is None or item.owner_pod is None or item.owner_epoch is None:
        raise ValueError("half an owner")
    return Owner(
        install=InstallKey.within(ClusterUid(item.owner_cluster), item.owner_install),
        pod_uid=PodUid(item.owner_pod),
        epoch=Epoch(int(item.owner_epoch)),
    )


def read_install(table: Table, raw: Raw) -> InstallRecord:
    """An install's item. Raises ItemUnreadable."""
    item: InstallItem = _read(table.install, {key: value for key, value in raw.items() if key != "queues"})
    try:
        return _install_record(item, raw)
    except ValueError as error:
        raise _damaged(item, error) from error


def _install_record(item: InstallItem, raw: Raw) -> InstallRecord:
    word, queues = _queues(raw, int(item.epoch))
    return InstallRecord(
        key=InstallKey.within(_cluster(item), item.sk.partition("#")[2]),
        epoch=Epoch(int(item.epoch)),
        heartbeat=int(item.heartbeat),
        leader=item.leader,
        cluster_name=item.cluster_name,
        scope=item.scope,
        silence_s=int(item.silence_s),
        version=item.version,
        word=word,
        queues=queues,
    )


def queues_text(queues: Iterable[PoolQueue], *, epoch: Epoch, word: str) -> str:
    """The queues as text for the install's item, with the epoch in which they were told, and an id for this message."""
    return msgspec.json.encode(_Told(epoch=epoch, word=word, queues=[_Queue(**asdict(q)) for q in queues])).decode()


def _queues(raw: Raw, epoch: int) -> tuple[str, tuple[PoolQueue, ...]]:
    """The queues in the item, if they are of this epoch. If they cannot be read there are none; the rest is used."""
    try:
        told = msgspec.json.decode(str(raw.get("queues", {}).get("S", "")), type=_Told)
    except msgspec.DecodeError:
        return "", ()
    if told.epoch != epoch:
        return "", ()
    return told.word, tuple(PoolQueue(**msgspec.structs.asdict(queue)) for queue in told.queues)


def read_line(raw: Raw) -> tuple[InstallKey, int]:
    """An install's line in the directory: which one, and its epoch; 0 where there is none. Raises ItemUnreadable."""
    pk, sk = key_of(raw)
    try:
        key = InstallKey.parse(sk)
    except ValueError as error:
        raise ItemUnreadable(f"{pk}/{sk} is damaged: {error}") from error
    number = str(raw.get("epoch", {}).get("N", ""))
    return key, int(number) if number.isdecimal() else 0


def _cluster(item: Item) -> ClusterUid:
    """The cluster in whose partition the item is."""
    return ClusterUid(item.pk.partition("#")[2])
