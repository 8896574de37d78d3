"""The DynamoDB table read with bare boto3: what it says, without the controller's own code between.

Only the attributes that tell who owns what are read; a Pod's item names its address and an address's item its owner,
and the judge holds the two against each other.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from sandbox.world import REGION

# A JVM that starts on a busy machine has been seen to need ten seconds for its first table.
_LIMITS = Config(connect_timeout=5, read_timeout=40, retries={"total_max_attempts": 1})
_WARM_UPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The mapping from both sides, the epoch under which each address was claimed, and how far each Pod has come."""

    address_of: Mapping[str, str] = field(default_factory=dict)
    owner_of: Mapping[str, str] = field(default_factory=dict)
    epoch_of: Mapping[str, int] = field(default_factory=dict)
    phase_of: Mapping[str, str] = field(default_factory=dict)

    def disputed(self) -> frozenset[str]:
        """Addresses that two Pods have, or whose owner is another one than the Pod that has it."""
        counts = Counter(self.address_of.values())
        twice = {address for address, count in counts.items() if count > 1}
        at_odds = {
            address
            for uid, address in self.address_of.items()
            if address in self.owner_of and self.owner_of[address] != uid
        }
        return frozenset(twice | at_odds)


def open_client(url: str) -> Any:
    """A DynamoDB client for the sandbox, with time limits."""
    session = boto3.Session(aws_access_key_id="sandbox", aws_secret_access_key="sandbox", region_name=REGION)
    return session.client("dynamodb", endpoint_url=url, config=_LIMITS)


def read(client: Any, table: str) -> Ledger:
    """Every item, read consistently; an empty ledger while there is no table."""
    items: list[dict[str, Any]] = []
    try:
        for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            items.extend(page["Items"])
    except client.exceptions.ResourceNotFoundException:
        return Ledger()
    return from_items(items)


def warm_up(client: Any) -> None:
    """Make the database do what the controllers will ask of it: a JVM's first transactions take seconds each."""
    table = {"TableName": "warm-up"}
    names = {"pk": "HASH", "sk": "RANGE"}
    keys = [{"AttributeName": name, "KeyType": kind} for name, kind in names.items()]
    types = [{"AttributeName": name, "AttributeType": "S"} for name in names]
    client.create_table(**table, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")
    for number in range(_WARM_UPS):
        item = {"pk": {"S": "warm-up"}, "sk": {"S": str(number)}}
        put = {**table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        client.transact_write_items(TransactItems=[{"Put": put}])
        client.get_item(**table, Key=item, ConsistentRead=True)
        client.scan(**table, ConsistentRead=True)
    client.delete_table(**table)


def from_items(items: list[dict[str, Any]]) -> Ledger:
    """The ledger that these items, as DynamoDB writes them, make."""
    address_of, owner_of, epoch_of, phase_of = {}, {}, {}, {}
    for item in items:
        pk, sk = _text(item, "pk"), _text(item, "sk")
        if sk.startswith("pod#") and "phase" in item:
            phase_of[sk.removeprefix("pod#")] = _text(item, "phase")
        if sk.startswith("pod#") and "allocation_id" in item:
            address_of[sk.removeprefix("pod#")] = _text(item, "allocation_id")
        elif pk.startswith("eip#") and "owner_pod" in item:
            owner_of[pk.removeprefix("eip#")] = _text(item, "owner_pod")
            epoch_of[pk.removeprefix("eip#")] = int(_text(item, "owner_epoch"))
    return Ledger(address_of=address_of, owner_of=owner_of, epoch_of=epoch_of, phase_of=phase_of)


def _text(item: dict[str, Any], name: str) -> str:
    return str(next(iter(item[name].values())))
