"""The last addresses of the account's quota are left for others, by real replicas on an EC2 that enforces a quota."""

from sandbox.ec2.faults import Fault
from sandbox.world import ClusterSettings
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import Scene, auto, running
from tests.e2e.test_doctor import doctor

ONE = ClusterSettings(name="a", replicas=1)
DENIED = (
    "You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/eip/i-1 is not "
    "authorized to perform: ec2:DescribeAccountAttributes because no identity-based policy allows it"
)


def metrics(scene: Scene) -> list[str]:
    """What the replica says of the quota."""
    lines = (scene.cluster.replicas[0].get("/metrics") or b"").decode().splitlines()
    return [line for line in lines if line.startswith("pod_eip_quota")]


def served(scene: Scene, names: list[str]) -> list[str]:
    """Those of them that show an address."""
    return [name for name in names if scene.label(name)]


def test_auto_leaves_what_is_kept_says_so_and_goes_on_when_there_is_room(new_world: NewWorld) -> None:
    world = new_world(ONE, ec2={"quota": 5}, keep_quota="2")
    scene = Scene(world, world.clusters["a"], "ns")
    world.ec2.add_address(tags={"Name": "a NAT gateway's"})
    names = [f"p{number}" for number in range(4)]
    with running(world):
        for name in names:
            scene.run(name, auto())
        scene.eventually(lambda: len(served(scene, names)) == 2, "two have an address")
        late = [name for name in names if not scene.label(name)]
        for name in late:
            scene.hears(name, "Warning EIPWaiting", "have 5 addresses", "2 are kept for others (keepQuota)")
        assert len(scene.addresses()) == 3
        shown = [
            "pod_eip_quota_allowed 5.0",
            "pod_eip_quota_used 3.0",
            "pod_eip_quota_kept 2.0",
            "pod_eip_quota_unreadable 0.0",
        ]
        scene.eventually(lambda: metrics(scene) == shown, "the metrics say so")
        code, lines = doctor(world, {}, "--table", world.settings.table, "--keep-quota", "2")
        assert code == 1
        assert lines[2] == "‼ quota: 3 of 5 addresses are used, 2 are kept for others: none is left for auto"
        scene.delete(served(scene, names)[0])
        scene.eventually(lambda: served(scene, late), "one that waited has an address")
        assert len(scene.addresses()) == 3
        assert not [call for call in scene.calls("AllocateAddress") if call.code]


def test_a_permission_that_is_missing_holds_nobody_back_and_is_named(new_world: NewWorld) -> None:
    world = new_world(ONE, ec2={"quota": 5}, keep_quota="4")
    scene = Scene(world, world.clusters["a"], "ns")
    world.ec2.inject(
        Fault(
            kind="error",
            action="DescribeAccountAttributes",
            code="UnauthorizedOperation",
            status=403,
            message=DENIED,
            count=None,
        )
    )
    with running(world):
        for name in ("p", "q"):
            scene.run(name, auto())
            scene.served(name)
        log = scene.cluster.replicas[0].tail(10_000)
        assert "the quota of addresses cannot be read, so auto allocates without regard to --keep-quota" in log
        assert "Add ec2:DescribeAccountAttributes to the IAM policy of the controller's role" in log
        shown = ["pod_eip_quota_used 2.0", "pod_eip_quota_kept 4.0", "pod_eip_quota_unreadable 1.0"]
        scene.eventually(lambda: metrics(scene) == shown, "the metrics say so")
    code, lines = doctor(world, {}, "--table", world.settings.table, "--keep-quota", "4")
    assert code == 1
    assert lines[2].startswith("‼ quota: UnauthorizedOperation")
    assert "Add ec2:DescribeAccountAttributes" in lines[3]
    assert "without regard to --keep-quota" in lines[3]


def test_without_the_setting_no_replica_asks_for_the_quota_and_doctor_tells_it(new_world: NewWorld) -> None:
    world = new_world(ONE, ec2={"quota": 2})
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        for name in ("p", "q"):
            scene.run(name, auto())
            scene.served(name)
        assert metrics(scene) == ["pod_eip_quota_used 2.0"]
        assert not scene.calls("DescribeAccountAttributes")
    code, lines = doctor(world, {}, "--table", world.settings.table)
    assert code == 1
    assert "‼ quota: 2 of 2 addresses are used, 0 are kept for others: none is left for auto" in lines
