"""What a tenant tries who may only create Pods: each attack, and that whom it is aimed at has no harm of it."""

import pytest

from sandbox.ec2.faults import Fault
from tests.e2e.scene import Scene, auto, fixed, fixed_value

FOREIGN = (
    "Name",
    "kubernetes.io/cluster/x",
    "elbv2.k8s.aws/cluster",
    "alpha.eksctl.io/cluster-name",
    "terraform:stack",
)


def beside(scene: Scene, namespace: str) -> Scene:
    """Another tenant of the same cluster."""
    return Scene(scene.world, scene.cluster, f"{scene.namespace}-{namespace}")


@pytest.mark.parametrize("key", FOREIGN)
def test_a_key_of_others_is_no_pool(scene: Scene, key: str) -> None:
    kept = scene.world.ec2.add_address(tags={key: "kept for a NAT gateway"}).allocation_id
    evil = beside(scene, "evil")
    evil.run("any", fixed(key))
    evil.run("by-value", fixed_value(key))
    for name in ("any", "by-value"):
        evil.hears(name, "Warning EIPRefused", f"'{key}' is never a pool", "a tag key of its own")
    scene.run("other", auto())
    scene.served("other")
    assert scene.free(kept)
    assert not [call for call in scene.calls("AssociateAddress") if call.params.get("AllocationId") == kept]


def test_an_address_for_one_pod_is_not_taken_while_that_restarts(scene: Scene) -> None:
    key, evil = f"owner-{scene.namespace}", beside(scene, "evil")
    own = scene.world.ec2.add_address(tags={key: f"{scene.namespace}/web-0"}).allocation_id
    scene.run("web-0", fixed_value(key))
    assert scene.served("web-0").allocation_id == own
    scene.delete("web-0")
    evil.run("thief", fixed(key))
    evil.hears("thief", "Warning EIPWaiting", "kept for mode fixed-tag-value")
    scene.eventually(lambda: scene.free(own), "it is cut")
    scene.run("web-0", fixed_value(key))
    assert scene.served("web-0").allocation_id == own
    assert evil.at("thief") is None
    evil.world.ec2.add_address(tags={key: ""})
    evil.served("thief")


def test_an_address_for_one_pod_of_one_cluster(scene: Scene) -> None:
    key = f"owner-{scene.namespace}"
    theirs = scene.world.ec2.add_address(tags={key: f"b:{scene.namespace}/web-0"}).allocation_id
    scene.run("web-0", fixed_value(key))
    scene.hears("web-0", "Warning EIPWaiting", f"'a:{scene.namespace}/web-0'")
    own = scene.world.ec2.add_address(tags={key: f"a:{scene.namespace}/web-0"}).allocation_id
    assert scene.served("web-0").allocation_id == own
    assert scene.free(theirs)


WHO = "User: arn:aws:sts::111122223333:assumed-role/eip/i-1 is not authorized to perform: ec2:AllocateAddress on "


def test_a_tenant_hears_the_code_and_not_the_role(scene: Scene) -> None:
    message = f"{WHO}resource: arn:aws:ec2:us-west-2:111122223333:elastic-ip/* in account 111122223333"
    scene.world.ec2.inject(
        Fault(kind="error", action="AllocateAddress", code="UnauthorizedOperation", status=403, message=message)
    )
    scene.run("p", auto())
    scene.hears("p", "Warning EIPAssociationFailed", "UnauthorizedOperation", "ec2:AllocateAddress", "(left out)")
    scene.served("p")
    assert not [said for said in scene.said("p") if "arn:" in said or "111122223333" in said]
