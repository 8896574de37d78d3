"""Doing: each action of a plan, by one match, asks a port and writes down what came back. No decisions.

What a step needs from an earlier one (the claim as it stands, the new address, the association) is kept here for the
length of one plan. The calls that change EC2 are in `engine/mutations`, what the Pod shows is in `engine/pod_writer`.
An action that is not in the match fails the type check.
"""

from dataclasses import replace
from typing import Self, assert_never

from controller.core import actions as act
from controller.core import transitions
from controller.core.desire import Gone, Serve, desire
from controller.core.modes import SPECS
from controller.core.remembered import remembered_uid
from controller.core.situation import Situation
from controller.core.views import Address, Allocation
from controller.engine.confirm import confirm
from controller.engine.mutations import Mutations
from controller.engine.parts import TermParts
from controller.engine.pod_writer import PodWriter, outdated
from controller.engine.tuning import Ports
from state.errors import ConditionLost, ItemUnreadable, NotSent, PodEipError, Unavailable
from state.model import AddressRecord, AssociationId, Change, InstallRecord, Mode, Owner, PodRecord


class ActionRunner:
    """The steps of one plan for one Pod."""

    def __init__(self, ports: Ports, parts: TermParts, s: Situation) -> None:
        self._ports = ports
        self._ledger, self._pods, self._parts, self._s = ports.ledger, ports.pods, parts, s
        self._memory, self._mine = parts.memory, parts.memory.of(s.uid)
        self._ec2 = Mutations(ports.ec2, parts, s.uid)
        self._writer = PodWriter(
            pods=ports.pods, events=ports.events, mine=self._mine, pod=s.pod, asked=s.desire, clock=parts.memory.clock
        )
        self.record: PodRecord | None = s.record
        self.traceparent = s.record.traceparent if s.record else ""
        self._did: set[type[act.Action]] = set()
        self._new: Allocation | None = None
        self._association_id: AssociationId | None = None

    def copy(self, parts: TermParts) -> Self:
        """The same, to go on by itself in a twin of the term."""
        twin = type(self)(self._ports, parts, self._s)
        twin.record, twin.traceparent, twin._did = self.record, self.traceparent, set(self._did)
        twin._new, twin._association_id = self._new, self._association_id
        return twin

    @property
    def made(self) -> tuple[Allocation | None, AssociationId | None]:
        """What this plan has made."""
        return self._new, self._association_id

    def do(self, action: act.Action) -> None:
        """Do this one. Raises what the port raises."""
        self._did.add(type(action))
        match action:
            case act.Confirm():
                confirm(self._pods, self._mine, self._held(), self._s.desire)
            case act.Intend():
                self._intend(action)
            case act.Remember():
                self._remember()
            case act.Allocate(request=request):
                self._check_still_wanted()
                self._new = self._ec2.allocate(request)
            case act.Claim():
                self._claim(action)
            case act.Salvage(address=address):
                self._salvage(address)
            case act.Retarget(target=target):
                self._commit(transitions.retarget(self._held(), self._side(), target))
            case act.Associate():
                self._check_still_wanted()
                self._association_id = self._ec2.associate(self._held())
            case act.Record(association_id=found):
                self._record(found or self._association_id)
            case act.Label(mode=mode):
                self._label(mode)
            case act.Unlabel():
                self._unlabel()
            case act.Cut():
                self._ec2.cut(action, self.record.target if self.record else None)
            case act.MarkReleasing():
                self._mark_releasing()
            case act.Release():
                self._ec2.release(action)
            case act.Forget():
                self._forget()
            case act.Tell(event=event):
                self._writer.tell(event)
            case act.Wait():
                pass
            case _:
                assert_never(action)

    def _check_still_wanted(self) -> None:
        """A plan may have waited long for its turn: its Pod may be gone by now, and the IP somebody else's."""
        pod = self._pods.get(self._s.uid)
        if pod is None or desire(pod) != self._s.desire:
            raise outdated()
        self._parts.freshness.check()

    # ── the ledger ──

    def _intend(self, step: act.Intend) -> None:
        assert self._s.pod is not None
        self._commit(transitions.intend(self._s.pod, step.mode, step.pool, self.traceparent))
        self._mine.begins(self._memory.clock())
        self._mine.allocating_since, self._mine.claimed = None, True

    def _remember(self) -> None:
        held = self._held()
        self._commit(transitions.remember(held, self._ledger.pod(remembered_uid(held.uid))))
        self._mine.allocating_since = None

    def _claim(self, step: act.Claim) -> None:
        assert self._s.pod is not None
        if step.address is not None and step.before is None:
            step = replace(step, before=self._free_side(step.address))
        change = transitions.claim(step, self._s.pod, self.record, self._new, self._owner(), self.traceparent)
        try:
            self._commit(change, step.silent)
        except ItemUnreadable:
            if step.address is not None:  # another address may do
                self._memory.cool_down(self._s.uid, step.address.allocation_id)
            raise
        self._mine.allocating_since = self._mine.associating_since = None
        self._mine.claimed = True
        if step.address is not None:
            self._mine.begins(self._memory.clock())

    def _free_side(self, address: Address) -> AddressRecord | None:
        """An address that was given up before has a side without an owner."""
        side = self._ledger.address(address.allocation_id)
        return side if side is not None and side.owner is None else None

    def _salvage(self, address: Address) -> None:
        before = self._ledger.address(address.allocation_id)
        self._mine.cut_at = self._memory.clock()
        self._commit(transitions.salvage(self._held(), address, before, self._owner()))

    def _record(self, association_id: AssociationId | None) -> None:
        assert association_id is not None
        self._commit(transitions.associated(self._held(), association_id))

    def _mark_releasing(self) -> None:
        record = self._held()
        self._mine.cut_at = self._memory.clock()  # also where nothing had to be cut: a release needs a later look
        self._commit(transitions.releasing(record))

    def _forget(self) -> None:
        record = self._held()
        released = SPECS[record.mode].releases and self._parts.view.get(record.allocation_id) is None
        side = None if self._s.taken_by_others else self._side()
        self._commit(transitions.forget(record, side, released=released))

    def _commit(self, change: Change, silent: InstallRecord | None = None) -> None:
        try:
            if silent is None:
                self._ledger.commit(change)
            else:
                self._ledger.take_over(silent, change)
        except Unavailable:
            self._memory.note_unknown(change)
            raise
        except ConditionLost as lost:
            if silent is not None and isinstance(lost.current, InstallRecord):
                self._memory.note_alive(silent)
            raise
        finally:  # a lost condition tells, too, what stands in the table
            self.record = self._ledger.pod(self._s.uid)
            self._parts.claims.note(self._s.uid, self.record)

    # ── Kubernetes ──

    def _label(self, mode: Mode) -> None:
        public_ip = self._held().public_ip
        if public_ip is not None:
            self._writer.show_address(mode, public_ip)
            self._note_repair_if_nothing_else_was_done()

    def _note_repair_if_nothing_else_was_done(self) -> None:
        """Labels alone were wrong: somebody may take them off each time."""
        if self._did == {act.Label} or self._did == {act.Unlabel}:
            self._writer.note_repair()

    def _unlabel(self) -> None:
        try:
            self._writer.clear_address()
        except NotSent:
            raise
        except PodEipError:
            # The API server may refuse or fail for as long as it likes. A cut that waits for it would leave the address
            # on an IP that is a stranger's soon; where nobody is in danger the label is tried once more before.
            if self.record is None or not (self._endangered() or self._parts.queue.failures(self._s.uid)):
                raise
        if self.record is None:
            self._note_repair_if_nothing_else_was_done()

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
        return transitions.owner(self._parts.facts, self._s.uid, self._parts.term.epoch)
