"""Evidence made by hand for the demo's judge: one good story, which each test then spoils in one way."""

from dataclasses import replace

from controller.core import contract
from sandbox.demo.cast import Life, Sighting
from sandbox.demo.judge import Evidence, Signal, Stretch
from sandbox.demo.ledger import Ledger
from sandbox.demo.scenes import AUTO, FIXED, OWN, OWN_TAG, POOL_TAG, Part
from sandbox.demo.watcher import Picture, PodRow
from sandbox.ec2.log import Caller, CallRecord, Entry
from sandbox.ec2.model import Address, Association, Effect, EffectKind
from sandbox.world import Node

NODE = Node(name="a-node-1", instance_id="i-1", interface_id="eni-1", ips=("10.0.0.1",))
LEADER, STANDBY = Caller(access_key="a1"), Caller(access_key="a2")
SANDBOX = Caller(access_key="sandbox")
PUBLIC = {"eipalloc-auto": "198.18.0.1", "eipalloc-pool": "198.18.0.2", "eipalloc-own": "198.18.0.3"}
OF_UID = {"uid-auto": "eipalloc-auto", "uid-pool": "eipalloc-pool", "uid-own": "eipalloc-own"}
TAGS = {
    "eipalloc-auto": {contract.TAG_TYPE: AUTO, contract.TAG_POD_UID: "uid-auto"},
    "eipalloc-pool": {POOL_TAG: "shared"},
    "eipalloc-own": {OWN_TAG: "ns/uid-own"},
}


def life(uid: str, mode: str, ip: str, began: float, ended: float | None = None) -> Life:
    """A Pod of cluster `a`."""
    part = Part(cluster="a", namespace="ns", name=uid, mode=mode)
    return Life(uid=uid, part=part, node=NODE, ip=ip, began=began, ended=ended)


def entry(kind: EffectKind, allocation_id: str, at: float, ip: str = "", caller: Caller = LEADER) -> Entry:
    """A line of EC2's journal; an association is named after its address and IP."""
    effect = Effect(
        kind=kind,
        allocation_id=allocation_id,
        public_ip=PUBLIC.get(allocation_id, ""),
        association_id=f"eipassoc-{allocation_id}-{ip}" if ip else "",
        interface_id=NODE.interface_id if ip else "",
        private_ip=ip,
        tags=TAGS.get(allocation_id, {}) if kind == "allocated" else {},
        mono=at,
    )
    return Entry(effect=effect, caller=caller)


def call(at: float, caller: Caller = LEADER, *entries: Entry, action: str = "DescribeAddresses") -> CallRecord:
    """A call that had these effects."""
    effects = tuple(e.effect for e in entries)
    return CallRecord(action=action, caller=caller, started_mono=at, started_wall=at, effects=effects)


def address(allocation_id: str, ip: str = "") -> Address:
    """An address as it is at the end, at this IP or free."""
    where = Association(association_id="eipassoc-1", interface_id=NODE.interface_id, private_ip=ip, since=0.0)
    return Address(
        allocation_id=allocation_id,
        public_ip=PUBLIC[allocation_id],
        border_group="us-west-2",
        tags=TAGS[allocation_id],
        association=where if ip else None,
    )


def row(uid: str, mode: str, ip: str, label: str) -> PodRow:
    """A Pod as its API shows it at the end."""
    return PodRow(uid=uid, cluster="a", full_name=f"ns/{uid}", mode=mode, ip=ip, label=label)


def good_story() -> Evidence:
    """Three Pods, one of each mode, are served at 2 s and live on; the leader is killed at 10 s."""
    lives = (
        life("uid-auto", AUTO, "10.0.0.11", 1.0),
        life("uid-pool", FIXED, "10.0.0.12", 1.0),
        life("uid-own", OWN, "10.0.0.13", 1.0),
    )
    journal = (
        entry("allocated", "eipalloc-pool", 0.1, caller=SANDBOX),
        entry("allocated", "eipalloc-own", 0.1, caller=SANDBOX),
        entry("allocated", "eipalloc-auto", 1.2),
        *(entry("associated", OF_UID[one.uid], 1.5, one.ip) for one in lives),
    )
    pods = tuple(row(one.uid, one.part.mode, one.ip, PUBLIC[OF_UID[one.uid]]) for one in lives)
    ledger = Ledger(
        address_of=OF_UID, owner_of={a: uid for uid, a in OF_UID.items()}, epoch_of=dict.fromkeys(PUBLIC, 1)
    )
    return Evidence(
        lives=lives,
        sightings=tuple(Sighting(uid=p.uid, public_ip=p.label, asked=2.0, answered=2.1) for p in pods),
        calls=(call(1.2), call(14.0, STANDBY)),
        journal=journal,
        picture=Picture(pods=pods, addresses=tuple(address(OF_UID[o.uid], o.ip) for o in lives), ledger=ledger),
        disputed=(),
        signals=(Signal(kind="sigkill", victim="a1", others=frozenset({"a2", "a3"}), at=10.0),),
        stretches=(Stretch(mode=AUTO, callers=frozenset({"a1"}), uids=frozenset({"uid-auto"}), since=1.0, until=5.0),),
        replicas=frozenset({"a1", "a2", "a3"}),
    )


def later(story: Evidence, *entries: Entry, more: tuple[Life, ...] = ()) -> Evidence:
    """The story with more in the journal, and more Pods."""
    return replace(story, journal=(*story.journal, *entries), lives=(*story.lives, *more))


def died(story: Evidence, uid: str, at: float) -> Evidence:
    """The story in which this Pod died."""
    lives = tuple(replace(one, ended=at) if one.uid == uid else one for one in story.lives)
    pods = tuple(p for p in story.picture.pods if p.uid != uid)
    return replace(story, lives=lives, picture=replace(story.picture, pods=pods))
