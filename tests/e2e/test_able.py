"""Ready means able: missing rights and a missing table are red, in words; a passing outage is not."""

from collections.abc import Callable
from contextlib import closing

import pytest

from sandbox.demo.ledger import open_client
from sandbox.ec2.faults import Fault
from sandbox.replica import Replica
from sandbox.world import ClusterSettings, World, wait_until
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import LOOK_DENIED, Scene, auto, denied, fixed, running


@pytest.fixture
def world(new_world: NewWorld) -> World:
    """Two replicas, and no table before somebody makes it."""
    return new_world(ClusterSettings(name="a", replicas=2))


def started(world: World) -> list[Replica]:
    """Both, without waiting for a leader."""
    replicas = world.replicas()
    for replica in replicas:
        replica.start()
    return replicas


def says(replica: Replica, words: str) -> Callable[[], bool]:
    """Whether its `/readyz` has these words."""
    return lambda: words in replica.readiness()


def logs(replica: Replica, words: str) -> Callable[[], bool]:
    """Whether its log has these words."""
    return lambda: words in replica.tail(10_000)


def heard(scene: Scene, replica: Replica) -> Callable[[], bool]:
    """Whether the replica's own Pod has the event that it is not able, and no other."""
    reasons = ["EIPControllerUnable"]
    return lambda: [e["reason"] for e in scene.cluster.kube.events("kube-system", replica.name)] == reasons


def make_table(world: World, name: str) -> None:
    """As `table create` does, with the keys alone."""
    names = {"pk": "HASH", "sk": "RANGE"}
    with closing(open_client(world.dynamodb_url)) as client:
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            BillingMode="PAY_PER_REQUEST",
        )


def test_a_denied_look_is_red_on_every_replica_and_told(world: World) -> None:
    scene = Scene(world, world.clusters["a"], "ns")
    for replica in world.replicas():
        replica.change({}, {"POD_NAME": replica.name, "POD_UID": f"uid-{replica.name}", "POD_NAMESPACE": "kube-system"})
    world.ec2.inject(LOOK_DENIED)
    with running(world):
        scene.run("p", auto())
        for replica in world.replicas():
            scene.eventually(says(replica, "UnauthorizedOperation"), "it is red, and says why")
            assert not replica.ready()
            assert "deploy/iam/aws/install.json" in replica.readiness()
            scene.eventually(logs(replica, "not ready: this replica may not do what it must"), "the log says why")
            scene.eventually(heard(scene, replica), "its own Pod says why")
        scene.hears("p", "UnauthorizedOperation", "deploy/iam/aws/install.json")
        world.ec2.clear_faults()
        scene.served("p")


def test_a_missing_table_is_red_until_somebody_makes_it(world: World) -> None:
    scene, late = Scene(world, world.clusters["a"], "ns"), f"{world.settings.table}-late"
    for replica in world.replicas():
        replica.change({"create-table": "false", "table": late})
    replicas = started(world)
    try:
        scene.run("p", auto())
        for replica in replicas:
            scene.eventually(says(replica, "table create"), "it is red, and says what to do")
            assert not replica.ready()
            assert replica.alive
        scene.hears("p", "table create")
        make_table(world, late)
        for replica in replicas:
            scene.eventually(replica.ready, "it is ready once there is a table", 120)
        scene.served("p")
    finally:
        for replica in replicas:
            replica.stop()


def test_a_serving_replica_stays_green_through_outages(world: World) -> None:
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.run("p", auto())
        scene.served("p")
        for replica in world.replicas():
            scene.eventually(replica.ready, "it is ready")
        for fault in (
            Fault(kind="error", count=None, code="InternalError", status=500),
            Fault(kind="error", count=None, code="RequestLimitExceeded", status=503),
            Fault(kind="lost_reply", count=None),
        ):
            world.ec2.inject(fault)
            scene.stays(lambda: all(r.ready() for r in world.replicas()), 6.0, "all are ready")
            world.ec2.clear_faults()


def test_a_replica_that_starts_in_an_outage_is_not_red_for_it(world: World) -> None:
    world.ec2.inject(Fault(kind="error", count=None, code="InternalError", status=500))
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        for replica in world.replicas():
            scene.eventually(replica.ready, "it is ready")


@pytest.mark.parametrize("action", ["AllocateAddress", "AssociateAddress"])
def test_who_may_not_give_the_first_pod_an_address_is_red_until_it_may(world: World, action: str) -> None:
    scene = Scene(world, world.clusters["a"], "ns")
    world.ec2.inject(denied(action))
    with running(world):
        scene.run("p", auto())
        scene.hears("p", "UnauthorizedOperation", f"ec2:{action}")
        leader = world.clusters["a"].leader()
        assert leader is not None
        scene.eventually(
            says(leader, f"EC2 changes: UnauthorizedOperation: You are not authorized to perform: ec2:{action}"),
            "it is red",
        )
        assert not leader.ready()
        scene.eventually(logs(leader, "not ready: this replica may not do what it must"), "the log says why")
        world.ec2.clear_faults()
        scene.served("p")
        scene.eventually(leader.ready, "it is ready")


def test_a_tenant_who_asks_for_what_the_role_may_not_turns_no_replica_red_that_serves(world: World) -> None:
    scene = Scene(world, world.clusters["a"], "ns")
    world.ec2.add_address(tags={"pool": ""})
    with running(world):
        scene.run("served", fixed("pool"))
        scene.served("served")
        for replica in world.replicas():
            scene.eventually(replica.ready, "it is ready")
        world.ec2.inject(denied("AllocateAddress"))
        for number in range(5):
            scene.run(f"denied{number}", auto())
        scene.hears("denied0", "UnauthorizedOperation")
        scene.stays(lambda: all(r.ready() for r in world.replicas()), 8.0, "all are ready")
        old = world.clusters["a"].leader()
        assert old is not None
        old.kill()
        scene.eventually(lambda: world.clusters["a"].leader() not in (None, old), "another leads")
        scene.stays(lambda: all(r.ready() for r in world.replicas() if r is not old), 8.0, "it is ready as well")


def require_allocation(world: World) -> None:
    """As the chart sets it."""
    for replica in world.replicas():
        replica.change({"require-allocation": "true"})


def calls(world: World) -> list[str]:
    """The codes of the answers to AllocateAddress."""
    return [call.code for call in world.ec2.log() if call.action == "AllocateAddress"]


def test_without_any_pod_a_role_that_may_not_allocate_is_red_on_every_replica(world: World) -> None:
    require_allocation(world)
    world.ec2.inject(denied("AllocateAddress"))
    replicas = started(world)
    try:
        for replica in replicas:
            text = "EC2 allocation: UnauthorizedOperation: You are not authorized to perform: ec2:AllocateAddress"
            wait_until(says(replica, text), 60, "it is red, and says why")
            assert "--require-allocation=false" in replica.readiness()
            wait_until(logs(replica, "not ready: this replica may not do what it must"), 60, "the log says why")
        assert set(calls(world)) == {"UnauthorizedOperation"}
    finally:
        for replica in replicas:
            replica.stop()


def test_a_role_that_may_allocate_is_asked_and_nothing_is_allocated(world: World) -> None:
    require_allocation(world)
    with running(world):
        for replica in world.replicas():
            wait_until(replica.ready, 60, "it is ready")
        assert set(calls(world)) == {"DryRunOperation"}
        assert not world.ec2.world().addresses


def test_without_any_pod_a_role_that_may_not_serve_is_red_on_every_replica(world: World) -> None:
    """EC2 cannot be asked about an address that is not there; IAM's simulator can."""
    require_allocation(world)
    action = "ReleaseAddress"  # tests/real/test_helm_wait.py has the others
    world.ec2.inject(denied(action))
    replicas = started(world)
    try:
        for replica in replicas:
            wait_until(says(replica, "EC2 rights: implicitDeny: IAM's simulator says that"), 60, "it is red")
            for part in (
                f"not authorized to perform: ec2:{action} on an",
                "install.json",
                "--require-allocation=false",
            ):
                assert part in replica.readiness()
            wait_until(logs(replica, "not ready: this replica may not do what it must"), 60, "the log says why")
        assert not [call for call in world.ec2.log() if call.action == action], "EC2 was not asked"
        world.ec2.clear_faults()
        for replica in replicas:
            wait_until(replica.ready, 60, "it is ready once it may")
    finally:
        for replica in replicas:
            replica.stop()


@pytest.mark.parametrize("code", ["AccessDenied", "InternalError"])
def test_a_role_whose_rights_nobody_may_simulate_is_ready(world: World, code: str) -> None:
    require_allocation(world)
    status = 403 if code == "AccessDenied" else 500
    world.ec2.inject(Fault(kind="error", action="SimulatePrincipalPolicy", code=code, status=status, count=None))
    with running(world):
        for replica in world.replicas():
            wait_until(replica.ready, 60, "it is ready")
            wait_until(logs(replica, "IAM's simulator cannot be asked what the role may do"), 60, "the log says so")


def test_a_role_for_pools_alone_is_ready_once_the_operator_says_so(world: World) -> None:
    world.ec2.inject(denied("AllocateAddress"))
    with running(world):
        for replica in world.replicas():
            wait_until(replica.ready, 60, "it is ready")
        assert not calls(world)


def test_a_replica_that_starts_beside_served_pods_is_not_asked_what_it_may_allocate(world: World) -> None:
    scene, late = Scene(world, world.clusters["a"], "ns"), world.replicas()[-1]
    world.ec2.add_address(tags={"pool": ""})
    with running(world):
        scene.run("served", fixed("pool"))
        scene.served("served")
        world.ec2.inject(denied("AllocateAddress"))
        late.stop()
        require_allocation(world)
        late.start()
        scene.eventually(late.ready, "it is ready")
        scene.stays(late.ready, 5.0, "it stays so")
