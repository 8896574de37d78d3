"""Doing: one method for each action, which asks the port and writes down what came back. No decisions.

What a step needs from an earlier one (the claim as it stands, the new address, the association) is kept here for the
length of one plan. What a failure teaches (an outcome that is unknown, an interface that is not what we believed)
goes into the term's memory before the error goes on to the loop.
"""

from dataclasses import replace
from typing import assert_never

from controller.core import actions as act
from controller.core import transitions
from controller.core.birth import newborn
from controller.core.desire import Gone, Serve, desire
from controller.core.modes import TRAITS
from controller.core.ports import Address, Allocation, Association
from controller.core.remembered import remembered_uid
from controller.core.situation import Situation
from controller.engine.confirm import confirm
from controller.engine.signs import Signs, outdated
from controller.engine.term import TermState
from controller.engine.tuning import Ports
from state.errors import (
    AccessDenied,
    AddressForeign,
    AddressNotFound,
    AlreadyAssociated,
    AssociationNotFound,
    ConditionLost,
    InterfaceNotFound,
    InvalidTarget,
    ItemUnreadable,
    NotSent,
    PodEipError,
    Refused,
    TargetNotReady,
    Throttled,
    Unavailable,
)
from state.model import AddressRecord, AssociationId, Change, InstallRecord, Owner, PodRecord


class Steps:
    """The steps of one plan for one Pod."""

    def __init__(self, ports: Ports, state: TermState, s: Situation) -> None:
        self._ec2, self._ledger, self._pods, self._tracing = ports.ec2, ports.ledger, ports.pods, ports.tracing
        self._state, self._s = state, s
        self._memory = state.memory
        self._mine = state.memory.of(s.uid)
        self._signs = Signs(
            pods=ports.pods, events=ports.events, mine=self._mine, pod=s.pod, asked=s.desire, clock=state.memory.clock
        )
        self.record: PodRecord | None = s.record
        self.traceparent = s.record.traceparent if s.record else ""
        self._did: set[type[act.Action]] = set()
        self._new: Allocation | None = None
        self._association_id: AssociationId | None = None

    def do(self, action: act.Action) -> None:
        """Do this one. Raises what the port raises."""
        self._did.add(type(action))
        match action:
            case act.Intend() | act.Remember() | act.Claim() | act.Salvage() | act.Retarget() | act.Record():
                self._write(action)
            case act.MarkReleasing() | act.Forget():
                self._give_up(action)
            case act.Allocate() | act.Associate() | act.Cut() | act.Release():
                self._mutate(action)
            case act.Label() | act.Unlabel() | act.Confirm() | act.Tell():
                self._speak(action)
            case act.Wait():
                pass
            case _:
                assert_never(action)

    # ── the ledger ──

    def _write(self, action: act.Intend | act.Remember | act.Claim | act.Salvage | act.Retarget | act.Record) -> None:
        match action:
            case act.Intend(mode=mode, pool=pool):
                assert self._s.pod is not None
                self._commit(transitions.intend(self._s.pod, mode, pool, self.traceparent))
                self._mine.begins(self._memory.clock())
                self._mine.allocating_since, self._mine.claimed = None, True
            case act.Remember():
                held = self._held()
                self._commit(transitions.remember(held, self._ledger.pod(remembered_uid(held.uid))))
                self._mine.allocating_since = None
            case act.Claim():
                self._claim(action)
            case act.Salvage(address=address):
                before = self._ledger.address(address.allocation_id)
                self._mine.cut_at = self._memory.clock()
                self._commit(transitions.salvage(self._held(), address, before, self._owner()))
            case act.Retarget(target=target):
                self._commit(transitions.retarget(self._held(), self._side(), target))
            case act.Record(association_id=found):
                association_id = found or self._association_id
                assert association_id is not None
                self._commit(transitions.associated(self._held(), association_id))

    def _claim(self, step: act.Claim) -> None:
        assert self._s.pod is not None
        if step.address is not None and step.before is None:
            step = replace(step, before=self._free_side(step.address))
        change = transitions.claim(step, self._s.pod, self.record, self._new, self._owner(), self.traceparent)
        try:
            self._commit(change, step.silent)
        except ItemUnreadable:
            if step.address is not None:  # another address may do
                self._memory.bar(self._s.uid, step.address.allocation_id)
            raise
        self._mine.allocating_since = self._mine.associating_since = None
        self._mine.claimed = True
        if step.address is not None:
            self._mine.begins(self._memory.clock())

    def _free_side(self, address: Address) -> AddressRecord | None:
        """An address that was given up before has a side without an owner."""
        side = self._ledger.address(address.allocation_id)
        return side if side is not None and side.owner is None else None

    def _give_up(self, action: act.MarkReleasing | act.Forget) -> None:
        record = self._held()
        if isinstance(action, act.MarkReleasing):
            self._mine.cut_at = self._memory.clock()  # also where nothing had to be cut: a release needs a later look
            self._commit(transitions.releasing(record))
            return
        released = TRAITS[record.mode].releases and self._state.view.get(record.allocation_id) is None
        side = None if self._s.usurped else self._side()
        self._commit(transitions.forget(record, side, released=released))

    def _commit(self, change: Change, silent: InstallRecord | None = None) -> None:
        try:
            if silent is None:
                self._ledger.commit(change)
            else:
                self._ledger.take_over(silent, change)
        except Unavailable:
            self._memory.doubt(change)
            raise
        except ConditionLost as lost:
            if silent is not None and isinstance(lost.current, InstallRecord):
                self._memory.lives(silent)
            raise
        finally:  # a lost condition tells, too, what stands in the table
            self.record = self._ledger.pod(self._s.uid)
            self._state.claims.note(self._s.uid, self.record)

    # ── EC2 ──

    def _mutate(self, action: act.Allocate | act.Associate | act.Cut | act.Release) -> None:
        if isinstance(action, act.Allocate | act.Associate):
            self._still_wanted()
            self._state.pulse.check()
        match action:
            case act.Allocate():
                self._allocate(action)
            case act.Associate():
                self._associate()
            case act.Cut():
                self._cut(action)
            case act.Release():
                self._release(action)

    def _still_wanted(self) -> None:
        """A plan may have waited long for its turn: its Pod may be gone by now, and the IP somebody else's."""
        pod = self._pods.get(self._s.uid)
        if pod is None or desire(pod) != self._s.desire:
            raise outdated()

    def _allocate(self, action: act.Allocate) -> None:
        self._mine.allocating_since = self._memory.clock()
        try:
            self._new = self._ec2.allocate(action.request)
        except (Refused, NotSent, Throttled):
            self._mine.allocating_since = None
            raise
        self._memory.bear(self._new.allocation_id)
        self._state.view.allocated(newborn(self._new, action.request, self._state.facts))

    def _associate(self) -> None:
        record = self._held()
        assert record.allocation_id is not None
        assert record.target is not None
        doubtful_since, self._mine.associating_since = self._mine.associating_since, self._memory.clock()
        try:
            self._association_id = self._ec2.associate(record.allocation_id, record.target)
        except (Refused, NotSent, Throttled) as error:
            self._mine.associating_since = doubtful_since  # this try did nothing, but an earlier one may have
            self._learn_from(error, record)
            raise
        self._mine.associating_since = None
        self._memory.bear(self._association_id)
        made = Association(association_id=self._association_id, target=record.target)
        self._state.view.associated(record.allocation_id, made)

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
            self._state.placements.drop(record.target.interface_id)
        elif isinstance(error, AddressNotFound):
            if not self._memory.young(record.allocation_id):
                self._memory.bar(self._s.uid, record.allocation_id)
        elif isinstance(error, Refused) and not isinstance(error, AccessDenied) and not TRAITS[record.mode].allocates:
            self._memory.bar(self._s.uid, record.allocation_id)

    def _cut(self, action: act.Cut) -> None:
        try:
            self._ec2.disassociate(action.association_id)
        except InterfaceNotFound:
            pass
        except AssociationNotFound:
            self._insist(action)
        except AddressForeign:
            shown = self._state.view.get(action.allocation_id)
            there = shown.association.association_id if shown and shown.association else None
            if not self._agrees(there != action.association_id):
                raise
        self._memory.cut(action.association_id)
        self._state.view.cut(action.allocation_id, action.association_id)
        self._mine.cut_at = self._memory.clock()

    def _agrees(self, gone: bool) -> bool:
        """Whether "it is another account's" means done: only after a look that was taken since it was first said."""
        first, self._mine.foreign_since = self._mine.foreign_since, self._memory.clock()
        if first is not None and gone and self._state.view.asked_at > first:
            self._mine.foreign_since = None
            return True
        self._mine.look_after = self._mine.foreign_since
        return False

    def _insist(self, action: act.Cut) -> None:
        """ "Not found" of an association that may be seconds old is not yet "gone", unless its interface is."""
        target = self.record.target if self.record else None
        if not self._memory.young(action.association_id) or target is None:
            return
        if self._mine.failures or self._state.placements.exists(target):
            message = f"association {action.association_id} is not found, but may be too new to be seen"
            raise Unavailable(message, code="InvalidAssociationID.NotFound")

    def _release(self, action: act.Release) -> None:
        try:
            self._ec2.release(action.allocation_id, action.border_group)
        except AddressNotFound:
            if self._memory.young(action.allocation_id):
                raise
        except AddressForeign:
            if not self._agrees(self._state.view.get(action.allocation_id) is None):
                raise
        self._state.view.released(action.allocation_id)

    # ── Kubernetes ──

    def _speak(self, action: act.Label | act.Unlabel | act.Confirm | act.Tell) -> None:
        match action:
            case act.Confirm():
                confirm(self._pods, self._mine, self._held(), self._s.desire)
            case act.Tell(event=event):
                self._signs.tell(event)
            case act.Label(mode=mode):
                public_ip = self._held().public_ip
                if public_ip is not None:
                    self._signs.put_on(mode, public_ip)
                    self._mend_if_nothing_else_was_done()
            case act.Unlabel():
                self._unlabel()

    def _mend_if_nothing_else_was_done(self) -> None:
        """Labels alone were wrong: somebody may take them off each time."""
        if self._did == {act.Label} or self._did == {act.Unlabel}:
            self._signs.mend()

    def _unlabel(self) -> None:
        try:
            self._signs.take_off()
        except NotSent:
            raise
        except PodEipError:
            # The API server may refuse or fail for as long as it likes. A cut that waits for it would leave the address
            # on an IP that is a stranger's soon; where nobody is in danger the label is tried once more before.
            if self.record is None or not (self._endangered() or self._mine.failures):
                raise
        if self.record is None:
            self._mend_if_nothing_else_was_done()

    def _endangered(self) -> bool:
        """Whether the IP that the address is at may be another Pod's soon."""
        wanted, target = self._s.desire, self.record.target if self.record else None
        moved = isinstance(wanted, Serve) and target is not None and target.private_ip != wanted.ip
        return isinstance(wanted, Gone) or moved

    # ── the claim as it stands ──

    def _held(self) -> PodRecord:
        assert self.record is not None
        return self.record

    def _side(self) -> AddressRecord | None:
        allocation_id = self._held().allocation_id
        return self._ledger.address(allocation_id) if allocation_id else None

    def _owner(self) -> Owner:
        return transitions.owner(self._state.facts, self._s.uid, self._state.term.epoch)
