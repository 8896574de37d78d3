"""Every call to DynamoDB is allowed: made by the product's own code, and read off the wire."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sandbox.dynamodb import CREDENTIALS, DynamoDb
from sandbox.iam.evaluator import Check
from state.ledger import DynamoLedger
from state.model import AllocationId, Change, ClusterUid, InstallKey
from state.provision import create_table
from tests.fakes.dynamodb_proxy import Proxy, Seen
from tests.fakes.ledger_worlds import QUICK, table_at
from tests.fakes.records import new_address, new_pod
from tests.iam.questions import NAME, TABLE, UID, Account, denied, of_dynamodb

TAKE_OVER = ("install", "fixed-pools")
NO_TAKE_OVER = ("install-no-take-over", "fixed-pools-no-take-over")


@pytest.fixture(scope="module")
def wire() -> Iterator[Proxy]:
    """A DynamoDB, and what was asked of it."""
    with DynamoDb.start("moto") as server, Proxy(server.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def made(wire: Proxy) -> Sequence[Seen]:
    """What was asked to make the table."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(variable, CREDENTIALS["aws_access_key_id"])
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", wire.url)
        create_table(TABLE, region=CREDENTIALS["region_name"], call_timeout=20.0)
        return list(wire.seen)


@pytest.fixture
def asked(wire: Proxy, made: Sequence[Seen]) -> Proxy:
    """The wire, with nothing on it, and the table behind."""
    wire.reset()
    return wire


def ledger(wire: Proxy, uid: str = UID) -> DynamoLedger:
    """The ledger of a cluster's install, as a replica has it."""
    install = InstallKey(cluster_uid=ClusterUid(uid), lease_namespace="ns", lease_name="l")
    facts: dict[str, Any] = {"cluster_name": NAME, "scope": "", "version": "0", "silence_s": 3600, "identity": "me"}
    return DynamoLedger(table_at(wire.url, name=TABLE), install, **facts, patience=QUICK)


def checks(seen: Sequence[Seen]) -> dict[str, list[Check]]:
    """What IAM is asked about these requests, by operation."""
    found: dict[str, list[Check]] = {}
    for request in seen:
        found.setdefault(request.operation, []).extend(of_dynamodb(request.operation, request.body, Account()))
    return found


def live(ledger: DynamoLedger) -> None:
    """A term with a claim that comes and goes, and a look at everybody."""
    ledger.begin_term("me")
    pod, address = new_pod(), new_address("eipalloc-1")
    ledger.commit(Change(pod_after=pod, address_after=address))
    standing, side = ledger.pod(pod.uid), ledger.address(AllocationId("eipalloc-1"))
    ledger.commit(Change(pod_before=standing, address_before=side))
    ledger.heartbeat()
    ledger.installs()
    ledger.refresh([AllocationId("eipalloc-1")])
    ledger.close()


@pytest.mark.parametrize("name", [*TAKE_OVER, *NO_TAKE_OVER])
def test_every_call_of_a_leader_is_allowed(asked: Proxy, name: str) -> None:
    live(ledger(asked))
    questions = checks(asked.seen)
    writes = {check.action for check in questions["TransactWriteItems"]}
    assert questions.keys() == {"TransactWriteItems", "Query", "BatchGetItem"}
    assert writes == {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    assert [denied(name, found) for found in questions.values()] == [[]] * len(questions)


def test_a_take_over_is_allowed_where_it_is_wanted_and_nowhere_else(asked: Proxy) -> None:
    other, ours = ledger(asked, "another-uid"), ledger(asked)
    other.begin_term("other")
    ours.begin_term("me")
    silent = next(record for record in ours.installs() if record.key.cluster_uid == "another-uid")
    asked.reset()
    ours.take_over(silent)
    (own, foreign) = sorted(checks(asked.seen)["TransactWriteItems"], key=lambda check: "another" in str(check))
    assert [denied(name, [own, foreign]) for name in TAKE_OVER] == [[], []]
    assert [denied(name, [own, foreign]) for name in NO_TAKE_OVER] == [[foreign], [foreign]]
    other.close()
    ours.close()


def test_making_the_table_is_allowed_to_who_makes_it_and_to_nobody_else(made: Sequence[Seen]) -> None:
    questions = checks(made)
    assert questions.keys() == {"DescribeTable", "CreateTable", "UpdateContinuousBackups"}
    assert {check.action for check in questions["CreateTable"]} == {"dynamodb:CreateTable", "dynamodb:TagResource"}
    assert [denied("create-table", found) for found in questions.values()] == [[], [], []]
    for name in ("install", "fixed-pools", "read-only"):
        assert denied(name, questions["DescribeTable"]) == []
        assert denied(name, questions["CreateTable"]) == questions["CreateTable"]


def test_readers_may_read(asked: Proxy) -> None:
    reader = ledger(asked)
    reader.follow()
    reader.installs()
    reader.close()
    questions = checks(asked.seen)
    assert "TransactWriteItems" not in questions
    assert [denied("read-only", found) for found in questions.values()] == [[]] * len(questions)
