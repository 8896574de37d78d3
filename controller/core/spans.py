"""What the spans of a Pod's life are called and say: one table, which docs/traces.md shows and a test holds them to.

Names are few: who searches for a name must find it, so what differs from Pod to Pod is in the attributes.
"""

from typing import get_args

from controller.core.actions import Action, Cut, Release, Tell, Wait, WaitReason
from controller.core.contract import legible
from controller.core.desire import Pending, Serve
from controller.core.tracing import Attributes, Made, Subject
from state.model import PodRecord

SERVE, GIVE_UP, SEEN, QUEUED = "serve Pod", "give up address", "seen", "queued"
WAITS, RETRIES = "wait: ", "retry: "
LONGEST_WORDS = 1_000

SPANS = {
    SERVE: "The root: a Pod asks for an address. From when this replica first saw that.",
    GIVE_UP: "The root of a trace of its own, with a link to the serving: an address is taken away, or back.",
    SEEN: "From when the informer had the Pod until it had the Pod's IP.",
    QUEUED: "From when the Pod was due until its plan began: the loop, look-ups in EC2, the queue for a thread.",
    f"{WAITS}REASON": "The Pod could not go on. One span for a wait without a break, or for ten minutes of it.",
    f"{RETRIES}ERROR": "A plan failed, and was tried again: from the first failure of this kind until it was over.",
}

ATTRIBUTES = {
    "k8s.namespace.name": "the Pod's namespace",
    "k8s.pod.name": "the Pod's name",
    "k8s.pod.uid": "the Pod's UID",
    "pod_eip.mode": "the mode, as the annotation has it",
    "pod_eip.pool": "the public IPv4 pool, or the tag key",
    "pod_eip.epoch": "the leader's epoch: it grows with each new leader",
    "pod_eip.attempt": "which attempt it is since the Pod's plan last succeeded, under this leader",
    "pod_eip.public_ip": "the Elastic IP, once it is known",
    "pod_eip.private_ip": "the Pod's IP, once it is known",
    "aws.ec2.allocation_id": "the address's allocation id, from the moment it is known",
    "aws.ec2.association_id": "the association's id, once it is known",
    "aws.request_id": "the id by which AWS Support finds the call",
    "error.type": "the code that AWS, Kubernetes or the controller gave; the status has the words",
    "pod_eip.wait.reason": "what was waited for, or the error's class",
    "pod_eip.wait.detail": "the same for a person: which pool, and who holds its addresses",
    "pod_eip.wait.looks": "how often the Pod was looked at meanwhile",
    "pod_eip.wait.goes_on": "whether the wait was not over yet",
    "pod_eip.wait.also": "other reasons that took turns with this one, if they did so too often for a span each",
    "pod_eip.background": "the call served no Pod",
}


def action_names() -> list[str]:
    """The actions that have a span of their own: all but an event, which is only queued, and a wait."""
    return [kind.__name__ for kind in get_args(Action) if kind not in (Tell, Wait)]


def wait_names() -> list[str]:
    """The names of waits."""
    return [f"{WAITS}{reason}" for reason in WaitReason]


def of_subject(subject: Subject) -> Attributes:
    """Which Pod, what it asks for, which address if there is one, and who is at it."""
    s, record = subject.situation, subject.situation.record
    who, wanted = s.pod or record, s.desire
    asked = wanted if isinstance(wanted, Serve | Pending) else record
    found = {
        "k8s.pod.uid": str(s.uid),
        "k8s.namespace.name": who.namespace if who else "",
        "k8s.pod.name": who.name if who else "",
        "pod_eip.mode": str(asked.mode) if asked else "",
        "pod_eip.pool": legible(asked.pool) if asked else "",
        "pod_eip.private_ip": s.pod.ip if s.pod else "",
    }
    known = {name: value for name, value in found.items() if value}
    return {**known, "pod_eip.epoch": int(subject.epoch), "pod_eip.attempt": subject.attempt, **of_record(record)}


def of_record(record: PodRecord | None, made: Made = (None, None)) -> Attributes:
    """The address and its association, as far as the claim and this plan know them."""
    new, association_id = made
    found = {
        "aws.ec2.allocation_id": (record and record.allocation_id) or (new and new.allocation_id),
        "aws.ec2.association_id": (record and record.association_id) or association_id,
        "pod_eip.public_ip": (record and record.public_ip) or (new and new.public_ip),
    }
    return {name: str(value) for name, value in found.items() if value}


def of_action(action: Action) -> Attributes:
    """The address that is taken away, which may be another than the claimed one."""
    match action:
        case Cut(allocation_id=allocation_id, association_id=association_id):
            return {"aws.ec2.allocation_id": allocation_id, "aws.ec2.association_id": association_id}
        case Release(allocation_id=allocation_id):
            return {"aws.ec2.allocation_id": allocation_id}
        case _:
            return {}


def words(text: str) -> str:
    """A text of others, fit to be shown, and of a bearable length."""
    return legible(text)[:LONGEST_WORDS]
