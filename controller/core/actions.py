"""The steps that a plan is made of: everything the controller can do to the world, as values.

A plan is a tuple of these for one Pod, done in order. A step that needs what an earlier one found out (the
allocation id of a new address, the association id) takes it from the claim as it then stands, so a step says only
what was decided. What a step touches is its kind: the unions at the end. Who has to know that asks for the kind, and
no step is an `Action` without being of one.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from controller.core.views import (
    Address,
    AllocationRequest,
    EventType,
    PodEvent,
)
from state.model import AddressRecord, AdoptedTags, AllocationId, AssociationId, InstallRecord, Mode, Target


@dataclass(frozen=True, slots=True)
class Confirm:
    """Ask the API server whether the Pod is really gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intend:
    """Write an intent to the ledger: an address is about to be allocated for this Pod."""

    mode: Mode
    pool: str


@dataclass(frozen=True, slots=True)
class Remember:
    """Write a remembered intent: an address may still be allocated for this Pod after its intent has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocate:
    """Allocate a new address; the same call tags it."""

    operation: ClassVar[str] = "AllocateAddress"
    request: AllocationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Write both sides of a claim.

    `address`: None for the one that was just allocated. `association_id`: where it is given, the claim is written as
    associated. `silent`: the install that still holds the address; the same write fences it.
    """

    mode: Mode
    pool: str
    target: Target
    address: Address | None = None
    before: AddressRecord | None = None
    association_id: AssociationId | None = None
    adopted: AdoptedTags | None = None
    silent: InstallRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvage:
    """Claim an address that was allocated for a Pod which is gone by now, so that it is released."""

    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Retarget:
    """Give the claim another target: another interface or private IP."""

    target: Target


@dataclass(frozen=True, slots=True)
class Associate:
    """Associate the claimed address with the claim's target."""

    operation: ClassVar[str] = "AssociateAddress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Write down the association: its id, or None for the one that was just made."""

    association_id: AssociationId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Set the labels of the Pod's address, and its readiness condition to True if the Pod has that readiness gate."""

    mode: Mode


@dataclass(frozen=True, slots=True)
class Unlabel:
    """Take our labels off the Pod, and set its readiness condition to False."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Disassociate by this id, whatever a describe says."""

    operation: ClassVar[str] = "DisassociateAddress"
    association_id: AssociationId
    allocation_id: AllocationId


@dataclass(frozen=True, slots=True)
class MarkReleasing:
    """Write down that the address is cut and waits to be released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Give the address back to AWS."""

    operation: ClassVar[str] = "ReleaseAddress"
    allocation_id: AllocationId
    border_group: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Take the claim out of the ledger; its target stays among the address's recent ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Emit an event on the Pod."""

    event: PodEvent


class WaitReason(StrEnum):
    """What a plan that stops short waits for; the engine knows what wakes each."""

    NO_IP = "no IP yet"
    PLACEMENT = "its IP is on no network interface"
    POOL = "no free address in the pool"
    TARGET = "its IP still has another claim's address"
    FOREIGN = "its IP has an address that is not ours"
    IN_DOUBT = "an allocation whose outcome is unknown"
    SETTLE = "an association whose outcome is unknown"
    RELEASE = "a look at the address after the cut"
    SCOPE = "its namespace is outside the watch scope"
    LOOK = "a fresh look at EC2"
    GONE = "another look at an address that EC2 did not show"
    LABELS = "time before its labels are put on once more"
    TOKEN = "its turn for a call to EC2"
    BREAKER = "EC2's answer to the one Pod that asks for all"
    FLAPPING = "time before its next address, for it changes too often"
    REFUSED = "another policy"
    ROOM = "room in its namespace's limit"
    FULL = "room in what all may have"
    QUOTA = "room in the account's quota"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The end of a plan that cannot go on by itself."""

    reason: WaitReason
    detail: str = ""


Mutation = Allocate | Associate | Cut | Release
"""Changes EC2, by the call that `operation` names: it needs a token, and the leader's deadline is asked before it."""
Write = Intend | Remember | Claim | Salvage | Retarget | Record | MarkReleasing | Forget
"""Changes a claim: one transaction of the ledger, by the row of `core/phases` that names it."""
Sign = Label | Unlabel
"""Changes what the Pod itself shows."""
Unseen = Confirm | Tell | Wait
"""Changes nothing that EC2, the ledger or the Pod would show."""

Action = Mutation | Write | Sign | Unseen
Plan = tuple[Action, ...]

Preparing = Intend | Remember | Claim
"""Writes that are of no use without the call to EC2 that follows."""
WayDown = Unlabel | Cut | MarkReleasing | Release | Forget
"""Steps by which something is taken away."""


def warning(reason: str, message: str) -> Tell:
    """Say on the Pod what is wrong; `reason` is one of the contract's."""
    return Tell(event=PodEvent(type=EventType.WARNING, reason=reason, message=message))
