"""What is asked wrongly: a Warning on that Pod that says what is wrong and right, no mutation, others are served."""

import pytest

from tests.e2e.scene import MUTATIONS, PREFIX, TYPE, Scene, auto, fixed

WRONG = {
    "unknown-mode": ({TYPE: "sometimes"}, ["'sometimes' is not a mode", "auto, fixed-tag, fixed-tag-value"]),
    "missing-key": ({TYPE: "fixed-tag"}, ["needs the annotation", PREFIX + "fixed-tag"]),
    "missing-value-key": ({TYPE: "fixed-tag-value"}, ["needs the annotation", PREFIX + "fixed-tag-value"]),
    "illegal-key": (fixed("no\ngood"), ["'no\\ngood' is not a tag key", "no control characters"]),
    "long-key": (fixed("k" * 129), ["is not a tag key"]),
    "aws-key": (fixed("aws:cloudformation:stack-name"), ["AWS keeps the prefix aws:"]),
    "own-key": (fixed(TYPE), ["would reach other Pods' own addresses"]),
}


@pytest.mark.parametrize("shared_world", ["sandbox"], indirect=True)  # no API server has a part in it
@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_annotation_is_told_and_costs_nothing(scene: Scene, name: str) -> None:
    annotations, words = WRONG[name]
    scene.run(name, annotations)
    scene.hears(name, "Warning EIPInvalid", *words)
    scene.run("other", auto())
    scene.served("other")
    assert scene.at(name) is None
    ip = scene.ips[name]
    assert not [c for c in scene.calls(*MUTATIONS) if ip in c.params.values()]
    assert scene.label(name) is None


def test_a_fargate_pod_is_told(scene: Scene) -> None:
    scene.run("fargate", auto(), labels={"eks.amazonaws.com/fargate-profile": "fp"})
    scene.hears("fargate", "Warning EIPInvalid", "Fargate", "private subnet")
    assert scene.at("fargate") is None


def test_a_pool_that_does_not_exist_is_told(scene: Scene) -> None:
    scene.run("p", fixed("nobody-has-this"))
    scene.hears("p", "Warning EIPWaiting", "no address carries the tag key 'nobody-has-this'", "tag at least one")
    scene.world.ec2.add_address(tags={"nobody-has-this": ""})
    scene.served("p")


def test_a_public_ipv4_pool_that_does_not_exist_is_told(scene: Scene) -> None:
    scene.run("p", auto("ipv4pool-ec2-nothere"))
    scene.hears("p", "Warning EIPAssociationFailed", "InvalidPublicIpv4PoolID.NotFound", "describe-public-ipv4-pools")
    assert scene.at("p") is None
    scene.cluster.kube.annotate(scene.namespace, "p", {PREFIX + "public-ipv4-pool": None})
    scene.served("p")


def test_an_address_of_another_border_group_is_told(scene: Scene) -> None:
    key = f"lax-{scene.namespace}"
    there = scene.world.ec2.add_address(tags={key: ""}, border_group="us-west-2-lax-1").allocation_id
    scene.run("p", fixed(key))
    scene.hears("p", "Warning EIPWaiting", "border group us-west-2-lax-1", "interface is in us-west-2")
    assert scene.free(there)
    assert not [c for c in scene.calls("AssociateAddress") if c.params.get("AllocationId") == there]


def test_a_key_that_is_no_label_value_is_served_without_that_label(scene: Scene) -> None:
    key = f"team/{scene.namespace} eip"
    scene.world.ec2.add_address(tags={key: ""})
    scene.run("p", fixed(key))
    scene.served("p")
    assert scene.label("p", "aws-pod-eip-controller-type") == "fixed-tag"
    assert scene.label("p", "aws-pod-eip-controller-fixed-tag") is None
    scene.hears("p", "Warning EIPLabelOmitted", key, "not a legal label value")


def test_an_annotation_that_became_wrong_keeps_the_address(scene: Scene) -> None:
    scene.run("p", auto())
    address = scene.served("p")
    scene.cluster.kube.annotate(scene.namespace, "p", {TYPE: "autoo"})
    scene.hears("p", "Warning EIPInvalid", "'autoo' is not a mode")
    scene.stays(lambda: (a := scene.at("p")) and a.allocation_id == address.allocation_id, 1.0, "it keeps its address")
    assert scene.label("p") == address.public_ip


def test_an_ip_on_no_interface_is_told(scene: Scene) -> None:
    scene.ips["p"] = "172.20.1.1"
    node = scene.cluster.nodes[0].name
    scene.cluster.kube.pod(scene.namespace, "p", annotations=auto(), ip="172.20.1.1", node=node)
    scene.hears("p", "Warning EIPAssociationFailed", "172.20.1.1 is on no network interface of the VPC")
    assert not [call for call in scene.calls("AllocateAddress") if scene.namespace in str(call.params)]


def test_a_pod_without_labels_is_served(scene: Scene) -> None:
    scene.run("p", auto(), labels=None)
    scene.served("p")
