"""Each finding of `doctor`, planted in a world of real processes; and that nothing is changed by looking."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from controller.core import iam
from sandbox.ec2.faults import Fault
from sandbox.ec2.network import Ingress, InstanceOptions, Network, Route, RouteTable, SecurityGroup, VpcEndpoint
from sandbox.process import free_port
from sandbox.world import VPC, ClusterSettings, World
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import Scene, auto, running
from tests.e2e.test_doctor import LIMIT_S
from tests.fakes.dynamodb_proxy import Answer, Proxy
from tests.real.world import make_table
from tests.unit.test_doctor_xray import answering

# The stand-in's API server is open to all; tests/real has what doctor reads of a real one.
pytestmark = pytest.mark.parametrize("new_world", ["sandbox"], indirect=True)

DENIED = "You are not authorized to perform this operation. User: x is not authorized to perform: {} because no"
DAEMON_SETS = "/apis/apps/v1/namespaces/kube-system/daemonsets"


def examined(world: World, *flags: str, env: Mapping[str, str] | None = None, pre: bool = False) -> dict[str, Any]:
    """What it found, by check: the text of each finding that is not fine, under its grade."""
    cluster = world.clusters["a"]
    given = {
        **os.environ,
        **{f"AWS_ENDPOINT_URL_{service}": world.ec2_url for service in ("EC2", "IAM", "STS")},
        "AWS_ENDPOINT_URL_DYNAMODB": world.dynamodb_url,
        "AWS_ACCESS_KEY_ID": "doctor",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_EC2_METADATA_DISABLED": "true",
        **(env or {}),
    }
    settings = {
        "kubeconfig": cluster.kubeconfig,
        "region": "us-west-2",
        "vpc-id": VPC,
        "cluster-name": "a",
        "table": world.settings.table,
    }
    words = [f"--{name}={value}" for name, value in settings.items()]
    argv = [sys.executable, "-m", "controller", "doctor", "-o", "json", *words, *(["--pre"] if pre else []), *flags]
    ended = subprocess.run(argv, env=given, capture_output=True, text=True, timeout=2 * LIMIT_S, check=False)
    assert not ended.stderr, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    assert document["exit_code"] == ended.returncode
    return document


def of(document: Mapping[str, Any], check: str, grade: str = "warning") -> list[str]:
    """The texts of this check's findings of this grade."""
    found = [f for f in document["findings"] if (f["check"], f["grade"]) == (check, grade)]
    assert all(finding["link"] == f"docs/doctor.md#{check}" for finding in found)
    return [finding["text"] for finding in found]


@pytest.fixture
def world(new_world: NewWorld) -> World:
    """One whose table is there and whose nodes are fine."""
    made = new_world(ClusterSettings(name="a", nodes=2, replicas=1))
    make_table(made.settings.table, made.dynamodb_url)
    return made


def workload(path: str, world: World, name: str, env: Mapping[str, str], *, image: str = "x", **labels: str) -> None:
    """Make a Deployment or a DaemonSet with these variables."""
    containers = [{"name": "main", "image": image, "env": [{"name": k, "value": v} for k, v in env.items()]}]
    match = {"app": name}
    spec = {
        "selector": {"matchLabels": match},
        "template": {"metadata": {"labels": match}, "spec": {"containers": containers}},
    }
    body = {"metadata": {"name": name, "labels": {k.replace("_", "/"): v for k, v in labels.items()}}, "spec": spec}
    world.clusters["a"].kube.client.call("POST", path, body)


def test_a_world_that_is_fine_is_fine_and_nothing_is_changed(world: World) -> None:
    workload(DAEMON_SETS, world, "aws-node", {"AWS_VPC_K8S_CNI_EXTERNALSNAT": "true"})
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.run("p", auto())
        scene.served("p")
        before, mark = world.ec2.world(), len(world.ec2.log())
        with Proxy(world.dynamodb_url) as proxy:
            found = examined(world, "--port", "443", env={"AWS_ENDPOINT_URL_DYNAMODB": proxy.url})
    assert (found["exit_code"], [f for f in found["findings"] if f["grade"] in ("warning", "broken")]) == (0, [])
    assert "ec2:DisassociateAddress is allowed" in of(found, "rights", "fine")
    # EC2 answers InvalidIPAddress.InUse to that one: the only address of this cluster is its Pod's.
    assert "ec2:ReleaseAddress is allowed on an address of mode auto, says IAM's simulator" in of(
        found, "rights", "fine"
    )
    for action in ("PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "DescribeTable"):
        assert f"dynamodb:{action} is allowed" in of(found, "rights", "fine")
    ours = [record for record in world.ec2.log()[mark:] if record.caller.access_key == "doctor"]
    changing = [record for record in ours if not record.action.startswith("Describe")]
    assert {record.action for record in changing} == {"AllocateAddress", "DisassociateAddress", "ReleaseAddress"}
    assert {record.code for record in changing} == {"DryRunOperation", "InvalidIPAddress.InUse"}
    assert not [effect for record in ours for effect in record.effects]
    policies = {a for name in ("install", "doctor") for s in iam.FILES[name] for a in s.actions}
    assert {f"ec2:{record.action}" for record in ours} <= policies
    assert world.ec2.world().addresses == before.addresses
    written = [s for s in proxy.seen if s.operation not in ("DescribeTable", "Query", "BatchGetItem")]
    assert {s.operation for s in written} == {"TransactWriteItems", "DescribeContinuousBackups"}
    writes = [w for s in written for item in s.body.get("TransactItems", ()) for w in item.values()]
    assert {w["ConditionExpression"] for w in writes} == {"attribute_exists(pk) AND attribute_not_exists(pk)"}
    assert len(writes) == 3


def private() -> Network:
    """Subnets without a way out, a group that lets nothing in, and Pods that do not reach metadata."""
    ssh = Ingress(from_port=22, to_port=22, cidrs=("0.0.0.0/0",))
    return Network(
        route_tables=(RouteTable(table_id="rtb-1", main=True, routes=(Route(nat_gateway="nat-1"),)),),
        security_groups=(SecurityGroup(group_id="sg-1", ingress=(ssh,)),),
        instances={"i-000000": InstanceOptions(hop_limit=1)},
        endpoints=(VpcEndpoint(endpoint_id="vpce-1", service="com.amazonaws.us-west-2.ec2"),),
    )


def test_a_network_in_which_no_address_answers_is_told(world: World) -> None:
    world.ec2.network(private())
    found = examined(world, "--port", "443", "--vpc-id=")
    assert of(found, "subnets", "broken") == [
        "no subnet of the nodes (subnet-1) has a route to an Internet gateway: no Elastic IP answers there"
    ]
    [shut] = of(found, "security-groups")
    assert "lets port 443 in" in shut
    [far] = of(found, "metadata")
    assert far.startswith("the VPC: from instance metadata, which Pods on i-000000 do not reach")
    assert of(examined(world), "security-groups", "fine") == []


CHECK_OF = {
    "DescribeInstances": "subnets",
    "DescribeRouteTables": "subnets",
    "DescribeSecurityGroups": "security-groups",
    "DescribeAccountAttributes": "quota",
}


def test_a_quota_that_is_used_up_is_told_whether_some_of_it_is_kept_or_not(world: World) -> None:
    world.ec2.change_settings(quota=1)
    assert of(examined(world), "quota") == []
    world.ec2.add_address()
    [full] = of(examined(world), "quota")
    assert full == "1 of 1 addresses are used, 0 are kept for others: none is left for auto"


@pytest.mark.parametrize("right", [*CHECK_OF])
def test_a_right_that_doctor_alone_needs_is_no_fault_where_it_is_missing(world: World, right: str) -> None:
    message = DENIED.format(f"ec2:{right}")
    world.ec2.inject(
        Fault(kind="error", action=right, code="UnauthorizedOperation", message=message, count=None, status=403)
    )
    found = examined(world, "--port", "443")
    check = CHECK_OF[right]
    [text] = of(found, check, "not_looked_at")
    assert text.startswith("not looked at: the right is missing (UnauthorizedOperation: ")
    assert of(found, check) == of(found, check, "broken") == []


def test_nodes_snat_pools_and_names_are_told(world: World) -> None:
    cluster, kube = world.clusters["a"], world.clusters["a"].kube
    workload(DAEMON_SETS, world, "aws-node", {"AWS_VPC_K8S_CNI_EXTERNALSNAT": "false"})
    kube.node("auto-1", provider_id="aws:///us-west-2a/i-0a", labels={"eks.amazonaws.com/compute-type": "auto"})
    serverless = "aws:///us-west-2a/4c1a-9f/fargate-ip-10-0-0-5.us-west-2.compute.internal"
    kube.node("fargate-1", provider_id=serverless, labels={"eks.amazonaws.com/compute-type": "fargate"})
    wanted = {"aws-samples.github.com/aws-pod-eip-controller-type": "fixed-tag"}
    wanted |= {"aws-samples.github.com/aws-pod-eip-controller-fixed-tag": "nobody-has-it"}
    cluster.run_pod("ns", "p", wanted)
    found = examined(world, "--cluster-name=b")
    assert of(found, "pools") == ["no address carries the tag 'nobody-has-it', which ns/p asks for"]
    node, fargate = sorted(of(found, "nodes"), key=lambda text: "Fargate" in text)
    assert node.startswith("1 of 4 nodes are EKS Auto Mode's")
    assert "dry run" not in node
    assert fargate.startswith("1 of 4 nodes are Fargate's: they are in private subnets")
    world.ec2.add_interface("10.9.0.1", instance_id="i-0a", vpc_id=VPC)
    world.ec2.add_address(tags={"nobody-has-it": ""})
    [node] = [text for text in of(examined(world), "nodes") if "Auto Mode" in text]
    assert "but a dry run is not denied here" in node
    [egress] = of(found, "egress")
    assert "leaves by its node's address" in egress
    assert found["exit_code"] == 1


def test_other_controllers_are_told(world: World) -> None:
    deployments = "/apis/apps/v1/namespaces/{}/deployments"
    name = {"app.kubernetes.io_name": "aws-pod-eip-controller"}
    ours = {"PEC_CLUSTER_NAME": "a", "PEC_LEASE_NAME": "aws-pod-eip-controller"}
    world.clusters["a"].kube.namespace("old")
    workload(deployments.format("kube-system"), world, "one", ours, **name)
    assert of(examined(world), "controllers", "fine")
    assert of(examined(world, pre=True), "controllers") == ["this controller runs already, as kube-system/one"]
    workload(deployments.format("kube-system"), world, "two", ours, **name)
    [twins] = of(examined(world), "controllers")
    assert twins.startswith("kube-system/one, kube-system/two compete for one Lease")
    image = "111122223333.dkr.ecr.us-west-2.amazonaws.com/aws-pod-eip-controller:latest"
    workload(deployments.format("old"), world, "go", {"PEC_CLUSTER_NAME": "a"}, image=image)
    [upstream] = of(examined(world), "controllers", "broken")
    assert upstream.startswith("the Go controller runs as old/go")


def test_a_clock_that_is_off_is_told(world: World) -> None:
    world.ec2.change_settings(clock_ahead_s=100.0)
    [text] = of(examined(world), "clock")
    assert "s behind that of AWS" in text
    world.ec2.change_settings(clock_ahead_s=-400.0)
    [text] = of(examined(world), "clock", "broken")
    assert "s ahead of that of AWS" in text


def test_a_service_that_is_not_reached_is_told_with_what_the_vpc_has(world: World) -> None:
    world.ec2.network(private())
    nowhere = f"http://127.0.0.1:{free_port()}"
    found = examined(world, env={"AWS_ENDPOINT_URL_DYNAMODB": nowhere})
    [text] = of(found, "endpoints", "broken")
    assert text.startswith("dynamodb at 127.0.0.1 is not reached: ")
    [finding] = [f for f in found["findings"] if f["check"] == "endpoints" and f["grade"] == "broken"]
    assert "it has com.amazonaws.us-west-2.ec2" in finding["advice"]


def test_a_table_that_cannot_be_restored_and_an_x_ray_that_takes_no_spans_are_told(world: World) -> None:
    off = {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"}}
    with Proxy(world.dynamodb_url) as proxy, answering(200, Destination="XRay", Status="ACTIVE") as traces:
        proxy.fault(
            Answer(status=200, body={"ContinuousBackupsDescription": off}), operation="DescribeContinuousBackups"
        )
        env = {"AWS_ENDPOINT_URL_DYNAMODB": proxy.url, "AWS_ENDPOINT_URL_XRAY": traces, "OTEL_TRACES_EXPORTER": "xray"}
        found = examined(world, env=env)
    [recovery] = of(found, "table-recovery")
    assert recovery.startswith("point-in-time recovery of the table is off")
    [destination] = of(found, "x-ray")
    assert "Transaction Search" in destination


def test_an_api_server_that_is_away_is_told_and_aws_is_looked_at_all_the_same(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    there = world.clusters["a"].kubeconfig.read_text()
    away = tmp_path_factory.mktemp("away") / "kubeconfig"
    away.write_text(there.replace(world.clusters["a"].kube.url, f"http://127.0.0.1:{free_port()}"))
    found = examined(world, f"--kubeconfig={away}", "--call-timeout=2")
    assert len(of(found, "kubernetes", "broken")) == 1
    assert of(found, "table", "fine")
    assert any("the cluster's UID" in text for text in of(found, "rights", "not_looked_at"))
