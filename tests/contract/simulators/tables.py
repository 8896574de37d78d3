"""One table of DynamoDB for one test, in the shape of the ledger's: `pk` and `sk`, both strings, paid by request.

The contract tests speak to it in DynamoDB's own words, so that what they pin down is the service and not our models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, dict[str, Any]]
Operation = dict[str, dict[str, Any]]


def marshal(value: object) -> dict[str, Any]:
    """A string or a whole number in DynamoDB's notation."""
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def item(pk: str, **attributes: object) -> Item:
    """An item with sort key `x`."""
    return {name: marshal(value) for name, value in {"pk": pk, "sk": "x", **attributes}.items()}


@dataclass(frozen=True, slots=True)
class Table:
    """A client of DynamoDB and the name of a table that is ours alone."""

    client: Any
    name: str

    @classmethod
    def create(cls, client: Any, name: str) -> "Table":
        """Make the table. Both servers have it at once."""
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        )
        return cls(client, name)

    def put(self, pk: str, condition: str | None = None, **attributes: object) -> Operation:
        """A Put for a transaction."""
        return {"Put": {"Item": item(pk, **attributes), **self._condition(condition, {})}}

    def delete(self, pk: str, condition: str | None = None, **values: object) -> Operation:
        """A Delete for a transaction; `values` are those that the condition names with a colon."""
        return {"Delete": {"Key": item(pk), **self._condition(condition, values)}}

    def check(self, pk: str, condition: str, **values: object) -> Operation:
        """A ConditionCheck for a transaction."""
        return {"ConditionCheck": {"Key": item(pk), **self._condition(condition, values)}}

    def update(self, pk: str, expression: str, condition: str | None = None, **values: object) -> Operation:
        """An Update for a transaction."""
        return {"Update": {"Key": item(pk), "UpdateExpression": expression, **self._condition(condition, values)}}

    def _condition(self, condition: str | None, values: Mapping[str, object]) -> dict[str, Any]:
        settings: dict[str, Any] = {"TableName": self.name}
        if values:
            settings["ExpressionAttributeValues"] = {f":{name}": marshal(value) for name, value in values.items()}
        if condition is not None:
            settings |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        return settings

    def write(self, *operations: Operation) -> None:
        """Run one transaction. ClientError if it is cancelled or refused."""
        self.client.transact_write_items(TransactItems=list(operations))

    def get(self, pk: str) -> Item | None:
        """Read one item with strong consistency."""
        found: Item | None = self.client.get_item(TableName=self.name, Key=item(pk), ConsistentRead=True).get("Item")
        return found


def reasons(error: ClientError) -> Sequence[dict[str, Any]]:
    """The cancellation reasons of a cancelled transaction, one for each operation; AssertionError if it is no such."""
    assert error.response["Error"]["Code"] == "TransactionCanceledException", error
    response: dict[str, Any] = {**error.response}
    found: list[dict[str, Any]] = response["CancellationReasons"]
    return found


def codes(error: ClientError) -> list[str]:
    """The code of each operation: `None` for one that would have been done."""
    return [reason["Code"] for reason in reasons(error)]
