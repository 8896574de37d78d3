"""Servers that refuse, throttle, answer nonsense or cancel: each call is tried again until it is certain how it ended.

Every kind of call is struck, not only mutations; an effect may have happened although the answer denies it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.faults.lives import delete, move, new_life, play, serve
from tests.faults.wires import Answer, Answers, cancelled, forge, says
from tests.faults.world import FaultWorld, fault_world
from tests.history import TRANSACTION, Bounds, Call, Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "4"}
RETRIED = Bounds(misplaced_s=30.0, unclaimed_s=40.0, stale_label_s=30.0, failover_s=20.0, handover_s=20.0)
UNREADABLE = Bounds(misplaced_s=60.0, unclaimed_s=60.0, stale_label_s=60.0, failover_s=60.0, handover_s=60.0)
LIMIT_S = 90.0
GRACE_S = 25.0

EC2_500 = says(
    500, "<Response><Errors><Error><Code>InternalError</Code><Message>x</Message></Error></Errors></Response>"
)
EC2_503 = says(503, "<Response><Errors><Error><Code>Unavailable</Code><Message>x</Message></Error></Errors></Response>")
AWS_BALANCER = says(502, "<html><body><h1>502 Bad Gateway</h1></body></html>")
DYNAMODB_500 = says(500, '{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"x"}')
DYNAMODB_503 = says(503, '{"__type":"com.amazon.coral.availability#ServiceUnavailableException","message":"x"}')
KUBERNETES_500 = says(500, '{"kind":"Status","status":"Failure","reason":"InternalError","code":500,"message":"etcd"}')
KUBERNETES_504 = says(504, '{"kind":"Status","status":"Failure","reason":"Timeout","code":504,"message":"etcd"}')
FAILURES: dict[Service, tuple[Answer, ...]] = {
    "ec2": (EC2_500, EC2_503, AWS_BALANCER),
    "dynamodb": (DYNAMODB_500, DYNAMODB_503, AWS_BALANCER),
    "kubernetes": (KUBERNETES_500, KUBERNETES_504, AWS_BALANCER),
}
NONSENSE: dict[Service, tuple[Answer, ...]] = {
    "ec2": tuple(
        says(200, body)
        for body in (
            "",
            "<html><body>Welcome to the captive portal</body></html>",
            "<DescribeAddressesResponse><addressesSet><item><allocationId>eipalloc-1</alloc",
            "<Response><requestId>r</requestId></Response>",
            b"\xff\xfe\x00garbage",
        )
    ),
    "dynamodb": tuple(
        says(200, body)
        for body in ("", "not JSON", "[]", '{"Item": 5, "Items": "no"}', '{"Items": [{"pk": {"S": 5}}]}', b"\xff\x00")
    ),
    "kubernetes": tuple(
        says(200, body) for body in ("", "<html>", "{}", "[]", '{"metadata": 5, "items": "no", "spec": []}')
    ),
}
SERVICES: tuple[Service, ...] = ("ec2", "dynamodb", "kubernetes")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas."""
    with fault_world(tmp_path, ClusterSettings(name="a", nodes=2, replicas=2), flags=FAST) as made:
        yield made


def live_under(world: FaultWorld, service: Service, answers: Answers) -> None:
    """Pods come, move and go, and a leader hands over, while a service answers so."""
    moved, gone = new_life(world, "auto"), new_life(world, "fixed-tag")
    for life in (moved, gone):
        play(life, serve)
    coming = [new_life(world, mode) for mode in ("auto", "fixed-tag")]
    forge(world, answers, service)
    for life in coming:
        serve(life)
    move(moved)
    delete(gone)
    leader = world.leader()
    world.term(leader)
    assert leader.wait_end(GRACE_S) == 0
    world.start(leader)
    world.settle(LIMIT_S)
    delete(moved)
    world.settle(LIMIT_S)
    assert len(answers.struck) > 2, answers.struck


@pytest.mark.parametrize("delivered", [False, True], ids=["before-the-effect", "after-the-effect"])
@pytest.mark.parametrize("service", SERVICES)
def test_every_kind_of_call_fails_three_times_with_5xx(world: FaultWorld, service: Service, delivered: bool) -> None:
    live_under(world, service, Answers(*FAILURES[service], delivered=delivered))
    world.verdict(bounds=RETRIED)


@pytest.mark.parametrize("service", SERVICES)
def test_every_kind_of_call_is_answered_with_nonsense(world: FaultWorld, service: Service) -> None:
    live_under(world, service, Answers(*NONSENSE[service], delivered=True))
    world.verdict(bounds=UNREADABLE)


def test_watches_send_nonsense(world: FaultWorld) -> None:
    lines = (
        "",
        "not JSON\n",
        '{"type": "MODIFIED"}\n',
        '{"type": "MODIFIED", "object": {}}\n',
        '{"type": "DELETED", "object": {"metadata": {}}}\n',
        '{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}\n',
        '{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}\n',
        '{"type": "ERROR", "object": 5}\n',
        '{"type": "HELLO", "object": {"metadata": {"name": "x", "uid": "y"}}}\n',
    )
    answers = Answers(*(says(200, line) for line in lines), fits=lambda call: call.what.startswith("watch"))
    forge(world, answers, "kubernetes")
    life = new_life(world, "auto")
    world.clusters["a"].kube.drop_watches()
    serve(life)
    wait_until(lambda: answers.struck["watch pods"] >= len(lines), LIMIT_S, lambda: f"all was sent: {answers.struck}")
    move(life)
    world.verdict(bounds=RETRIED)


def test_watches_expire_while_pods_come_and_go(world: FaultWorld) -> None:
    kube = world.clusters["a"].kube
    lives = [new_life(world, mode) for mode in ("auto", "fixed-tag", "auto")]
    for life in lives:
        serve(life)
        kube.compact()
        kube.drop_watches()
        move(life)
    world.settle()
    for life in lives[:2]:
        kube.compact()
        kube.drop_watches()
        delete(life)
    world.verdict(quiet_s=3)


CANCELLATIONS: dict[str, tuple[Answer, ...]] = {
    "conflict": (cancelled("TransactionConflict"),) * 4,
    "throttled": (cancelled("ThrottlingError"), cancelled("None", "ProvisionedThroughputExceeded")) * 2,
    "without-reasons": (cancelled(),) * 6,
    "with-reasons-that-say-nothing": (cancelled("None"),) * 3,
    "in-progress": (says(400, '{"__type":"x#TransactionInProgressException","Message":"x"}'),) * 3,
    "throttled-as-a-whole": (says(400, '{"__type":"x#ThrottlingException","message":"x"}'),) * 4,
    "refused-as-a-whole": (says(400, '{"__type":"x#ValidationException","message":"x"}'),) * 4,
    "token-spent": (says(400, '{"__type":"x#IdempotentParameterMismatchException","Message":"x"}'),) * 3,
}


def writes_more_than_a_beat(call: Call) -> bool:
    """Whether it is a transaction with changes beside the fence."""
    return call.what == TRANSACTION and len(call.body["TransactItems"]) > 1


@pytest.mark.parametrize("how", CANCELLATIONS)
def test_transactions_of_many_pods_are_cancelled(world: FaultWorld, how: str) -> None:
    answers = Answers(*CANCELLATIONS[how], fits=writes_more_than_a_beat)
    lives = [new_life(world, mode) for mode in ("auto", "fixed-tag", "fixed-tag-value", "auto", "fixed-tag")]
    forge(world, answers, "dynamodb")
    for life in lives:
        serve(life)
    wait_until(lambda: answers.struck[TRANSACTION] >= len(CANCELLATIONS[how]), LIMIT_S, "all were cancelled")
    world.settle(LIMIT_S)
    again = Answers(*CANCELLATIONS[how], fits=writes_more_than_a_beat)
    forge(world, again, "dynamodb")
    for life in lives[:3]:
        delete(life)
    world.settle(LIMIT_S)
    world.verdict(bounds=RETRIED)
