"""What people do all day, at random: Pods that come, move, change their minds and go, and strangers at their old IPs.

A name and an IP are used again as soon as they are free, for that is when an address goes to the wrong Pod. Each
step is one line of the story, so that a round can be read afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import urllib3

from sandbox.kube.client import UnexpectedAnswerError
from sandbox.world import SandboxCluster
from tests.e2e.scene import TYPE, auto, fixed, fixed_value
from tests.faults.world import FaultWorld

PODS, STRANGERS, NAMES = 6, 4, 10
POOL, OWN = "pool", "own"
MODES = ("auto", "fixed-tag", "fixed-tag-value")
REFUSED = (UnexpectedAnswerError, urllib3.exceptions.HTTPError)


@dataclass
class Pod:
    """A Pod that is there; `mode` is empty where it asks for no address."""

    name: str
    mode: str
    node: str
    ip: str
    ended: bool = False


@dataclass
class Users:
    """The people of one cluster."""

    world: FaultWorld
    cluster: SandboxCluster
    rng: Random
    tell: Callable[[str], None]
    pods: dict[str, Pod] = field(default_factory=dict)
    free: list[tuple[str, str]] = field(default_factory=list)
    unsure: bool = False

    def __post_init__(self) -> None:
        self.free = self._places()
        for number in range(NAMES):
            self.world.ec2.add_address(tags={OWN: f"{self.namespace}/p{number}"})

    @property
    def namespace(self) -> str:
        """Where their Pods live."""
        return f"ns-{self.cluster.name}"

    def step(self) -> None:
        """Do one thing. An API server that cannot be reached does nothing for people either."""
        often = (self.come, self.come, self.come, self.stranger, self.go, self.go, self.move, self.switch, self.end)
        doing = self.rng.choice(often)
        try:
            if self.unsure:
                self.look()
            doing()
        except REFUSED as error:
            self.unsure = True
            self.tell(f"{self.cluster.name}: no answer, {type(error).__name__}")

    def come(self) -> None:
        """A Pod that asks for an address."""
        names = [f"p{n}" for n in range(NAMES) if f"p{n}" not in self.pods]
        if len([p for p in self.pods.values() if p.mode]) < PODS and names:
            self._run(self.rng.choice(names), self.rng.choice(MODES))

    def stranger(self) -> None:
        """A Pod that asks for nothing, often at an IP that was given back last."""
        names = [f"s{n}" for n in range(STRANGERS) if f"s{n}" not in self.pods]
        if names:
            self._run(self.rng.choice(names), "")

    def _run(self, name: str, mode: str) -> None:
        node, ip = self.free.pop(-1 if self.rng.random() < 0.6 else 0)
        self.tell(f"{self.cluster.name}: {name} comes at {ip}, {mode or 'a stranger'}")
        self.pods[name] = Pod(name, mode, node, ip)
        self.cluster.kube.pod(self.namespace, name, annotations=annotations(mode), ip=ip, node=node)

    def go(self) -> None:
        """A Pod is deleted, and its IP is free."""
        if pod := self._any(lambda pod: pod.name in self.pods):
            self.tell(f"{self.cluster.name}: {pod.name} goes from {pod.ip}")
            self.cluster.kube.delete_pod(self.namespace, pod.name)
            self._forget(pod)

    def _forget(self, pod: Pod) -> None:
        del self.pods[pod.name]
        if not pod.ended:
            self.free.append((pod.node, pod.ip))

    def move(self) -> None:
        """A Pod's sandbox is made anew: another IP of the same node."""
        if pod := self._any(lambda pod: bool(pod.mode) and not pod.ended):
            places = [place for place in self.free if place[0] == pod.node]
            if places:
                place = self.rng.choice(places)
                self.tell(f"{self.cluster.name}: {pod.name} moves from {pod.ip} to {place[1]}")
                self.cluster.kube.set_ip(self.namespace, pod.name, place[1])
                self.free.remove(place)
                self.free.append((pod.node, pod.ip))
                pod.ip = place[1]

    def switch(self) -> None:
        """A Pod's annotations change: to another mode, to none, or back."""
        if pod := self._any(lambda pod: pod.name.startswith("p") and not pod.ended):
            mode = self.rng.choice([mode for mode in (*MODES, "") if mode != pod.mode])
            self.tell(f"{self.cluster.name}: {pod.name} asks for {mode or 'nothing'}")
            gone = dict.fromkeys(annotations(pod.mode))
            self.cluster.kube.annotate(self.namespace, pod.name, {**gone, **annotations(mode)})
            pod.mode = mode

    def end(self) -> None:
        """A Pod finishes; the object stays, and its IP is free."""
        if pod := self._any(lambda pod: not pod.ended):
            self.tell(f"{self.cluster.name}: {pod.name} finishes at {pod.ip}")
            self.cluster.kube.set_phase(self.namespace, pod.name, "Succeeded")
            pod.ended = True
            self.free.append((pod.node, pod.ip))

    def _any(self, fits: Callable[[Pod], bool]) -> Pod | None:
        found = [pod for pod in self.pods.values() if fits(pod)]
        return self.rng.choice(found) if found else None

    def look(self) -> None:
        """What is there by the API server's own word, after a call that got no answer; half a Pod is taken away."""
        self.pods.clear()
        for body in self.cluster.kube.pods(self.namespace):
            name, ip, node = body["metadata"]["name"], body["status"].get("podIP", ""), body["spec"]["nodeName"]
            if not ip:
                self.cluster.kube.delete_pod(self.namespace, name)
                continue
            mode = (body["metadata"].get("annotations") or {}).get(TYPE, "")
            self.pods[name] = Pod(name, mode, node, ip, ended=body["status"]["phase"] == "Succeeded")
        used = {pod.ip for pod in self.pods.values() if not pod.ended}
        self.free = [place for place in self._places() if place[1] not in used]
        self.unsure = False

    def known(self) -> bool:
        """Whether the API server could be asked what is there."""
        try:
            self.look()
        except REFUSED:
            return False
        return True

    def _places(self) -> list[tuple[str, str]]:
        return [(node.name, ip) for node in self.cluster.nodes for ip in node.ips[1:8]]


def annotations(mode: str) -> dict[str, str]:
    """What a Pod of this mode says."""
    said = {"auto": auto(), "fixed-tag": fixed(POOL), "fixed-tag-value": fixed_value(OWN), "": {}}
    return said[mode]
