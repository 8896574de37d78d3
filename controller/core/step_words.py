"""What a plan is about to do, in a sentence for each step; and what wakes a Pod that waits.

A step without a sentence fails the type check (`assert_never`).
"""

from typing import assert_never

from controller.core.actions import (
    Action,
    Allocate,
    Associate,
    Claim,
    Confirm,
    Cut,
    Forget,
    Intend,
    Label,
    MarkReleasing,
    Record,
    Release,
    Remember,
    Retarget,
    Salvage,
    Tell,
    Unlabel,
    Wait,
)
from controller.core.contract import quoted
from controller.core.requeue_rules import WokenBy


def of_step(step: Action) -> str:
    """What this step does, in words."""
    match step:
        case Allocate() | Associate() | Cut() | Release():
            return _of_call(step)
        case Intend() | Remember() | Claim() | Salvage() | Retarget() | Record() | MarkReleasing() | Forget():
            return _of_write(step)
        case Confirm():
            return "Ask the API server whether the Pod is really gone, or asks for something else"
        case Label():
            return "Put the labels of the address on the Pod"
        case Unlabel():
            return "Take the labels of the address off the Pod"
        case Tell(event=event):
            return f"Tell the Pod by an event: {event.reason}: {event.message}"
        case Wait():
            return f"Wait: {step.reason}"
        case _:
            assert_never(step)


def _of_call(step: Allocate | Associate | Cut | Release) -> str:
    match step:
        case Allocate(request=request):
            return f"Allocate an address of the public IPv4 pool {quoted(request.public_ipv4_pool)} (AllocateAddress)"
        case Associate():
            return "Associate the address with the Pod's private IP (AssociateAddress)"
        case Cut(allocation_id=allocation_id, association_id=association_id):
            return f"Disassociate {allocation_id} ({association_id}) (DisassociateAddress)"
        case Release(allocation_id=allocation_id):
            return f"Give {allocation_id} back to AWS (ReleaseAddress)"
        case _:
            assert_never(step)


def _of_write(step: Intend | Remember | Claim | Salvage | Retarget | Record | MarkReleasing | Forget) -> str:
    match step:
        case Intend():
            return "Write an intent into the ledger: an address is about to be allocated"
        case Remember():
            return "Remember in the ledger that an allocation may still arrive"
        case Claim(address=None):
            return "Claim the new address in the ledger"
        case Claim(address=address, silent=silent):
            assert address is not None
            of = f", from the install {silent.key.install} that has been silent" if silent else ""
            return f"Claim {address.public_ip} ({address.allocation_id}) in the ledger{of}"
        case Salvage(address=address):
            return f"Claim {address.allocation_id}, which was allocated for a Pod that is gone, to release it"
        case Retarget(target=target):
            return f"Write the claim's new place into the ledger: {target.private_ip} on {target.interface_id}"
        case Record():
            return "Write the association into the ledger"
        case MarkReleasing():
            return "Write into the ledger that the address is to be released"
        case Forget():
            return "End the claim in the ledger"
        case _:
            assert_never(step)


def of_waker(by: WokenBy) -> str:
    """What makes the Pod be looked at before its time."""
    match by:
        case WokenBy.NEWS:
            return "a change of the Pod"
        case WokenBy.POLICY:
            return "a change of the policy"
        case WokenBy.NAMESPACE:
            return "an address that gets free in its namespace"
        case WokenBy.INSTALL:
            return "an address that this install gives up"
        case WokenBy.POOL:
            return "a look at EC2, or an address of the pool that gets free"
        case WokenBy.RELEASE:
            return "a look at EC2"
        case WokenBy.TARGET:
            return "another Pod that leaves its private IP"
        case WokenBy.BREAKER:
            return "an address that EC2 allocates again"
        case WokenBy.QUOTA:
            return "an address that is released"
        case WokenBy.TOKEN:
            return "its turn for the call to EC2"
        case _:
            assert_never(by)
