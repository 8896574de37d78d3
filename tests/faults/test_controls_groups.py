"""A key occurs once in a group: what that guard is good for, shown on the ledger alone.

DynamoDB refuses a transaction that names an item twice, as a whole and without a reason for any item. The writer has
a second answer to that, for whatever else is refused so: it halves the group. Either guard keeps every change; the
first saves the refused calls. Without both, changes that were right are lost.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.dynamodb import DynamoDb
from tests.faults.catching import Catch
from tests.faults.door import Door
from tests.faults.mutants import Edit, source_with
from tests.history import TRANSACTION, Call, Process

pytestmark = [pytest.mark.faults, pytest.mark.control, pytest.mark.timeout(120)]
SCRIPT = Path(__file__).with_name("two_claims.py")
LIMIT_S = 60
KEYS_TWICE = Edit(file="state/writer.py", text="if seen & entry.keys:", instead="if False:")
NOT_HALVED = Edit(
    file="state/group.py", text="type(error) is Refused and len(group.entries) > 1", instead="len(group.entries) > 99"
)
ONE_WINS = "ConditionLost written"


@contextmanager
def door_to_dynamodb(folder: Path, calls: list[Call]) -> Iterator[Door]:
    """A DynamoDB behind a door that writes down its calls."""
    database = DynamoDb.start("moto", log=folder / "dynamodb.log")
    try:
        with Door("dynamodb", database.url, lambda: Process(name="ledger"), calls.append) as door:
            yield door
    finally:
        database.stop()


def is_heartbeat(call: Call) -> bool:
    """Whether it is a transaction with nothing in it but the fence."""
    return call.what == TRANSACTION and len(call.body["TransactItems"]) == 1


def environment(folder: Path, url: str, *edits: Edit) -> dict[str, str]:
    """Of the process with the ledger."""
    keys = {"AWS_ACCESS_KEY_ID": "ledger", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_ENDPOINT_URL_DYNAMODB": url}
    return {**os.environ, **keys, **source_with(folder / "source", *edits)}


def play(folder: Path, *edits: Edit) -> tuple[str, list[int]]:
    """How the two claims ended, and the answers to the transactions after the heartbeat."""
    calls: list[Call] = []
    with door_to_dynamodb(folder, calls) as door:
        door.interference = held = Catch(is_heartbeat)
        argv, env = [sys.executable, str(SCRIPT), "table"], environment(folder, door.url, *edits)
        with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            try:
                said = converse(child, held)
            finally:
                held.go.set()
                child.kill()
    answers = [c.status for c in calls if c.what == TRANSACTION and c.began > held.call.began]
    return said, [status for status in answers if status is not None]


def converse(child: subprocess.Popen[str], held: Catch) -> str:
    """Have both claims wait behind the heartbeat; the last thing that is said."""
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "begun\n"
    assert held.reached.wait(LIMIT_S)
    child.stdin.write("go on\n")
    child.stdin.flush()
    assert child.stdout.readline() == "queued\n"
    held.go.set()
    return child.stdout.readline().strip()


@pytest.mark.parametrize(
    ("edits", "answers"),
    [((), [200, 400]), ((KEYS_TWICE,), [400, 200, 400])],
    ids=["guarded", "unguarded"],
)
def test_two_pods_claim_one_address_in_one_group(tmp_path: Path, edits: tuple[Edit, ...], answers: list[int]) -> None:
    assert play(tmp_path, *edits) == (ONE_WINS, answers)


def test_without_halving_either_a_change_that_was_right_is_lost(tmp_path: Path) -> None:
    said, answers = play(tmp_path, KEYS_TWICE, NOT_HALVED)
    assert said == "Refused Refused"
    assert answers == [400]
