"""One plan under way, action by action, and how it ended.

A plan stops at its first failure, which goes back to the loop as an outcome: the loop decides when to plan anew. Before
each action it is asked whether the term that planned it still stands.
"""

import logging
from dataclasses import dataclass, replace
from typing import Self

from controller.core import actions as act
from controller.core.situation import Situation
from controller.core.tracing import Subject
from controller.engine.action_runner import ActionRunner
from controller.engine.parts import TermParts
from controller.engine.tuning import Ports
from state.errors import NoSuchTransition, NotLeading, PodEipError, Refused, Throttled
from state.model import Epoch, PodUid

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutcome:
    """How a plan ended: what it waits for, or what failed; `did` says whether it came to do anything.

    for_token: the kind of EC2 mutation that it has no token for. allocated: EC2 has given an address.
    """

    uid: PodUid
    epoch: Epoch
    situation: Situation
    did: bool = False
    wait: act.Wait | None = None
    error: PodEipError | None = None
    failed: act.Action | None = None
    for_token: type[act.Mutation] | None = None
    plan: act.Plan = ()
    allocated: bool = False


class Run:
    """One plan under way. Used by one thread at a time."""

    def __init__(self, ports: Ports, parts: TermParts, s: Situation, plan: act.Plan, runner: ActionRunner) -> None:
        self._ports, self._parts, self.runner = ports, parts, runner
        self.so_far = PlanOutcome(uid=s.uid, epoch=parts.term.epoch, situation=s, plan=plan)
        self.at = 0
        self._subject, self._parent = Subject(situation=s, epoch=parts.term.epoch), ""

    def copy(self, parts: TermParts) -> Self:
        """The same, to go on by itself in a twin of the term."""
        twin = type(self)(self._ports, parts, self.so_far.situation, self.so_far.plan, self.runner.copy(parts))
        twin.so_far, twin.at = self.so_far, self.at
        twin._subject, twin._parent = self._subject, self._parent
        return twin

    @property
    def action(self) -> act.Action | None:
        """What comes next; None: nothing."""
        return self.so_far.plan[self.at] if self.at < len(self.so_far.plan) else None

    def begin(self) -> None:
        """Find the trace that this belongs to; the ledger keeps that of a serving."""
        self._subject, self._parent = self._parts.spans.begins(self.so_far.situation, self.so_far.plan)
        if self._subject.serving:
            self.runner.traceparent = self.runner.traceparent or self._parent

    def step(self) -> PlanOutcome | None:
        """Do the next action. How the plan ended, if it has; it is not to be asked again then."""
        action, s = self.action, self.so_far.situation
        if action is None:
            return self.so_far
        if isinstance(action, act.Wait):
            return replace(self.so_far, wait=action)
        began, held = self._ports.clock(), self.runner.record
        try:
            self._still(owed=self._owes(action))
            if not isinstance(action, act.Mutation):
                self._do(action)
            elif not self._does(action):
                return replace(self.so_far, wait=act.Wait(reason=act.WaitReason.TOKEN), for_token=type(action))
            _note(s, action, self._ports.clock() - began)
            record = self.runner.record or held
            self._parts.log.did(s, self.so_far.plan, action, record, self.runner.traceparent)
        except PodEipError as error:
            if isinstance(error, NoSuchTransition):  # a fault of ours: who reads the log is to find it
                log.exception("a plan asked for what the phases do not have", extra={"pod_uid": s.uid})
            return replace(self.so_far, error=error, failed=action)
        self._did(action)
        return None

    def _did(self, action: act.Action) -> None:
        did, gave = not isinstance(action, act.Tell), isinstance(action, act.Allocate)
        self.so_far = replace(self.so_far, did=self.so_far.did or did, allocated=self.so_far.allocated or gave)
        self.at += 1

    def _does(self, action: act.Mutation) -> bool:
        """Whether the call was made: not where EC2 has no token for it now."""
        calls = self._parts.calls
        grant = calls.admit(action, self.so_far.situation)
        if grant is None:
            return False
        answered = throttled = False
        try:
            self._do(action)
            answered = True
        except (Refused, Throttled) as error:
            answered, throttled = True, isinstance(error, Throttled)
            raise
        finally:
            calls.settle(action, grant, answered=answered, throttled=throttled)
        return True

    def _do(self, action: act.Action) -> None:
        with self._ports.tracing.action(self._subject, action, self._parent) as note:
            try:
                self.runner.do(action)
            finally:
                note(self.runner.record, self.runner.made)

    def _owes(self, action: act.Action) -> bool:
        """Whether this writes down what EC2 has just done."""
        before = self.so_far.plan[self.at - 1] if self.at else None
        return isinstance(before, act.Mutation) and isinstance(action, act.Write)

    def _still(self, *, owed: bool) -> None:
        """Nothing new starts on the way out; what EC2 did a moment ago is still written down, for the next leader."""
        leads = self._ports.leadership
        term = leads.term
        if term is None or term.epoch != self._parts.term.epoch or (leads.closing and not owed):
            raise NotLeading("the term that planned this is over")


def _note(s: Situation, action: act.Action, seconds: float) -> None:
    pod = f"{s.pod.namespace}/{s.pod.name}" if s.pod else s.uid
    log.debug("did %s", type(action).__name__, extra={"pod": pod, "ms": round(seconds * 1000)})
