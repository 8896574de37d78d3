"""What running replicas say on /metrics: what they do is counted there, and Prometheus's own tool approves of it."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sandbox.world import ClusterSettings
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import Scene, auto, fixed, running
from tests.real.promtool import promtool
from tests.web.all_metrics import described, text

TWO = ClusterSettings(name="a", replicas=2)


def scrapes(scene: Scene) -> list[str]:
    """/metrics of each replica, the leader's first."""
    leader = scene.cluster.leader()
    replicas = sorted(scene.cluster.replicas, key=lambda replica: replica is not leader)
    return [(replica.get("/metrics") or b"").decode() for replica in replicas]


def value(scrape: str, name: str, **labels: str) -> float:
    """The sum of the samples of this name with these labels; 0 where there is none."""
    samples = [s for family in text_string_to_metric_families(scrape) for s in family.samples if s.name == name]
    return sum(s.value for s in samples if labels.items() <= s.labels.items())


def live(scene: Scene) -> list[str]:
    """A Pod of its own address and one of a pool come and go; what the replicas say then."""
    scene.world.ec2.add_address(tags={"pool": ""})
    scene.run("p", auto())
    scene.run("q", fixed("pool"))
    for name in ("p", "q"):
        scene.served(name)
    scene.delete("p")
    scene.eventually(lambda: scene.calls("ReleaseAddress"), "the address is given back")
    scene.eventually(lambda: value(scrapes(scene)[0], "pod_eip_active_workers") == 0, "all is done")
    return scrapes(scene)


@pytest.mark.parametrize("new_world", ["sandbox"], indirect=True)
def test_a_life_is_counted(new_world: NewWorld) -> None:
    world = new_world(TWO)
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        leader, standby = live(scene)
    known = described(text()).keys()
    assert described(leader).keys() - known == described(standby).keys() - known == set()
    _of_the_leader(leader)
    assert value(standby, "pod_eip_leader") == 0
    assert value(standby, "pod_eip_ready") == 1
    assert value(standby, "pod_eip_reconcile_total") == 0
    assert value(standby, "pod_eip_calls_total", service="dynamodb", operation="Query", code="") > 0
    for scrape in (leader, standby):
        assert value(scrape, "pod_eip_calls_total", service="ec2", code="DryRunOperation") >= 2, "it asks"
        assert value(scrape, "pod_eip_calls_total", service="ec2", code="other") == 0


def _of_the_leader(leader: str) -> None:
    for mode in ("auto", "fixed-tag"):
        assert value(leader, "pod_eip_pod_label_duration_seconds_count", mode=mode) == 1
        assert 0 < value(leader, "pod_eip_pod_label_duration_seconds_sum", mode=mode) < 60
        assert value(leader, "pod_eip_pod_creation_to_label_seconds_count", mode=mode) == 1
    for service, operation in (
        ("ec2", "AllocateAddress"),
        ("ec2", "ReleaseAddress"),
        ("dynamodb", "TransactWriteItems"),
        ("kubernetes", "patch pods/status"),
    ):
        assert value(leader, "pod_eip_calls_total", service=service, operation=operation, code="") >= 1
        assert value(leader, "pod_eip_call_duration_seconds_count", service=service, operation=operation) >= 1
    assert value(leader, "pod_eip_ec2_rate_limit", operation="AssociateAddress") >= 5
    assert value(leader, "pod_eip_pool_addresses", tag_key="pool", owner="this_install") == 1
    assert value(leader, "pod_eip_addresses", mode="fixed-tag") == 1
    assert value(leader, "pod_eip_quota_used") == 1
    assert value(leader, "pod_eip_last_resync_timestamp_seconds") > 1e9
    assert value(leader, "pod_eip_terms_begun_total") == 1
    assert value(leader, "pod_eip_tick_duration_seconds_count") > 1
    assert value(leader, "pod_eip_loop_silent_seconds") < 30


@pytest.mark.real
@pytest.mark.parametrize("new_world", ["real"], indirect=True)
def test_promtool_has_nothing_to_say(new_world: NewWorld) -> None:
    world = new_world(TWO)
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        found = live(scene)
    for scrape in [*found, text()]:
        assert promtool("check", "metrics", stdin=scrape) == (0, "")
    bad = "# HELP x_total A gauge.\n# TYPE x_total gauge\nx_total 1\n"
    code, said = promtool("check", "metrics", stdin=bad)
    assert code != 0
    assert "_total" in said
