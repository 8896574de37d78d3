"""Why a Pod waits, in words that its author can read: for the status page, and for an event if it lasts.

A plan that knows more (who has the address, which pool) puts it into `Wait.detail`. A reason that has no words here
fails the type check, so that no Pod waits without an explanation.
"""

from typing import assert_never

from controller.core.actions import Wait, WaitReason

_READS = "EC2's answers may be late; it goes on once they can be believed"


WITHHELD = frozenset(
    {WaitReason.REFUSED, WaitReason.ROOM, WaitReason.FULL, WaitReason.SCOPE, WaitReason.POOL, WaitReason.QUOTA}
)
"""What a Pod waits for that there is no address for, or that the policy withholds: not this controller's time."""


def words(wait: Wait) -> str:
    """What is waited for."""
    return wait.detail or _general(wait.reason)


def is_told(reason: WaitReason) -> bool:
    """Whether the Pod's author hears of it by an event, once it has lasted.

    The author of a Pod without an IP is not told: the scheduler and the kubelet do that. Nor of one out of scope.
    """
    return reason not in (WaitReason.NO_IP, WaitReason.SCOPE)


def _general(reason: WaitReason) -> str:
    match reason:
        case WaitReason.NO_IP:
            return "waiting for the Pod's IP"
        case WaitReason.PLACEMENT:
            return "waiting for the Pod's IP to show on a network interface of its node"
        case WaitReason.POOL:
            return "waiting for a free address in the pool"
        case WaitReason.TARGET:
            return "waiting until another claim's address is off the Pod's IP"
        case WaitReason.FOREIGN:
            return "waiting until an address that is not this controller's is off the Pod's IP"
        case WaitReason.IN_DOUBT:
            return f"an address may have been allocated without an answer. {_READS}"
        case WaitReason.SETTLE:
            return f"an address may have been associated, or cut, without an answer. {_READS}"
        case WaitReason.RELEASE:
            return "waiting for a look at EC2 before the address is released"
        case WaitReason.SCOPE:
            return "its namespace is outside the watch scope: the claim is kept as it is"
        case WaitReason.LOOK:
            return "waiting for a fresh look at EC2"
        case WaitReason.GONE:
            return f"EC2 did not show its address at the last look. {_READS}"
        case WaitReason.TOKEN:
            return "waiting for its turn: EC2 lets the account make a few of these calls a second"
        case WaitReason.BREAKER:
            return "one Pod of all that wait asks EC2 for an address, and its answer holds for all"
        case WaitReason.FLAPPING:
            return "the Pod asked for an address, and not, too often: it has the next one after a pause"
        case WaitReason.LABELS:
            return "something else takes the controller's labels off: they are put on again after a pause"
        case WaitReason.REFUSED:
            return "the policy does not let it have an address"
        case WaitReason.ROOM:
            return "waiting for room in its namespace's limit"
        case WaitReason.FULL:
            return "the controller has as many addresses as it may; waiting for one to get free"
        case WaitReason.QUOTA:
            return "the rest of the account's quota of addresses is kept for others; waiting for one to get free"
        case _:
            assert_never(reason)
