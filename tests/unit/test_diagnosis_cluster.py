"""What `doctor` says of the cluster and of the VPC around its nodes."""

from collections.abc import Iterable
from typing import Any

import pytest

from controller.core import contract
from controller.core.diagnosis import cluster, network
from controller.core.diagnosis.cluster import Controller, NodeView
from controller.core.diagnosis.finding import Check, Finding, Grade
from controller.core.diagnosis.rbac import Right, of_controller, of_reviews
from controller.core.diagnosis.rights import Tried
from controller.core.views import Address, PodView
from state.model import AllocationId, ClusterUid, InstallKey, PodUid
from tests.fakes.records import install_record

OURS = Controller(name="eip/eip", lease="eip/eip", upstream=False, replicas=2)
GO = Controller(name="old/eip", lease="old/x", upstream=True, replicas=1)


def grades(found: Iterable[Finding]) -> list[Grade]:
    """How serious each is."""
    return [finding.grade for finding in found]


def one(found: Iterable[Finding]) -> Finding:
    """The only one."""
    [finding] = found
    return finding


def test_the_go_controller_beside_ours_cannot_work() -> None:
    found = one(cluster.of_controllers([OURS, GO], "eip/eip", pre=False))
    assert found.grade is Grade.BROKEN
    assert "the Go controller runs as old/eip" in found.text
    stopped = Controller(name="old/eip", lease="old/x", upstream=True, replicas=0)
    assert one(cluster.of_controllers([OURS, stopped], "eip/eip", pre=False)).grade is Grade.FINE
    assert one(cluster.of_controllers([GO], "eip/eip", pre=True)).grade is Grade.WARNING


def test_two_deployments_with_one_lease_are_told() -> None:
    twin = Controller(name="eip/other", lease="eip/eip", upstream=False, replicas=1)
    found = one(cluster.of_controllers([OURS, twin], "eip/eip", pre=False))
    assert (found.grade, "eip/eip, eip/other compete" in found.text) == (Grade.WARNING, True)
    elsewhere = Controller(name="b/eip", lease="b/eip", upstream=False, replicas=1)
    assert one(cluster.of_controllers([OURS, elsewhere], "eip/eip", pre=False)).grade is Grade.FINE
    assert one(cluster.of_controllers([OURS], "eip/eip", pre=True)).grade is Grade.WARNING


def test_a_name_that_another_cluster_has_and_an_install_that_watches_the_same_are_told() -> None:
    own = InstallKey(cluster_uid=ClusterUid("u1"), lease_namespace="ns", lease_name="l")
    alone = [install_record("u1", "prod", lease="ns/l"), install_record("u2", "test")]
    assert one(cluster.of_installs(own, "prod", "", alone)).grade is Grade.FINE
    twin = one(cluster.of_installs(own, "prod", "", [*alone, install_record("u3", "prod")]))
    assert (twin.grade, twin.text.startswith("u3 ")) == (Grade.WARNING, True)
    rival = one(cluster.of_installs(own, "prod", "", [*alone, install_record("u1", "prod", lease="other/l")]))
    assert "the install other/l of this cluster watches the same namespaces" in rival.text


def pod(name: str, mode: str, pool: str) -> PodView:
    """A Pod that asks for an address of a pool."""
    key = contract.ANNOTATION_FIXED_TAG if mode == "fixed-tag" else contract.ANNOTATION_PUBLIC_IPV4_POOL
    wanted = {contract.ANNOTATION_TYPE: mode, key: pool}
    return PodView(uid=PodUid(name), namespace="game", name=name, ip="10.0.0.9", annotations=wanted)


def test_a_pool_without_an_address_names_who_asks_for_it() -> None:
    address = Address(allocation_id=AllocationId("eipalloc-1"), public_ip="1", border_group="r", tags={"blue": ""})
    assert one(cluster.of_pools([pod("a", "fixed-tag", "blue"), pod("b", "auto", "amazon")], [address])).grade is (
        Grade.FINE
    )
    found = one(cluster.of_pools([pod("a", "fixed-tag", "Blue")], [address]))
    assert (found.check, found.grade) == (Check.POOLS, Grade.WARNING)
    assert found.text == "no address carries the tag 'Blue', which game/a asks for"


def test_nodes_whose_interfaces_take_no_address_are_told_before_a_pod_fails() -> None:
    plain = NodeView(name="n1", instance_id="i-1")
    auto, fargate = (
        NodeView(name="n2", instance_id="i-2", compute=cluster.AUTO_MODE),
        NodeView(name="n3", compute=cluster.FARGATE),
    )
    assert one(cluster.of_nodes([plain], {})).grade is Grade.FINE
    found = list(cluster.of_nodes([plain, auto, fargate], {"game/p": "n2"}))
    assert grades(found) == [Grade.WARNING, Grade.WARNING]
    assert found[0].text.startswith("1 of 3 nodes are EKS Auto Mode's: users report")
    assert found[0].text.endswith("; game/p asks for an address there")
    assert "Fargate's" in found[1].text
    tried = Tried(action="ec2:AssociateAddress", code="UnauthorizedOperation")
    assert "and a dry run is denied here too" in next(cluster.of_nodes([auto], {}, tried)).text
    tried = Tried(action="ec2:AssociateAddress", code="DryRunOperation")
    assert "but a dry run is not denied here" in next(cluster.of_nodes([auto], {}, tried)).text
    assert one(cluster.of_nodes([NodeView(name="edge", compute="hybrid")], {})).text.startswith("edge is no EC2")


@pytest.mark.parametrize(
    ("env", "grade", "words"),
    [
        (None, Grade.NOT_LOOKED_AT, "no DaemonSet"),
        ({}, Grade.WARNING, "by its node's address, not by the Pod's; what comes in"),
        ({cluster.EXTERNAL: "false"}, Grade.WARNING, "by its node's address"),
        ({cluster.EXTERNAL: "true"}, Grade.FINE, "by its own address"),
        ({cluster.EXTERNAL: "1"}, Grade.FINE, "by its own address"),
        ({cluster.EXTERNAL: "yes"}, Grade.WARNING, "by its node's address"),
        ({cluster.EXCLUDED: "192.0.2.0/24, 198.51.100.0/24"}, Grade.WARNING, "but for 192.0.2.0/24, 198.51.100.0/24"),
        ({cluster.EXCLUDED: "0.0.0.0/0"}, Grade.FINE, "by its own address"),
        ({"AWS_VPC_K8S_CNI_RANDOMIZESNAT": "none"}, Grade.WARNING, "by its node's address"),
    ],
)
def test_by_which_address_traffic_leaves(env: dict[str, str] | None, grade: Grade, words: str) -> None:
    found = cluster.of_egress(env)
    assert found.grade is grade
    assert words in found.text


def interface(name: str, subnet: str, *groups: str) -> dict[str, Any]:
    """An instance with one interface, as DescribeInstances has it."""
    found = {"NetworkInterfaceId": name, "SubnetId": subnet, "Groups": [{"GroupId": group} for group in groups]}
    return {"InstanceId": f"i-{name}", "VpcId": "vpc-1", "NetworkInterfaces": [found]}


def table(gateway: str, *subnets: str, main: bool = False, state: str = "active") -> dict[str, Any]:
    """A route table whose default route leads there."""
    links = [{"SubnetId": subnet, "Main": False} for subnet in subnets] + ([{"Main": True}] if main else [])
    kind = "NatGatewayId" if gateway.startswith("nat-") else "GatewayId"
    return {
        "Associations": links,
        "Routes": [
            {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
            {"DestinationCidrBlock": "0.0.0.0/0", kind: gateway, "State": state},
        ],
    }


@pytest.mark.parametrize(
    ("tables", "grade"),
    [
        ([table("igw-1", "a", "b")], Grade.FINE),
        ([table("igw-1", main=True)], Grade.FINE),
        ([table("igw-1", main=True), table("nat-1", "b")], Grade.WARNING),
        ([table("nat-1", main=True), table("igw-1", "a")], Grade.WARNING),
        ([table("nat-1", main=True)], Grade.BROKEN),
        ([table("igw-1", main=True, state="blackhole")], Grade.BROKEN),
        ([table("vgw-1", "a", "b")], Grade.BROKEN),
        ([], Grade.BROKEN),
    ],
)
def test_a_subnet_without_a_way_to_the_internet_is_told(tables: list[dict[str, Any]], grade: Grade) -> None:
    interfaces = network.interfaces_of([interface("e1", "a"), interface("e2", "b")])
    assert network.of_subnets(interfaces, tables).grade is grade


def group(name: str, **rule: Any) -> dict[str, Any]:
    """A security group with one rule."""
    return {"GroupId": name, "IpPermissions": [{"IpRanges": [{"CidrIp": "0.0.0.0/0"}], **rule}] if rule else []}


@pytest.mark.parametrize(
    ("groups", "grade", "words"),
    [
        ([group("g", IpProtocol="tcp", FromPort=80, ToPort=443)], Grade.FINE, "from everywhere"),
        ([group("g", IpProtocol="-1")], Grade.FINE, "from everywhere"),
        ([group("g", IpProtocol="udp", FromPort=443, ToPort=443)], Grade.FINE, "port 443"),
        ([group("g", IpProtocol="tcp", FromPort=22, ToPort=22)], Grade.WARNING, "(e1) lets port 443 in"),
        ([group("g", IpProtocol="icmp", FromPort=-1, ToPort=-1)], Grade.WARNING, "lets port 443 in"),
        ([group("g")], Grade.WARNING, "lets port 443 in"),
        ([group("g"), group("h", IpProtocol="-1", IpRanges=[{"CidrIp": "10.0.0.0/8"}])], Grade.FINE, "from 10.0.0.0/8"),
    ],
)
def test_security_groups_that_let_nothing_in_are_told(groups: list[Any], grade: Grade, words: str) -> None:
    interfaces = network.interfaces_of([interface("e1", "a", "g", "h")])
    found = network.of_security_groups(interfaces, groups, 443)
    assert (found.grade, words in found.text) == (grade, True), found.text


@pytest.mark.parametrize(
    ("options", "needed", "grade"),
    [
        ({"HttpTokens": "required", "HttpPutResponseHopLimit": 1}, ["the VPC"], Grade.WARNING),
        ({"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}, ["the VPC"], Grade.WARNING),
        ({"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}, ["credentials"], Grade.FINE),
        ({"HttpTokens": "required", "HttpPutResponseHopLimit": 1}, ["credentials"], Grade.WARNING),
        ({"HttpTokens": "required", "HttpPutResponseHopLimit": 2}, ["the VPC", "credentials"], Grade.FINE),
        ({"HttpEndpoint": "disabled", "HttpPutResponseHopLimit": 2}, ["the VPC"], Grade.WARNING),
        ({"HttpTokens": "required", "HttpPutResponseHopLimit": 1}, [], Grade.FINE),
    ],
)
def test_metadata_that_pods_do_not_reach_is_told_where_it_is_needed(
    options: dict[str, Any], needed: list[str], grade: Grade
) -> None:
    assert network.of_metadata([{"InstanceId": "i-1", "MetadataOptions": options}], needed).grade is grade


def test_each_denied_right_is_a_line() -> None:
    asked = of_controller("", "eip", "eip", "eip")
    assert (
        one(of_reviews("me", asked, [], pre=False)).text
        == f"me may do all that is needed to run the controller ({len(asked)} rights)"
    )
    denied = Right(verb="patch", resource="pods/status", namespace="game")
    found = one(of_reviews("me", asked, [denied], pre=False))
    assert (found.grade, found.text) == (Grade.BROKEN, "me may not patch pods/status in game")
    assert denied.attributes == {"verb": "patch", "resource": "pods", "subresource": "status", "namespace": "game"}


def test_who_was_told_no_labels_of_replicas_need_not_list_them() -> None:
    listed = Right(verb="list", resource="pods", namespace="eip")
    assert listed in of_controller("game", "eip", "eip", "eip")
    assert listed not in of_controller("game", "eip", "eip", "eip", lists_replicas=False)
