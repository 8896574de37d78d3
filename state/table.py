"""The items of the table, as PynamoDB models; docs/architecture.md says what each item contains.

The models serialize and make conditions. All requests go through one guarded connection, so that no model can have
other time limits or retries. The models are bound to a table's name at run time, since one process of the tests may use
several tables (and Regions).
"""

from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import MetaModel, Model

from state.calls import Observer
from state.connection import GuardedConnection, Key
from state.credentials import CredentialKeeper
from state.model import AllocationId, ClusterUid, InstallKey, PodUid

DIRECTORY = "installs"
POD_PREFIX = "pod#"


class Item(Model):
    """The attributes of every item; `v` is the version of the schema in which it was written."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    v = NumberAttribute()


class InstallItem(Item):
    """One install: the epoch that fences it, and the heartbeat that every write of it moves (its rev)."""

    epoch = NumberAttribute()
    heartbeat = NumberAttribute()
    leader = UnicodeAttribute()
    cluster_name = UnicodeAttribute()
    scope = UnicodeAttribute()
    silence_s = NumberAttribute()
    version = UnicodeAttribute()
    nonce = UnicodeAttribute(null=True)
    queues = UnicodeAttribute(null=True)


class DirectoryItem(Item):
    """One line of the directory of installs."""

    epoch = NumberAttribute()
    cluster_name = UnicodeAttribute()
    scope = UnicodeAttribute()
    version = UnicodeAttribute()


class PodItem(Item):
    """The Pod's side of a claim; `nonce` names the one write that made this revision, `target` is `INTERFACE/IP`."""

    rev = NumberAttribute()
    nonce = UnicodeAttribute(null=True)
    install = UnicodeAttribute()
    namespace = UnicodeAttribute()
    name = UnicodeAttribute()
    mode = UnicodeAttribute()
    pool = UnicodeAttribute()
    phase = UnicodeAttribute()
    allocation_id = UnicodeAttribute(null=True)
    public_ip = UnicodeAttribute(null=True)
    target = UnicodeAttribute(null=True)
    association_id = UnicodeAttribute(null=True)
    adopted_cluster = UnicodeAttribute(null=True)
    adopted_pod = UnicodeAttribute(null=True)
    adopted_pod_uid = UnicodeAttribute(null=True)
    traceparent = UnicodeAttribute(null=True)
    since = UnicodeAttribute(null=True)


class AddressItem(Item):
    """The address's side of a claim; without `owner_pod` nobody owns it."""

    rev = NumberAttribute()
    nonce = UnicodeAttribute(null=True)
    pool = UnicodeAttribute()
    public_ip = UnicodeAttribute(null=True)
    owner_cluster = UnicodeAttribute(null=True)
    owner_install = UnicodeAttribute(null=True)
    owner_pod = UnicodeAttribute(null=True)
    owner_epoch = NumberAttribute(null=True)
    target = UnicodeAttribute(null=True)
    recent: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute, null=True)
    last_holder = UnicodeAttribute(null=True)
    last_mode = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The models bound to one table, and the connection that reads and writes it."""

    name: str
    connection: GuardedConnection
    install: type[InstallItem]
    directory: type[DirectoryItem]
    pod: type[PodItem]
    address: type[AddressItem]


_M = TypeVar("_M", bound=Model)


def open_table(
    name: str,
    *,
    region: str | None = None,
    call_timeout: float = 4.0,
    keeper: CredentialKeeper | None = None,
    observer: Observer | None = None,
) -> Table:
    """Bind the models to a table. Nothing is sent; `region` None and the endpoint follow the SDK's standard."""
    timeouts = {"connect_timeout_seconds": call_timeout / 4, "read_timeout_seconds": call_timeout * 3 / 4}
    meta = type("Meta", (), {"table_name": name, "region": region, "max_retry_attempts": 0, **timeouts})
    return Table(
        name=name,
        connection=GuardedConnection(name, region=region, call_timeout=call_timeout, keeper=keeper, observer=observer),
        install=_bound(InstallItem, meta),
        directory=_bound(DirectoryItem, meta),
        pod=_bound(PodItem, meta),
        address=_bound(AddressItem, meta),
    )


def _bound(model: type[_M], meta: type) -> type[_M]:
    attributes = {"Meta": meta, "__module__": model.__module__}
    return cast("type[_M]", MetaModel(model.__name__, (model,), attributes))


def cluster_partition(cluster_uid: ClusterUid) -> str:
    """The partition of everything that belongs to one cluster."""
    return f"cluster#{cluster_uid}"


def install_key(key: InstallKey) -> Key:
    """The key of an install's own item."""
    return cluster_partition(key.cluster_uid), f"install#{key.install}"


def directory_key(key: InstallKey) -> Key:
    """The key of an install's line in the directory."""
    return DIRECTORY, str(key)


def pod_key(cluster_uid: ClusterUid, uid: PodUid) -> Key:
    """The key of the Pod's side of a claim."""
    return cluster_partition(cluster_uid), f"{POD_PREFIX}{uid}"


def address_key(allocation_id: AllocationId) -> Key:
    """The key of the address's side of a claim."""
    return f"eip#{allocation_id}", "claim"
