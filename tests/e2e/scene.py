"""What an end-to-end test says of a world, in a user's words: annotate this, expect that.

Everything is asked from outside: of the Pods' labels and events, of EC2's own log. Each scene has a namespace of its
own, so that tests can share a world.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox.ec2.faults import Fault
from sandbox.ec2.log import CallRecord
from sandbox.ec2.model import Address
from sandbox.world import SandboxCluster, World, wait_until

PREFIX = "aws-samples.github.com/aws-pod-eip-controller-"
TYPE, PUBLIC_IP = PREFIX + "type", "aws-pod-eip-controller-public-ip"
"""Annotations and tags have the prefix, labels have none: spelled out here, for this is what users rely on."""
MUTATIONS = ("AllocateAddress", "AssociateAddress", "DisassociateAddress", "ReleaseAddress", "CreateTags")
QUICK = {
    "lease-duration": "3",
    "renew-deadline": "2",
    "retry-period": "0.4",
    "call-timeout": "1",
    "consistency-time": "2",
    "poll-interval": "2",
    "resync-period": "5",
    "log-level": "debug",
}
STEADY = {**QUICK, "lease-duration": "15", "renew-deadline": "10", "call-timeout": "4"}
"""For those who count calls: neither the Lease nor a call is lost because the machine is busy for a second or two."""
LIMIT = 60.0


def denied(action: str) -> Fault:
    """A role without the right to this."""
    return Fault(
        kind="error",
        action=action,
        count=None,
        code="UnauthorizedOperation",
        status=403,
        message=f"You are not authorized to perform: ec2:{action}",
    )


LOOK_DENIED = denied("DescribeAddresses")
"""A role without the right to look at addresses."""


def auto(pool: str | None = None) -> dict[str, str]:
    """The annotations of mode `auto`."""
    return {TYPE: "auto", **({PREFIX + "public-ipv4-pool": pool} if pool else {})}


def fixed(key: str) -> dict[str, str]:
    """The annotations of mode `fixed-tag`."""
    return {TYPE: "fixed-tag", PREFIX + "fixed-tag": key}


def fixed_value(key: str) -> dict[str, str]:
    """The annotations of mode `fixed-tag-value`."""
    return {TYPE: "fixed-tag-value", PREFIX + "fixed-tag-value": key}


@dataclass
class Scene:
    """One namespace of one cluster."""

    world: World
    cluster: SandboxCluster
    namespace: str
    since: int = 0
    ips: dict[str, str] = field(default_factory=dict)

    def run(self, name: str, annotations: dict[str, str], **more: Any) -> str:
        """Run a Pod; its UID."""
        uid, self.ips[name] = self.cluster.run_pod(self.namespace, name, annotations, **more)
        return uid

    def run_on_host(self, name: str, annotations: dict[str, str], *, node: int) -> str:
        """Run a hostNetwork Pod on this node; its UID."""
        uid, self.ips[name] = self.cluster.run_on_host(self.namespace, name, annotations, node=node)
        return uid

    def delete(self, name: str) -> None:
        """Delete it at once."""
        self.cluster.kube.delete_pod(self.namespace, name)

    def label(self, name: str, key: str = PUBLIC_IP) -> str | None:
        """A label of the Pod."""
        return self.cluster.kube.labels(self.namespace, name).get(key)

    def served(self, name: str, limit_s: float = LIMIT) -> Address:
        """Wait for the label; the address, which EC2 must show at the Pod's IP at that moment."""
        wait_until(
            lambda: self.label(name), limit_s, lambda: f"{self.namespace}/{name} is served: {self.said(name)}", 0.01
        )
        ip = self.label(name)
        address = next(a for a in self.addresses() if a.public_ip == ip)
        assert address.association is not None
        assert address.association.private_ip == self.ips[name]
        return address

    def at(self, name: str) -> Address | None:
        """The address that EC2 has at this Pod's IP."""
        ip = self.ips[name]
        return next((a for a in self.addresses() if a.association and a.association.private_ip == ip), None)

    def addresses(self) -> list[Address]:
        """All addresses."""
        return list(self.world.ec2.world().addresses.values())

    def address(self, allocation_id: str) -> Address | None:
        """One address, if it still exists."""
        return self.world.ec2.world().addresses.get(allocation_id)

    def free(self, allocation_id: str) -> bool:
        """Whether the address exists and is associated with nothing."""
        found = self.address(allocation_id)
        return found is not None and found.association is None

    def said(self, name: str) -> list[str]:
        """The events of the Pod, as `TYPE REASON MESSAGE`."""
        events = self.cluster.kube.events(self.namespace, name)
        return [f"{e['type']} {e['reason']} {e['message']}" for e in events]

    def hears(self, name: str, *words: str, limit_s: float = LIMIT) -> None:
        """Wait for an event that contains all these words."""
        wait_until(
            lambda: any(all(w in said for w in words) for said in self.said(name)),
            limit_s,
            lambda: f"an event of {self.namespace}/{name} with {words}: {self.said(name)}",
        )

    def calls(self, *actions: str) -> list[CallRecord]:
        """EC2's calls by controllers since `mark`."""
        made = [c for c in self.world.ec2.log(self.since) if not c.action.startswith("sandbox:")]
        return [c for c in made if not actions or c.action in actions]

    def mark(self) -> None:
        """Count calls from here."""
        log = self.world.ec2.log()
        self.since = log[-1].seq if log else 0

    def eventually(self, truth: Callable[[], object], what: str, limit_s: float = LIMIT) -> None:
        """Wait for it."""
        wait_until(truth, limit_s, what)

    def stays(self, truth: Callable[[], object], seconds: float, what: str) -> None:
        """It is true now and at every look for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert truth(), what
            time.sleep(0.1)


@contextmanager
def running(world: World) -> Iterator[World]:
    """All replicas started, and a leader in each cluster."""
    for replica in world.replicas():
        replica.start()
    try:
        for cluster in world.clusters.values():
            wait_until(cluster.leader, 60, lambda: f"a leader of every cluster: {_tails(world)}")
        yield world
    finally:
        for replica in world.replicas():
            replica.stop()


def _tails(world: World) -> str:
    return "\n".join(f"{r.name}: {r.tail(5)}" for r in world.replicas())
