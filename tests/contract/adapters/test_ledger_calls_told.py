"""Each request to DynamoDB is told once: what it was, how long it took, and by which code it failed."""

import pytest

from state.errors import PodEipError
from state.table import Table
from tests.contract.adapters.ledger_scene import Scene
from tests.fakes.dynamodb_proxy import Fault, LoseReply, LoseRequest, refusal
from tests.fakes.ledger_worlds import table_at

KEY = ("cluster#a", "install#b")
Told = list[tuple[str, float, str]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def watched(scene: Scene, told: Told) -> Table:
    """The scene's table, behind its proxy, with somebody who listens."""
    return table_at(scene.proxy.url, name=scene.table.name, observer=lambda *call: told.append(call))


def test_a_request_that_succeeds_has_no_code(watched: Table, told: Told) -> None:
    watched.connection.strong_get([KEY])
    list(watched.connection.strong_query("cluster#a"))
    assert [(operation, code) for operation, _, code in told] == [("BatchGetItem", ""), ("Query", "")]
    assert all(0 < seconds < 60 for _, seconds, _ in told)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (refusal("ThrottlingException", "slow down"), "ThrottlingException"),
        (refusal("AccessDeniedException", "no"), "AccessDeniedException"),
        (refusal("SomethingFromATenant", "x", status=500), "other"),
        (LoseReply(), "Unavailable"),
        (LoseRequest(), "Unavailable"),
    ],
)
def test_a_request_that_fails_has_one_of_few_codes(
    scene: Scene, watched: Table, told: Told, fault: Fault, code: str
) -> None:
    scene.proxy.fault(fault, operation="BatchGetItem")
    with pytest.raises(PodEipError):
        watched.connection.strong_get([KEY])
    assert [(operation, said) for operation, _, said in told] == [("BatchGetItem", code)]
