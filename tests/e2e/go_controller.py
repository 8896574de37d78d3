"""What the Go controller leaves behind, and what it would do if it started now: its rules, in our words.

When it starts, it compares a Pod's labels with its annotations. Where any of them differ, it cuts the Pod's address,
releases one that it allocated, and serves the Pod anew. It finds the address of a Pod by two tags: the cluster's name
and `namespace/podname`. All names are spelled out here, from the Go controller's own source, and not taken from ours.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.model import Address
from tests.e2e.scene import Scene

ANNOTATION = "aws-samples.github.com/aws-pod-eip-controller-"
TAG = "aws-samples.github.com/aws-pod-eip-controller-"
LABEL = "aws-pod-eip-controller-"
POOL_OF = {"auto": "public-ipv4-pool", "fixed-tag": "fixed-tag", "fixed-tag-value": "fixed-tag-value"}


def deviations(pod: Mapping[str, Any]) -> list[str]:
    """Why it would serve this Pod anew; nothing if it would leave it alone."""
    annotations, labels = pod["metadata"].get("annotations", {}), pod["metadata"].get("labels", {})
    mode = annotations.get(ANNOTATION + "type", "")
    mode = mode if mode in POOL_OF else ""
    compared = {"type": mode}
    if mode:
        compared[POOL_OF[mode]] = annotations.get(ANNOTATION + POOL_OF[mode], "")
    return [
        f"label {LABEL}{name} is {labels.get(LABEL + name, '')!r}, the annotation says {value!r}"
        for name, value in compared.items()
        if labels.get(LABEL + name, "") != value
    ]


def found_for(scene: Scene, cluster: str, name: str) -> list[Address]:
    """The addresses that it takes for this Pod's own."""
    wanted = {TAG + "cluster-name": cluster, TAG + "pod": f"{scene.namespace}/{name}"}
    return [a for a in scene.addresses() if wanted.items() <= a.tags.items()]


def serve(scene: Scene, name: str, tags: Mapping[str, str], *, interface: str) -> str:
    """Give this Pod an address as the Go controller does: three tags, an association, labels; the allocation id."""
    pod = scene.cluster.kube.get_pod(scene.namespace, name)
    annotations = pod["metadata"]["annotations"]
    mode = annotations[ANNOTATION + "type"]
    written = {"type": mode, "cluster-name": scene.cluster.name, "pod": f"{scene.namespace}/{name}"}
    address = scene.world.ec2.add_address(tags={**tags, **{TAG + key: value for key, value in written.items()}})
    scene.world.ec2.associate(address.allocation_id, interface, scene.ips[name])
    labels: dict[str, str | None] = {LABEL + "type": mode, LABEL + "public-ip": address.public_ip}
    pool = annotations.get(ANNOTATION + POOL_OF[mode], "")
    if pool:
        labels[LABEL + POOL_OF[mode]] = pool
    scene.cluster.kube.set_labels(scene.namespace, name, labels)
    return address.allocation_id
