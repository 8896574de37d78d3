"""Machines, Nodes and Pods that no scheduler would put together, for tests that play what people report.

Every machine has IPs, an instance and an interface of its own, so that tests can share a world.
"""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.ec2.faults import Fault
from tests.e2e.scene import Scene

POD_ENI = "vpc.amazonaws.com/pod-eni"
FAILED = "Warning EIPAssociationFailed"
_NUMBER = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An instance, or only its id, with an interface that may be attached to it."""

    instance_id: str
    interface_id: str
    ips: tuple[str, ...]

    @property
    def provider_id(self) -> str:
        """What EKS writes into `spec.providerID` of its Node."""
        return f"aws:///us-west-2a/{self.instance_id}"


def machine(
    scene: Scene, *, attached: bool = True, ips: tuple[str, ...] = (), instance_id: str = "", **more: Any
) -> Machine:
    """A new instance, or this one, whose new interface has four IPs, or these."""
    number = next(_NUMBER)
    ips = ips or tuple(f"10.{100 + number // 200}.{number % 200}.{host}" for host in range(10, 14))
    instance_id = instance_id or f"i-0f{number:06x}"
    given = instance_id if attached else None
    interface = scene.world.ec2.add_interface(ips[0], secondary_ips=ips[1:], instance_id=given, **more)
    return Machine(instance_id=instance_id, interface_id=interface.interface_id, ips=ips)


def node(scene: Scene, of: Machine | None, name: str = "node") -> str:
    """A Node for this machine, or one without a providerID; its whole name."""
    whole = f"{scene.namespace}-{name}"
    scene.cluster.kube.node(whole, provider_id=of.provider_id if of else "", ip=of.ips[0] if of else "")
    return whole


def put(scene: Scene, name: str, annotations: dict[str, str], *, on: str, ip: str, **more: Any) -> str:
    """A Pod on this Node with this IP; its UID."""
    scene.ips[name] = ip
    return scene.cluster.kube.pod(scene.namespace, name, annotations=annotations, ip=ip, node=on, **more)


def branch(*interfaces: str, ip: str) -> dict[str, str]:
    """The annotation by which the VPC resource controller names a Pod's branch interfaces."""
    named = [{"eniId": eni, "ifAddress": "02:00:00:00:00:01", "privateIp": ip, "vlanId": 1} for eni in interfaces]
    return {POD_ENI: json.dumps(named)}


def is_left_alone(scene: Scene, name: str, *words: str, seconds: float = 0.5) -> None:
    """The Pod is told, has no label, and nothing is associated with its IP."""
    scene.hears(name, FAILED, scene.ips[name], *words)
    scene.stays(lambda: scene.at(name) is None, seconds, f"nothing is associated with {name}: {scene.said(name)}")
    scene.eventually(lambda: scene.label(name) is None, f"{name} has no label")


def looked(scene: Scene, times: int = 1) -> None:
    """Wait until EC2's addresses were looked at so often from now on."""
    before = len(scene.calls("DescribeAddresses"))
    scene.eventually(lambda: len(scene.calls("DescribeAddresses")) >= before + times, "a look at EC2")


def warnings(scene: Scene, name: str) -> list[str]:
    """The Warnings that the Pod was given."""
    return [said for said in scene.said(name) if said.startswith("Warning")]


@contextmanager
def refused(scene: Scene, action: str) -> Iterator[None]:
    """EC2 does not let the controller call this."""
    scene.world.ec2.inject(Fault(kind="error", action=action, code="UnauthorizedOperation", status=403, count=None))
    try:
        yield
    finally:
        scene.world.ec2.clear_faults()
