"""What other people's Leases and Nodes are read as, however they were edited."""

from pathlib import Path
from typing import Any

import pytest

from controller.core.contract import LEASE_ADDRESS, LEASE_EPOCH
from controller.core.lease import Lease
from controller.core.values import Endpoint, endpoint
from controller.kube.connection import connect
from controller.kube.identity import ClusterIdentity, own_namespace
from controller.kube.lease import lease_of
from controller.kube.nodes import UNUSED_S, NodeReader, Provider, provider_of_id
from controller.kube.own_address import own_address
from tests.fakes.kube_http import Heard, Reply, kubeconfig, scripted

NOTHING = Lease(holder="", duration_s=0)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"metadata": None, "spec": None},
        {"metadata": {"annotations": None}, "spec": {}},
        {"metadata": {"annotations": {LEASE_EPOCH: "seven"}}, "spec": {"holderIdentity": None}},
        {"metadata": {"annotations": {LEASE_EPOCH: "-7"}}, "spec": {"leaseTransitions": -1}},
        {"metadata": {"annotations": {LEASE_EPOCH: "7.5"}}, "spec": {"leaseDurationSeconds": "x"}},
        {"metadata": {"annotations": {LEASE_EPOCH: "٧"}}, "spec": {"leaseDurationSeconds": True}},
        {"metadata": {"annotations": {LEASE_EPOCH: "9" * 5_000}}, "spec": [1]},
        {"metadata": "x", "spec": {"holderIdentity": 5, "renewTime": 5}},
    ],
)
def test_a_damaged_lease_is_read_as_an_empty_one(found: dict[str, Any]) -> None:
    assert lease_of(found) == NOTHING


def test_a_whole_lease() -> None:
    found = {
        "metadata": {"resourceVersion": "12", "annotations": {LEASE_EPOCH: "7"}},
        "spec": {
            "holderIdentity": "me",
            "leaseDurationSeconds": 15,
            "leaseTransitions": 3,
            "acquireTime": "a",
            "renewTime": "b",
        },
    }
    assert lease_of(found) == Lease(
        holder="me", duration_s=15, transitions=3, epoch=7, acquired="a", renewed="b", version="12"
    )


@pytest.mark.parametrize(
    ("provider_id", "provider"),
    [
        ("aws:///us-west-2a/i-0abc123", Provider("aws", "i-0abc123")),
        ("aws:///us-west-2a/4c1a-9f/fargate-ip-10-0-0-5.us-west-2.compute.internal", Provider("aws", None)),
        ("aws:///us-west-2a/", Provider("aws", None)),
        ("eks-hybrid:///us-west-2/cluster/mi-0abc", Provider("eks-hybrid", None)),
        ("gce://project/zone/i-0abc", Provider("gce", None)),
        ("i-0abc", Provider("", None)),
        ("", Provider("", None)),
        (None, Provider("", None)),
    ],
)
def test_a_provider_id(provider_id: str | None, provider: Provider) -> None:
    assert provider_of_id(provider_id) == provider


def test_our_namespace_is_that_of_the_service_account(tmp_path: Path) -> None:
    file = tmp_path / "namespace"
    assert own_namespace(file) == "kube-system"
    file.write_text("eip\n")
    assert own_namespace(file) == "eip"
    file.write_text("")
    assert own_namespace(file) == "kube-system"


def test_nodes_that_nobody_asks_for_are_forgotten(tmp_path: Path) -> None:
    asked: list[str] = []
    now = [1_000.0]

    def answer(heard: Heard) -> Reply:
        asked.append(heard.path.rpartition("/")[2])
        return Reply(body=b'{"spec": {"providerID": "aws:///z/i-0a"}}')

    with scripted(answer) as server:
        connection = connect(kubeconfig(tmp_path, server.url), version="1")
        nodes = NodeReader(connection, ClusterIdentity(connection, lambda: now[0]), lambda: now[0])
        for number in range(20):
            nodes.read(f"n-{number}")
        assert nodes.remembered == 20
        now[0] += UNUSED_S - 10
        used = nodes.known("n-7", float("-inf"))
        assert used is not None
        assert used.instance_id == "i-0a"
        now[0] += 20
        nodes.read("n-new")
        assert nodes.remembered == 2
        assert nodes.known("n-7", float("-inf")) is not None
        connection.close()
    assert asked.count("n-7") == 1


@pytest.mark.parametrize(
    ("annotation", "address"),
    [
        ("me 10.0.0.9:8080", Endpoint(host="10.0.0.9", port=8080)),
        ("me [fd00::9]:8080", Endpoint(host="fd00::9", port=8080)),
        ("me 127.0.0.1:8080", Endpoint(host="127.0.0.1", port=8080)),
        ("other 10.0.0.9:8080", None),  # an earlier release leads now, and keeps what the leader before it wrote
        (" 10.0.0.9:8080", None),
        ("10.0.0.9:8080", None),
        ("me 10.0.0.9", None),
        ("me evil.example:80", None),
        ("me :80", None),
        ("me 0.0.0.0:80", None),
        ("me 169.254.169.254:80", None),  # instance metadata
        ("me [fe80::1]:80", None),
        ("me 224.0.0.1:80", None),
        ("me 10.0.0.9:99999", None),
        ("", None),
        (7, None),
    ],
)
def test_the_address_of_a_lease_is_its_holders_or_none(annotation: object, address: Endpoint | None) -> None:
    found = {"metadata": {"annotations": {LEASE_ADDRESS: annotation}}, "spec": {"holderIdentity": "me"}}
    assert lease_of(found).address == address
    assert lease_of({**found, "spec": {"holderIdentity": ""}}).address is None


@pytest.mark.parametrize(
    ("listen", "pod_ip", "address"),
    [
        ("0.0.0.0:8080", "10.0.0.9", "10.0.0.9:8080"),
        (":8080", "10.0.0.9", "10.0.0.9:8080"),
        ("[::]:8080", "fd00::9", "[fd00::9]:8080"),
        ("127.0.0.1:8081", "10.0.0.9", "127.0.0.1:8081"),
        ("localhost:8081", "10.0.0.9", "10.0.0.9:8081"),
        ("0.0.0.0:8080", "", "None"),
        ("0.0.0.0:8080", "no address", "None"),
        ("0.0.0.0:8080", "0.0.0.0", "None"),
    ],
)
def test_a_replica_is_reached_where_it_listens_or_at_its_pods_ip(listen: str, pod_ip: str, address: str) -> None:
    assert str(own_address(endpoint(listen), {"POD_IP": pod_ip})) == address
