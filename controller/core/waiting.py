"""Why a Pod waits, in words that its author can read: for the status page, and for an event if it lasts.

A plan that knows more (who has the address, which pool) puts it into `Wait.detail`. A reason that has no words here
fails the type check, so that no Pod waits without an explanation.
"""

from typing import assert_never

from controller.core.actions import Reason, Wait

_READS = "EC2's answers may be late; it goes on once they can be believed"


def words(wait: Wait) -> str:
    """What is waited for."""
    return wait.detail or _general(wait.reason)


def is_told(reason: Reason) -> bool:
    """Whether the Pod's author hears of it by an event, once it has lasted.

    The author of a Pod without an IP is not told: the scheduler and the kubelet do that. Nor of one out of scope.
    """
    return reason not in (Reason.NO_IP, Reason.SCOPE)


def _general(reason: Reason) -> str:
    match reason:
        case Reason.NO_IP:
            return "waiting for the Pod's IP"
        case Reason.PLACEMENT:
            return "waiting for the Pod's IP to show on a network interface of its node"
        case Reason.POOL:
            return "waiting for a free address in the pool"
        case Reason.TARGET:
            return "waiting until another claim's address is off the Pod's IP"
        case Reason.FOREIGN:
            return "waiting until an address that is not this controller's is off the Pod's IP"
        case Reason.DOUBT:
            return f"an address may have been allocated without an answer. {_READS}"
        case Reason.SETTLE:
            return f"an address may have been associated, or cut, without an answer. {_READS}"
        case Reason.RELEASE:
            return "waiting for a look at EC2 before the address is released"
        case Reason.SCOPE:
            return "its namespace is outside the watch scope: the claim is kept as it is"
        case Reason.LOOK:
            return "waiting for a fresh look at EC2"
        case Reason.GONE:
            return f"EC2 did not show its address at the last look. {_READS}"
        case Reason.TOKEN:
            return "waiting for its turn: EC2 lets the account make a few of these calls a second"
        case Reason.BRAKE:
            return "EC2 has no address for anybody now: one Pod of all that wait asks again, now and then"
        case Reason.FLAPPING:
            return "the Pod asked for an address, and not, too often: it has the next one after a pause"
        case Reason.SIGNS:
            return "something else takes the controller's labels off: they are put on again after a pause"
        case Reason.REFUSED:
            return "the policy does not let it have an address"
        case Reason.ROOM:
            return "waiting for room in its namespace's limit"
        case Reason.FULL:
            return "the controller has as many addresses as it may; waiting for one to get free"
        case Reason.QUOTA:
            return "the rest of the account's quota of addresses is kept for others; waiting for one to get free"
        case _:
            assert_never(reason)
