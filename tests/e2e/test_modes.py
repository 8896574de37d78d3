"""The three modes as their users know them: annotate, wait for the label, delete."""

import pytest

from tests.e2e.scene import MUTATIONS, PREFIX, TYPE, Scene, auto, fixed, fixed_value


def test_auto_allocates_and_releases(scene: Scene) -> None:
    uid = scene.run("p", auto())
    address = scene.served("p")
    assert address.tags == {
        TYPE: "auto",
        PREFIX + "cluster-name": "a",
        PREFIX + "pod": f"{scene.namespace}/p",
        PREFIX + "pod-uid": uid,
        PREFIX + "cluster-uid": scene.cluster.kube.cluster_uid(),
    }
    assert scene.label("p", "aws-pod-eip-controller-type") == "auto"
    assert scene.label("p", "aws-pod-eip-controller-public-ipv4-pool") is None
    scene.hears("p", "Normal EIPAssociated", address.public_ip)
    scene.delete("p")
    scene.eventually(lambda: scene.address(address.allocation_id) is None, "the address is released")


def test_fixed_tag_takes_a_free_one_and_never_releases_it(scene: Scene) -> None:
    key = f"pool-{scene.namespace}"
    pool = {scene.world.ec2.add_address(tags={key: "whatever"}).allocation_id for _ in range(2)}
    scene.run("p", fixed(key))
    scene.run("q", fixed(key))
    taken = {scene.served("p").allocation_id, scene.served("q").allocation_id}
    assert taken == pool
    assert scene.label("p", "aws-pod-eip-controller-fixed-tag") == key
    scene.delete("p")
    scene.delete("q")
    scene.eventually(lambda: all(scene.free(a) for a in pool), "both are free again")
    assert not [c for c in scene.calls("ReleaseAddress") if c.params.get("AllocationId") in pool]


def test_fixed_tag_value_takes_the_pods_own(scene: Scene) -> None:
    key = f"own-{scene.namespace}"
    other = scene.world.ec2.add_address(tags={key: f"{scene.namespace}/q"}).allocation_id
    mine = scene.world.ec2.add_address(tags={key: f"{scene.namespace}/p"}).allocation_id
    scene.run("p", fixed_value(key))
    assert scene.served("p").allocation_id == mine
    assert scene.label("p", "aws-pod-eip-controller-fixed-tag-value") == key
    assert scene.free(other)


def test_the_same_pod_name_gets_the_same_address_back(scene: Scene) -> None:
    key = f"again-{scene.namespace}"
    for _ in range(5):
        scene.world.ec2.add_address(tags={key: ""})
    scene.run("p", fixed(key))
    first = scene.served("p").allocation_id
    for _ in range(2):
        scene.delete("p")
        scene.eventually(lambda: scene.free(first), "it is free")
        scene.run("p", fixed(key))
        assert scene.served("p").allocation_id == first


def test_an_annotation_added_changed_and_removed_takes_effect_at_once(scene: Scene) -> None:
    key = f"later-{scene.namespace}"
    pool = scene.world.ec2.add_address(tags={key: ""}).allocation_id
    scene.run("p", {})
    scene.cluster.kube.annotate(scene.namespace, "p", auto())
    own = scene.served("p")
    scene.cluster.kube.annotate(scene.namespace, "p", {**fixed(key)})
    scene.eventually(lambda: (a := scene.at("p")) and a.allocation_id == pool, "the pool's address replaces it")
    scene.eventually(lambda: scene.label("p", "aws-pod-eip-controller-type") == "fixed-tag", "the labels follow")
    scene.eventually(lambda: scene.address(own.allocation_id) is None, "the auto address is released")
    scene.cluster.kube.annotate(scene.namespace, "p", {TYPE: None})
    scene.eventually(lambda: scene.free(pool), "the pool's address is free")
    labels = scene.cluster.kube.labels(scene.namespace, "p")
    assert not [label for label in labels if "aws-pod-eip-controller" in label]


def test_a_readiness_gate_is_told(scene: Scene) -> None:
    gate = "aws-samples.github.com/eip-associated"
    scene.run("p", auto(), readiness_gates=[gate])
    scene.served("p")
    scene.eventually(lambda: scene.cluster.kube.conditions(scene.namespace, "p").get(gate) == "True", "condition")
    scene.cluster.kube.annotate(scene.namespace, "p", {TYPE: None})
    scene.eventually(lambda: scene.cluster.kube.conditions(scene.namespace, "p").get(gate) == "False", "condition")


def test_a_pod_that_finished_gives_its_address_back(scene: Scene) -> None:
    scene.run("p", auto())
    address = scene.served("p")
    scene.cluster.kube.set_phase(scene.namespace, "p", "Succeeded")
    scene.eventually(lambda: scene.address(address.allocation_id) is None, "released")


def test_a_pod_that_drains_keeps_its_address(scene: Scene) -> None:
    key = f"drain-{scene.namespace}"
    pool = scene.world.ec2.add_address(tags={key: ""}).allocation_id
    finalizer = ["example.com/hold"]
    scene.run("p", fixed(key))
    scene.served("p")
    scene.cluster.kube.client.call(
        "PATCH",
        f"/api/v1/namespaces/{scene.namespace}/pods/p",
        {"metadata": {"finalizers": finalizer}},
        "application/merge-patch+json",
    )
    scene.cluster.kube.delete_pod(scene.namespace, "p", grace_seconds=0)
    scene.stays(lambda: not scene.free(pool), 1.5, "a draining Pod keeps its address")
    scene.cluster.kube.terminate_containers(scene.namespace, "p")
    scene.eventually(lambda: scene.free(pool), "its containers have ended")


@pytest.mark.parametrize("kind", ["prefix", "branch"])
def test_pod_ips_in_prefixes_and_on_branch_interfaces(scene: Scene, kind: str) -> None:
    number = {"prefix": 201, "branch": 202}[kind]
    ip, annotations = f"10.{number}.0.17", auto()
    if kind == "prefix":
        scene.world.ec2.add_interface(f"10.{number}.1.4", prefixes=[f"10.{number}.0.16/28"], instance_id=f"i-{number}")
    else:
        branch = scene.world.ec2.add_interface(ip, interface_type="branch").interface_id
        annotations |= {"vpc.amazonaws.com/pod-eni": f'[{{"eniId":"{branch}","privateIp":"{ip}","vlanId":1}}]'}
    scene.cluster.kube.node(f"n-{kind}", provider_id=f"aws:///us-west-2a/i-{number}")
    scene.ips["p"] = ip
    scene.cluster.kube.pod(scene.namespace, "p", annotations=annotations, ip=ip, node=f"n-{kind}")
    scene.served("p")


def test_nothing_happens_once_all_is_as_it_should_be(scene: Scene) -> None:
    scene.run("p", auto())
    scene.served("p")
    version = scene.cluster.kube.get_pod(scene.namespace, "p")["metadata"]["resourceVersion"]
    scene.mark()
    scene.stays(lambda: not [c for c in scene.calls(*MUTATIONS) if scene.namespace in str(c.params)], 6, "no mutation")
    assert scene.cluster.kube.get_pod(scene.namespace, "p")["metadata"]["resourceVersion"] == version
