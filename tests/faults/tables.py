"""What people do to the table behind everybody's back: delete it, make it again, put an older state in its place.

It is done by bare boto3, between two transactions of the replicas and never during one, and the record is told what
stands in the table afterwards. Items are kept in DynamoDB's own form, so that what is put back is what was there.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sandbox.world import wait_until
from tests.faults.recorder import decoded
from tests.faults.world import FaultWorld
from tests.history import Item, Key

Raw = Mapping[str, Any]
KEYS = ("pk", "sk")


@contextmanager
def table_client(world: FaultWorld) -> Iterator[Any]:
    """A client of the table past the doors, while no replica writes."""
    with world.recorder.order:
        yield world.table


def copy_items(world: FaultWorld) -> list[Raw]:
    """Every item as it stands now: a backup."""
    with table_client(world) as client:
        return _scan(client, world.settings.table)


def put_back(world: FaultWorld, backup: Iterable[Raw]) -> None:
    """Everything that stands in the table goes, and a backup comes in its place."""
    kept, table = list(backup), world.settings.table
    with table_client(world) as client:
        for raw in _scan(client, table):
            client.delete_item(TableName=table, Key={key: raw[key] for key in KEYS})
        for raw in kept:
            client.put_item(TableName=table, Item=raw)
        world.recorder.replaced(by_key(kept))


def change_items(world: FaultWorld, changes: Mapping[Key, Raw]) -> None:
    """Put these items in place of those with their keys; nothing else changes."""
    with table_client(world) as client:
        for raw in changes.values():
            client.put_item(TableName=world.settings.table, Item=raw)
        world.recorder.replaced(by_key(_scan(client, world.settings.table)))


def delete_table(world: FaultWorld) -> None:
    """Somebody who wants to deletes the table: first its protection, then all that stood in it."""
    with table_client(world) as client:
        client.update_table(TableName=world.settings.table, DeletionProtectionEnabled=False)
        client.delete_table(TableName=world.settings.table)
        world.recorder.replaced({})


def make_table(world: FaultWorld) -> None:
    """A person makes the table again, as the documentation says, by hand."""
    with table_client(world) as client:
        client.create_table(
            TableName=world.settings.table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(KEYS, ("HASH", "RANGE"), strict=True)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in KEYS],
        )


def wait_table(world: FaultWorld, limit_s: float = 60) -> None:
    """Until somebody has made the table again."""
    made = world.settings.table
    wait_until(lambda: made in world.table.list_tables()["TableNames"], limit_s, "the table is made again")


def by_key(items: Iterable[Raw]) -> dict[Key, Item]:
    """The items as the record has them."""
    plain = map(decoded, items)
    return {(str(item["pk"]), str(item["sk"])): item for item in plain}


def _scan(client: Any, table: str) -> list[Raw]:
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]
