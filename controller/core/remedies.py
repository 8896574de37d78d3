"""What helps a Pod that waits, asks wrongly or is failed on: one sentence for each reason, for its author or operator.

A reason without a sentence fails the type check (`assert_never`), so that nobody reads of a trouble and not what to do.
"""

from typing import Literal, assert_never

from controller.core.actions import WaitReason
from controller.core.desire import Fault
from controller.core.situation import Foreign, Lack, NoOffer, Situation
from state.errors import LedgerSilent, NotSent, PodEipError, Refused, Throttled, Unavailable

_OPERATOR = "Ask whoever runs the controller"
_BY_ITSELF = "Nothing to do: it goes on by itself"

_LOOKS = Literal[
    WaitReason.IN_DOUBT,
    WaitReason.SETTLE,
    WaitReason.RELEASE,
    WaitReason.LOOK,
    WaitReason.GONE,
    WaitReason.TOKEN,
]


def of_fault(fault: Fault) -> str:
    """What helps a Pod that asks wrongly."""
    match fault:
        case Fault.MODE:
            return "Correct the annotation; in a Deployment or StatefulSet, that of the Pod's template"
        case Fault.NO_POOL:
            return "Add the annotation that names the pool's tag key, or ask for the mode auto"
        case Fault.POOL:
            return "Correct the annotation that names the pool; in a Deployment or StatefulSet, that of the template"
        case Fault.FARGATE:
            return "Run the Pod on an EC2 node in a public subnet: keep it out of the Fargate profile's selectors"
        case Fault.IPV6_ONLY:
            return "Run the Pod in a cluster whose Pods have IPv4 addresses; an EKS cluster's IP family is fixed"
        case _:
            assert_never(fault)


def of_lack(lack: Lack) -> str:
    """What helps a Pod for which there is no address."""
    match lack:
        case Lack.COMING:
            return f"{_BY_ITSELF}, once the address is off the earlier Pod of the same name"
        case Lack.TURN:
            return f"{_BY_ITSELF}, at its turn; for shorter turns tag more addresses with the key"
        case Lack.UNTAGGED:
            return "Tag an Elastic IP of this account and Region with the key, or correct the key in the annotation"
        case Lack.KEPT:
            return "Tag an address with the key and an empty value, or use the mode fixed-tag-value"
        case Lack.BORDER_GROUP:
            return "Tag an address of the node's network border group with the key"
        case Lack.HELD:
            return "Wait until one is given up, or tag more addresses with the key; the status shows who holds them"
        case Lack.QUOTA:
            return "Ask AWS for a higher quota 'EC2-VPC Elastic IPs', release unused addresses, or lower --keep-quota"
        case _:
            assert_never(lack)


def of_wait(reason: WaitReason, s: Situation) -> str:
    """What helps a Pod that waits for this, in this situation."""
    match reason:
        case WaitReason.POOL:
            return of_lack(s.offer.lack if isinstance(s.offer, NoOffer) else Lack.HELD)
        case WaitReason.QUOTA:
            return of_lack(s.no_quota.lack if s.no_quota else Lack.QUOTA)
        case WaitReason.PLACEMENT:
            return _of_placement(s)
        case WaitReason.NO_IP:
            return "See why the Pod has no IP: `kubectl describe pod` tells of its scheduling and of its network"
        case WaitReason.TARGET:
            return _of_target(s)
        case WaitReason.FOREIGN:
            return "Disassociate that address from the private IP, if nobody needs it there; the controller never does"
        case WaitReason.SCOPE:
            return "Let an install watch the namespace (--watch-namespace), if the Pod is still to be served"
        case WaitReason.FLAPPING:
            return "Find what changes the Pod's annotations again and again, and stop it"
        case WaitReason.LABELS:
            return "Find what takes the controller's labels off the Pod, and stop it"
        case WaitReason.BREAKER:
            return "Do what EC2's answer says: a higher quota, a public IPv4 pool with room, or the pool's right name"
        case WaitReason.REFUSED:
            return f"{_OPERATOR} for a rule that allows it, or ask for a mode and a pool that the policy allows"
        case WaitReason.ROOM:
            return f"{_OPERATOR} for a higher limit of the namespace, or delete Pods there that need no address"
        case WaitReason.FULL:
            return f"{_OPERATOR} for a higher --max-addresses, or delete Pods that need no address"
        case _:
            return _of_look(reason)


def _of_look(reason: _LOOKS) -> str:
    match reason:
        case WaitReason.IN_DOUBT | WaitReason.SETTLE | WaitReason.GONE:
            return f"{_BY_ITSELF}, once EC2's answers are newer than --consistency-time"
        case WaitReason.RELEASE | WaitReason.LOOK:
            return f"{_BY_ITSELF}, after the next look at EC2"
        case WaitReason.TOKEN:
            return f"{_BY_ITSELF}; where bursts take long, ask AWS for a higher rate of this API"
        case _:
            assert_never(reason)


def _of_placement(s: Situation) -> str:
    if isinstance(s.placement, Foreign) and s.placement.nameless:
        return "Look at the Node's spec.providerID: EKS writes the EC2 instance there; hybrid nodes have none"
    if isinstance(s.placement, Foreign):
        return "Look at the node: its instance may have been replaced; a Pod that is made anew has an IP of its own"
    return (
        "Use the VPC CNI, and nodes in the VPC that --vpc-id names; an overlay network's IP cannot have an Elastic IP"
    )


def _of_target(s: Situation) -> str:
    if s.pod is not None and s.pod.host_network:
        return "One hostNetwork Pod of a node can have an address: run this Pod on a node of its own, or without one"
    return f"{_BY_ITSELF}, once the other Pod's address is off the IP"


def of_error(error: PodEipError) -> str:
    """What helps where the last try failed so; the error's own advice, if it has one."""
    if error.advice:
        return error.advice
    if isinstance(error, LedgerSilent | Unavailable):
        return "Look at the network path, and at the service's health; it is tried again"
    if isinstance(error, NotSent | Throttled):
        return "Nothing to do: it is tried again by itself, or by the next leader"
    if isinstance(error, Refused):
        return "Search the documentation for the code; it is tried again, more and more slowly"
    return "Report it with the controller's log; it is tried again"
