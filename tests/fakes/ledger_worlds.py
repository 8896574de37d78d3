"""The places that a ledger can live in, behind one face, so that one test runs on memory and on DynamoDB alike.

A world is shared by several ledgers, as a table is shared by clusters and by the replicas of each; its snapshot is
read past every cache.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol
from uuid import uuid4

import pytest

from controller.core.ports import Heartbeat, Ledger
from sandbox.dynamodb import CREDENTIALS
from state.calls import Observer
from state.connection import Key
from state.group import Patience
from state.ledger import DynamoLedger
from state.model import (
    AddressRecord,
    AllocationId,
    ClusterUid,
    Epoch,
    InstallKey,
    InstallRecord,
    PodRecord,
    PodUid,
)
from state.provision import create_table
from state.reader import Reader
from state.schema import VERSION
from state.table import Table, address_key, install_key, open_table
from tests.fakes.ledger import FakeLedger
from tests.fakes.ledger_table import FakeTable

QUICK = Patience(tries=6, budget_s=10.0, base_s=0.001, cap_s=0.01)


class TermLedger(Ledger, Heartbeat, Protocol):
    """A ledger with the terms and the doors to other installs that both implementations have."""

    restored: bool

    def begin_term(self, identity: str = "", lease_epoch: int = 0, before: Callable[[], None] = ...) -> Epoch:
        """Raise the epoch."""
        ...

    def end_term(self) -> None:
        """Write no more."""
        ...

    def close(self) -> None:
        """End the term and its thread."""
        ...

    def neighbours(self) -> Mapping[InstallKey, Mapping[PodUid, PodRecord]]:
        """Claims of other installs of the cluster."""
        ...

    def fence_self(self, epoch: Epoch) -> None:
        """End the term and fence itself."""
        ...

    def deregister(self, fenced: InstallRecord) -> None:
        """Forget a fenced install."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What stands in the table."""

    pods: Mapping[PodUid, PodRecord]
    addresses: Mapping[AllocationId, AddressRecord]


class World(Protocol):
    """Makes ledgers that share one table."""

    def ledger(
        self, install: InstallKey, *, on_fenced: Callable[[], None] | None = None, scope: str = ""
    ) -> TermLedger:
        """One more ledger, as a replica of this install has it."""
        ...

    def snapshot(self, install: InstallKey, allocation_ids: Iterable[AllocationId]) -> Snapshot:
        """The claims of an install and these addresses, read anew."""
        ...

    def turn_back(self, install: InstallKey, heartbeats: int) -> None:
        """Put an older state of the install's item in place: so many heartbeats less, the same epoch."""
        ...

    def make_newer(self, allocation_id: AllocationId) -> None:
        """A newer release writes the address's side in its own way."""
        ...

    def close(self) -> None:
        """Close every ledger."""
        ...


def new_install(lease: str = "eip") -> InstallKey:
    """An install of a cluster that no other test knows."""
    return InstallKey(cluster_uid=ClusterUid(uuid4().hex), lease_namespace="kube-system", lease_name=lease)


@dataclass(slots=True)
class FakeWorld:
    """A world in memory."""

    table: FakeTable = field(default_factory=FakeTable)

    def ledger(
        self, install: InstallKey, *, on_fenced: Callable[[], None] | None = None, scope: str = ""
    ) -> TermLedger:
        """One more ledger over the table."""
        return FakeLedger(self.table, install, on_fenced=on_fenced, scope=scope)

    def snapshot(self, install: InstallKey, allocation_ids: Iterable[AllocationId]) -> Snapshot:
        """Straight from the dictionaries."""
        pods = {uid: pod for (_, uid), (pod, by) in self.table.pods.items() if by == install}
        addresses = {key: self.table.addresses[key] for key in allocation_ids if key in self.table.addresses}
        return Snapshot(pods=pods, addresses=addresses)

    def turn_back(self, install: InstallKey, heartbeats: int) -> None:
        """In the dictionary."""
        standing = self.table.installs[install]
        self.table.installs[install] = replace(standing, heartbeat=standing.heartbeat - heartbeats)

    def make_newer(self, allocation_id: AllocationId) -> None:
        """In the set of those."""
        self.table.unreadable.add(allocation_id)

    def close(self) -> None:
        """Nothing runs here."""


@dataclass(slots=True)
class DynamoWorld:
    """A world in a DynamoDB table; one table serves many worlds, since each has installs of its own."""

    table: Table
    ledgers: list[DynamoLedger] = field(default_factory=list)

    def ledger(
        self, install: InstallKey, *, on_fenced: Callable[[], None] | None = None, scope: str = ""
    ) -> TermLedger:
        """One more ledger with a writer of its own."""
        ledger = DynamoLedger(
            self.table,
            install,
            cluster_name="a",
            scope=scope,
            version="0",
            silence_s=3600,
            identity=f"replica-{len(self.ledgers)}",
            patience=QUICK,
            on_fenced=on_fenced,
        )
        self.ledgers.append(ledger)
        return ledger

    def snapshot(self, install: InstallKey, allocation_ids: Iterable[AllocationId]) -> Snapshot:
        """By a reader of its own."""
        reader = Reader(self.table, install)
        return Snapshot(pods=reader.claims().pods, addresses=reader.addresses(allocation_ids).addresses)

    def turn_back(self, install: InstallKey, heartbeats: int) -> None:
        """By a write that asks for no epoch."""
        model = self.table.install
        request = model(*install_key(install)).get_update_kwargs_from_instance([model.heartbeat.add(-heartbeats)])
        self.table.connection.transact(deletes=[], puts=[], updates=[request], token=uuid4().hex, guard=lambda: None)

    def make_newer(self, allocation_id: AllocationId) -> None:
        """By a write of the address's item alone."""
        self.write_newer(address_key(allocation_id))

    def write_newer(self, key: Key) -> None:
        """A newer release writes this item in its own way."""
        client: Any = self.table.connection.client
        client.update_item(
            TableName=self.table.name,
            Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}},
            UpdateExpression="SET v = :v, something_new = :s",
            ExpressionAttributeValues={":v": {"N": str(VERSION + 1)}, ":s": {"S": "x"}},
        )

    def close(self) -> None:
        """End the writers."""
        for ledger in self.ledgers:
            ledger.close()


class InMemory:
    """Brings a world in memory to a class of tests."""

    @pytest.fixture
    def world(self) -> FakeWorld:
        """A table of its own."""
        return FakeWorld()


class OnDynamoDb:
    """Brings a world on each DynamoDB that there is; the tests on one share a table."""

    tables: ClassVar[dict[str, Table]] = {}

    @pytest.fixture
    def world(self, dynamodb: Any) -> Iterator[DynamoWorld]:
        """The table on this server."""
        url = dynamodb.meta.endpoint_url
        world = DynamoWorld(self.tables.get(url) or self.tables.setdefault(url, table_at(url)))
        yield world
        world.close()


def table_at(url: str, *, name: str = "", call_timeout: float = 20.0, observer: Observer | None = None) -> Table:
    """A table behind an endpoint that is set as a user sets it; made there unless `name` says that it is."""
    environment: Mapping[str, Any] = {
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
    }
    region = CREDENTIALS["region_name"]
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in environment.items():
            patch.setenv(variable, value)
        if not name:
            name = f"ledger-{uuid4().hex}"
            create_table(name, region=region, call_timeout=call_timeout)
        table = open_table(name, region=region, call_timeout=call_timeout, observer=observer)
        assert table.connection.client.meta.endpoint_url == url
    return table
