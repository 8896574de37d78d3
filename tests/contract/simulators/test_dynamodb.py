"""What the ledger relies on in DynamoDB, pinned on DynamoDB Local and on moto's: its transactions and strong reads.

Facts from the API reference of TransactWriteItems: all or nothing, at most 100 operations, one for each item, and
one cancellation reason for each operation, in the order of the request. The ledger sends tokens, and reads back.
"""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from tests.contract.simulators.tables import Operation, Table, codes, item, reasons

ABSENT = "attribute_not_exists(pk)"


@pytest.fixture
def table(dynamodb: Any) -> Table:
    """An empty table of its own."""
    return Table.create(dynamodb, f"ledger-{uuid.uuid4().hex}")


def refused(table: Table, *operations: Operation) -> ClientError:
    """Run a transaction that must not succeed."""
    with pytest.raises(ClientError) as caught:
        table.write(*operations)
    return caught.value


def numbers(table: Table, *names: str) -> list[int]:
    """The attribute `n` of each item."""
    found = [table.get(name) for name in names]
    return [int(entry["n"]["N"]) for entry in found if entry is not None]


def test_a_transaction_does_all_its_operations(table: Table) -> None:
    table.write(table.put("gone", n=1), table.put("changed", n=1), table.put("checked", n=1))
    table.write(
        table.check("checked", "n = :n", n=1),
        table.delete("gone", "n = :n", n=1),
        table.put("new", ABSENT, n=1),
        table.update("changed", "SET n = n + :one", "n = :one", one=1),
    )
    assert table.get("gone") is None
    assert numbers(table, "checked", "new", "changed") == [1, 1, 2]


def test_an_update_makes_the_item_that_is_absent(table: Table) -> None:
    table.write(table.update("new", "SET n = :one", ABSENT, one=1))
    assert table.get("new") == item("new", n=1)


@pytest.mark.parametrize(
    "failing",
    [
        lambda table: table.put("held", ABSENT, n=2),
        lambda table: table.delete("held", "n = :n", n=7),
        lambda table: table.update("held", "SET n = :n", "n = :n", n=7),
        lambda table: table.check("held", "n = :n", n=7),
    ],
    ids=["put", "delete", "update", "check"],
)
def test_a_failed_condition_gives_the_item_of_now(table: Table, failing: Callable[[Table], Operation]) -> None:
    table.write(table.put("held", n=1, owner="other"))
    error = refused(table, table.put("mine", n=1), failing(table))
    assert codes(error) == ["None", "ConditionalCheckFailed"]
    assert reasons(error)[1]["Item"] == item("held", n=1, owner="other")
    assert table.get("mine") is None
    assert table.get("held") == item("held", n=1, owner="other")


def test_reasons_stand_in_the_order_of_the_request(table: Table) -> None:
    table.write(*(table.put(f"held-{index}", n=index) for index in range(3)))
    order = ["held-2", "free-1", "held-0", "free-2", "held-1"]
    error = refused(table, *(table.put(name, ABSENT, n=9) for name in order))
    assert codes(error) == ["ConditionalCheckFailed" if name.startswith("held") else "None" for name in order]
    assert [reason.get("Item", {}).get("n") for reason in reasons(error)] == [
        {"N": "2"},
        None,
        {"N": "0"},
        None,
        {"N": "1"},
    ]


def test_a_failed_condition_on_an_absent_item_gives_no_item(table: Table) -> None:
    error = refused(table, table.update("absent", "SET n = :n", "n = :n", n=1))
    assert codes(error) == ["ConditionalCheckFailed"]
    assert "Item" not in reasons(error)[0]
    assert table.get("absent") is None


def test_an_unfailing_reason_has_neither_item_nor_message(table: Table) -> None:
    table.write(table.put("held", n=1))
    error = refused(table, table.put("free", ABSENT, n=1), table.put("held", ABSENT, n=1))
    assert reasons(error)[0].get("Item") is None
    assert reasons(error)[0].get("Message") is None
    assert reasons(error)[1]["Message"]


def test_a_hundred_operations_are_the_limit(table: Table) -> None:
    table.write(*(table.put(f"item-{index}", n=index) for index in range(100)))
    assert numbers(table, "item-0", "item-99") == [0, 99]
    error = refused(table, *(table.put(f"more-{index}", n=index) for index in range(101)))
    assert error.response["Error"]["Code"] == "ValidationException"
    assert table.get("more-0") is None


def test_four_megabytes_are_the_limit(table: Table) -> None:
    table.write(*(table.put(f"item-{index}", n=index, v="x" * 390_000) for index in range(10)))
    error = refused(table, *(table.put(f"more-{index}", v="x" * 390_000) for index in range(11)))
    assert error.response["Error"]["Code"] == "ValidationException"
    assert table.get("more-0") is None


def test_a_request_token_makes_a_repeated_transaction_harmless(table: Table) -> None:
    token, add = str(uuid.uuid4()), table.update("counter", "SET n = n + :one", one=1)
    table.write(table.put("counter", n=0))
    for _ in range(3):
        table.client.transact_write_items(TransactItems=[add], ClientRequestToken=token)
    assert numbers(table, "counter") == [1]
    with pytest.raises(ClientError) as caught:
        table.client.transact_write_items(TransactItems=[add, table.put("other")], ClientRequestToken=token)
    assert caught.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
    assert table.get("other") is None


def test_a_cancelled_transaction_leaves_its_token_unspent(table: Table) -> None:
    token, add = str(uuid.uuid4()), table.update("counter", "SET n = n + :one", "n = :two", one=1, two=2)
    table.write(table.put("counter", n=0))
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            table.client.transact_write_items(TransactItems=[add], ClientRequestToken=token)
        assert codes(caught.value) == ["ConditionalCheckFailed"]
    table.write(table.put("counter", n=2))
    table.client.transact_write_items(TransactItems=[add], ClientRequestToken=token)
    assert numbers(table, "counter") == [3]


@pytest.mark.parametrize("second", ["put", "delete", "update"])
def test_an_item_twice_is_refused_as_a_whole_and_without_reasons(table: Table, second: str) -> None:
    again = {
        "put": table.put("twice", n=2),
        "delete": table.delete("twice"),
        "update": table.update("twice", "SET n = :n", n=2),
    }
    error = refused(table, table.put("other", n=1), table.put("twice", n=1), again[second])
    assert error.response["Error"]["Code"] == "ValidationException"
    assert not dict(error.response).get("CancellationReasons")
    assert table.get("other") is None
    assert table.get("twice") is None


def test_strong_reads_see_every_committed_write(table: Table) -> None:
    keys = [f"item-{index}" for index in range(20)]
    table.write(*(table.put(key, n=1) for key in keys))
    for turn in range(2, 12):
        table.write(*(table.update(key, "SET n = :n", n=turn) for key in keys))
        batch = {table.name: {"Keys": [item(key) for key in keys], "ConsistentRead": True}}
        found = table.client.batch_get_item(RequestItems=batch)["Responses"][table.name]
        assert {entry["n"]["N"] for entry in found} == {str(turn)}
        query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": keys[0]}}}
        (entry,) = table.client.query(TableName=table.name, ConsistentRead=True, **query)["Items"]
        assert entry["n"]["N"] == str(turn)


def test_a_query_finds_one_partition_in_the_order_of_its_sort_keys_and_in_pages(table: Table) -> None:
    for name in ("pod#b", "install#a", "pod#a", "pod#c"):
        table.client.put_item(TableName=table.name, Item={"pk": {"S": "cluster"}, "sk": {"S": name}})
    table.client.put_item(TableName=table.name, Item=item("other"))
    pages = table.client.get_paginator("query").paginate(
        TableName=table.name,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :kind)",
        ExpressionAttributeValues={":pk": {"S": "cluster"}, ":kind": {"S": "pod#"}},
        PaginationConfig={"PageSize": 2},
    )
    assert [[entry["sk"]["S"] for entry in page["Items"]] for page in pages if page["Items"]] == [
        ["pod#a", "pod#b"],
        ["pod#c"],
    ]


def committed(table: Table, *operations: Operation) -> bool:
    """Whether a contended transaction was done; it may be cancelled for a condition or a conflict, and nothing else."""
    try:
        table.write(*operations)
    except ClientError as error:
        check_reasons(error)
        return False
    return True


def check_reasons(error: ClientError) -> None:
    """A conflict comes with a message and without the item. Neither server says it; the service does."""
    assert set(codes(error)) <= {"None", "ConditionalCheckFailed", "TransactionConflict"}, error
    for reason in reasons(error):
        assert reason["Code"] != "TransactionConflict" or ("Item" not in reason and reason["Message"])


def transfer(table: Table, source: str, target: str) -> bool:
    """Move one from `source` to `target` if neither changed since it was read, and note it; whether it was done."""
    before = dict(zip((source, target), numbers(table, source, target), strict=True))
    return committed(
        table,
        table.update(source, "SET n = n - :one", "n = :n", n=before[source], one=1),
        table.update(target, "SET n = n + :one", "n = :n", n=before[target], one=1),
        table.put(f"moved-{source}-{before[source]}-{target}-{before[target]}-{uuid.uuid4()}", ABSENT, n=1),
    )


def test_contended_transactions_are_all_or_nothing_and_none_vanishes(table: Table) -> None:
    names = ["a", "b", "c"]
    table.write(*(table.put(name, n=1000) for name in names))

    def work(worker: int) -> list[bool]:
        pairs = [(names[(worker + turn) % 3], names[(worker + turn + 1 + turn % 2) % 3]) for turn in range(25)]
        return [transfer(table, source, target) for source, target in pairs]

    with ThreadPoolExecutor(8) as pool:
        outcomes = [outcome for outcomes in pool.map(work, range(8)) for outcome in outcomes]
    assert sum(numbers(table, *names)) == 3000
    assert not all(outcomes), "nobody contended: the test says nothing"
    moved = table.client.scan(TableName=table.name, ConsistentRead=True, Select="COUNT")["Count"] - len(names)
    assert moved == sum(outcomes)


def test_a_fence_lets_no_stale_writer_in(table: Table) -> None:
    """Eight writers of eight epochs race; once the epoch is up, no write of an older one is committed."""
    table.write(table.put("install", n=0))

    def write(epoch: int, turn: int) -> None:
        fence = table.update("install", "SET n = :epoch", "n <= :epoch", epoch=epoch)
        claim = table.update("claim", "SET n = :epoch", "attribute_not_exists(n) OR n <= :epoch", epoch=epoch)
        committed(table, fence, claim)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, [epoch for _ in range(10) for epoch in range(8)], range(80)))
    assert numbers(table, "install", "claim") == [7, 7]


def test_the_service_names_conflicts_in_its_reasons() -> None:
    """Neither server runs two transactions at once, so neither can conflict: botocore's model tells the shape."""
    model: Any = Session().get_service_model("dynamodb")
    error = model.shape_for_error_code("TransactionCanceledException")
    assert set(error.members["CancellationReasons"].member.members) == {"Item", "Code", "Message"}
    assert "TransactionConflict" in error.documentation
