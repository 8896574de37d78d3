"""The calls that change EC2, and what they teach: each answer goes into the view of EC2 before a describe can show it.

A definite no says something about our picture of the world, and goes into the term's memory before the error goes on to
the loop. A "not found" may only be early, and an address of another account's may be a late read: what was asked for is
taken for done only where that cannot be.
"""

from controller.core import actions as act
from controller.core.allocation import allocated_address
from controller.core.modes import SPECS
from controller.core.ports import Ec2
from controller.core.views import Allocation, AllocationRequest, Association
from controller.engine.parts import TermParts
from state.errors import (
    AccessDenied,
    AddressForeign,
    AddressNotFound,
    AlreadyAssociated,
    AssociationNotFound,
    InterfaceNotFound,
    InvalidTarget,
    NotSent,
    Refused,
    TargetNotReady,
    Throttled,
    Unavailable,
)
from state.model import AssociationId, PodRecord, PodUid, Target


class Mutations:
    """The calls of one plan for one Pod. Each raises what the port raises."""

    def __init__(self, ec2: Ec2, parts: TermParts, uid: PodUid) -> None:
        self._ec2, self._parts, self._uid = ec2, parts, uid
        self._memory, self._mine = parts.memory, parts.memory.of(uid)

    def allocate(self, request: AllocationRequest) -> Allocation:
        """A new address. While there is no answer, one may have been allocated."""
        self._mine.allocating_since = self._memory.clock()
        try:
            new = self._ec2.allocate(request)
        except (Refused, NotSent, Throttled):
            self._mine.allocating_since = None
            raise
        self._memory.note_made(new.allocation_id)
        self._parts.view.allocated(allocated_address(new, request, self._parts.facts))
        return new

    def associate(self, record: PodRecord) -> AssociationId:
        """Associate the claim's address with its target. While there is no answer, it may have been."""
        assert record.allocation_id is not None
        assert record.target is not None
        doubtful_since, self._mine.associating_since = self._mine.associating_since, self._memory.clock()
        try:
            made = self._ec2.associate(record.allocation_id, record.target)
        except (Refused, NotSent, Throttled) as error:
            self._mine.associating_since = doubtful_since  # this try did nothing, but an earlier one may have
            self._learn_from(error, record)
            raise
        self._mine.associating_since = None
        self._memory.note_made(made)
        self._parts.view.associated(record.allocation_id, Association(association_id=made, target=record.target))
        return made

    def cut(self, action: act.Cut, target: Target | None) -> None:
        """Disassociate; `target`: the claim's, as it stands. What is beyond doubt gone already counts as cut."""
        try:
            self._ec2.disassociate(action.association_id)
        except InterfaceNotFound:
            pass
        except AssociationNotFound:
            self._insist(action.association_id, target)
        except AddressForeign:
            shown = self._parts.view.get(action.allocation_id)
            there = shown.association.association_id if shown and shown.association else None
            if not self._agrees(there != action.association_id):
                raise
        self._memory.cut(action.association_id)
        self._parts.view.cut(action.allocation_id, action.association_id)
        self._mine.cut_at = self._memory.clock()

    def release(self, action: act.Release) -> None:
        """Give the address back. What is beyond doubt gone already counts as released."""
        try:
            self._ec2.release(action.allocation_id, action.border_group)
        except AddressNotFound:
            if self._memory.young(action.allocation_id):
                raise
        except AddressForeign:
            if not self._agrees(self._parts.view.get(action.allocation_id) is None):
                raise
        self._parts.view.released(action.allocation_id)

    def _learn_from(self, error: Exception, record: PodRecord) -> None:
        """What a definite no says about our picture of the world."""
        assert record.allocation_id is not None
        assert record.target is not None
        now = self._memory.clock()
        if isinstance(error, AlreadyAssociated | AddressNotFound):
            self._mine.look_after = now
        if isinstance(error, TargetNotReady):
            return  # it passes: another address would be refused as well
        if isinstance(error, InvalidTarget | InterfaceNotFound | AlreadyAssociated):
            self._parts.placements.drop(record.target.interface_id)
        elif isinstance(error, AddressNotFound):
            if not self._memory.young(record.allocation_id):
                self._memory.cool_down(self._uid, record.allocation_id)
        elif isinstance(error, Refused) and not isinstance(error, AccessDenied) and not SPECS[record.mode].allocates:
            self._memory.cool_down(self._uid, record.allocation_id)

    def _agrees(self, gone: bool) -> bool:
        """Whether "it is another account's" means done: only after a look that was taken since it was first said."""
        first, self._mine.foreign_since = self._mine.foreign_since, self._memory.clock()
        if first is not None and gone and self._parts.view.asked_at > first:
            self._mine.foreign_since = None
            return True
        self._mine.look_after = self._mine.foreign_since
        return False

    def _insist(self, association_id: AssociationId, target: Target | None) -> None:
        """ "Not found" of an association that may be seconds old is not yet "gone", unless its interface is."""
        if not self._memory.young(association_id) or target is None:
            return
        if self._parts.queue.failures(self._uid) or self._parts.placements.exists(target):
            message = f"association {association_id} is not found, but may be too new to be seen"
            raise Unavailable(message, code="InvalidAssociationID.NotFound")
