"""Histories made by hand for the judge's own tests: a good life of one Pod, told by all the records at once.

Each test changes one thing in it. A judge that has only ever seen good histories has proved nothing.
"""

from dataclasses import replace
from typing import Any, Literal

from controller.core import contract
from sandbox.ec2.log import Caller, Entry
from sandbox.ec2.model import Address, Association, Effect
from tests.history import TRANSACTION, Call, History, Item, Key, PodSight, Process, Service, Signal, Write

LEADER, OTHER = Process(name="a1"), Process(name="a2")
INSTALL = "cluster#uid/install#kube-system/lease"
ADDRESS, PUBLIC_IP, IP, ENI, MACHINE = "eipalloc-1", "198.18.0.1", "10.0.0.11", "eni-1", "i-1"
POD_KEY: Key = ("cluster#uid", "pod#p")
ADDRESS_KEY: Key = (f"eip#{ADDRESS}", "claim")
HAND = Caller(access_key="sandbox")
END = 100.0


def call(service: Service, what: str, at: float, who: Process = LEADER, **body: Any) -> Call:
    """An answered call that took a hundredth of a second."""
    return Call(service=service, who=who, what=what, body=body, began=at, ended=at + 0.01, status=200)


def renewal(at: float, who: Process = LEADER, holder: str = "x") -> Call:
    """A write of the Lease."""
    return call("kubernetes", "update leases", at, who, spec={"holderIdentity": holder})


def renewals(since: float, until: float, who: Process = LEADER) -> tuple[Call, ...]:
    """A write of the Lease each half second."""
    return tuple(renewal(since + step / 2, who) for step in range(round((until - since) * 2)))


def effect(kind: Any, at: float, by: Caller | Process = LEADER, address: str = ADDRESS, **more: Any) -> Entry:
    """An effect in EC2's journal."""
    caller = Caller(access_key=by.name) if isinstance(by, Process) else by
    made = Effect(kind=kind, allocation_id=address, public_ip=PUBLIC_IP, mono=at, **more)
    return Entry(effect=made, caller=caller)


def associated(
    at: float, by: Caller | Process = LEADER, *, address: str = ADDRESS, ip: str = IP, machine: str = MACHINE
) -> Entry:
    """An association."""
    where = {"interface_id": ENI, "instance_id": machine, "private_ip": ip}
    return effect("associated", at, by, address, association_id=f"assoc-{at}", **where)


def cut(at: float, since: float, by: Caller | Process = LEADER, address: str = ADDRESS) -> Entry:
    """The end of the association that was made at `since`."""
    return effect("disassociated", at, by, address, association_id=f"assoc-{since}")


def claim_items(phase: str = "associated", uid: str = "p", address: str = ADDRESS) -> dict[Key, Item]:
    """Both sides of a claim."""
    target = f"{ENI}/{IP}"
    pod = {"allocation_id": address, "phase": phase, "target": target}
    return {("cluster#uid", f"pod#{uid}"): pod, (f"eip#{address}", "claim"): {"owner_pod": uid, "target": target}}


def write(at: float, who: Process | None = LEADER, **more: Any) -> Write:
    """An accepted transaction under the install's fence."""
    return Write(**{"who": who, "at": at, "fence": INSTALL, **more})


def epoch(at: float, who: Process = LEADER) -> Write:
    """A new epoch."""
    return write(at, who, raises=frozenset({INSTALL}))


def sight(at: float, **more: Any) -> PodSight:
    """The Pod, asking for an address of its own."""
    return PodSight(**{"at": at, "uid": "p", "name": "ns/p", "ip": IP, "mode": "auto", "machine": MACHINE, **more})


def signal(at: float, kind: Literal["kill", "term"], who: Process = LEADER) -> Signal:
    """The end of a process."""
    return Signal(at=at, who=who, kind=kind)


BIRTH_TAGS = {contract.TAG_TYPE: "auto", contract.TAG_POD_UID: "p"}
STANDING = Address(
    allocation_id=ADDRESS,
    public_ip=PUBLIC_IP,
    border_group="us-west-2",
    association=Association(association_id="assoc-12.0", interface_id=ENI, private_ip=IP, since=12.0),
)
GOOD = History(
    calls=(
        *renewals(0, END),
        *(call("kubernetes", "get leases", at + 0.5, OTHER) for at in range(int(END))),
        call("ec2", "AllocateAddress", 11.0),
        call("ec2", "AssociateAddress", 12.0),
        call("kubernetes", "patch pods", 13.0),
        call("dynamodb", TRANSACTION, 60.0, TransactItems=[{"Update": {}}]),
    ),
    writes=(
        epoch(1.0),
        write(10.5, puts={POD_KEY: {"phase": "intent"}}),
        write(11.5, puts=claim_items("claimed")),
        write(12.5, puts=claim_items()),
    ),
    journal=(effect("allocated", 11.0, tags=BIRTH_TAGS), associated(12.0)),
    pods=(sight(10.0), sight(13.0, label=PUBLIC_IP)),
    addresses=(STANDING,),
    items=claim_items(),
    ended=END,
    quiet=(20.0, END),
)


def plus(**more: Any) -> History:
    """The good history and these records besides, in the order of time where it matters."""
    grown: dict[str, Any] = {name: (*getattr(GOOD, name), *extra) for name, extra in more.items()}
    return replace(GOOD, **grown)


def with_writes(*more: Write, **changes: Any) -> History:
    """The good history with more writes; the table ends as they say."""
    writes = (*GOOD.writes, *more)
    items: dict[Key, Item] = {}
    for one in (w for w in writes if w.sure):
        for key in one.deletes:
            items.pop(key, None)
        items.update(one.puts)
    return replace(GOOD, **{"writes": writes, "items": items, **changes})
