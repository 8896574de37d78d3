"""Runs plans: those of different Pods in parallel, the actions of one Pod in order, each in a span of its own.

A plan stops at its first failure, which goes back to the loop as an outcome: the loop decides when to plan anew.
Before each action it is asked whether the term that planned it still stands.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from controller.core import actions as act
from controller.core.desire import Serve
from controller.core.situation import Situation
from controller.engine.looks import THREADS
from controller.engine.parts import TermParts
from controller.engine.steps import Steps
from controller.engine.tuning import Ports
from state.errors import NoSuchTransition, NotLeading, PodEipError, Refused, Throttled
from state.model import Epoch, PodUid

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
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


class Executor:
    """A pool of threads for plans. `done` is called with each outcome, from the plan's thread."""

    def __init__(self, ports: Ports, *, threads: int, done: Callable[[Outcome], None]) -> None:
        self._ports, self._done = ports, done
        self._tracing, self._leadership, self._clock = ports.tracing, ports.leadership, ports.clock
        self._up = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="serve")
        self._down = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="take-away")
        self._aside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chore")
        self._compare = ThreadPoolExecutor(max_workers=2, thread_name_prefix="compare")
        self.looks = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="look")
        self._idle = threading.Condition()
        self._running = 0

    def start(self, parts: TermParts, situation: Situation, plan: act.Plan) -> None:
        """Run this plan in a thread; returns at once.

        What takes away does not queue behind a burst of Pods to be served: a stranger may soon have the IP.
        """
        with self._idle:
            self._running += 1
        pool = self._up if isinstance(situation.desire, Serve) else self._down
        pool.submit(self._run, parts, situation, plan)

    def aside(self, chore: Callable[[], None]) -> Future[None]:
        """Run this beside the plans, one at a time; a failure is logged. `wait_idle` does not wait for it."""
        return self._aside.submit(_logged, chore)

    def compare(self, chore: Callable[[], None]) -> Future[None]:
        """Run the comparison with EC2 beside the plans and the chores: it may take long."""
        return self._compare.submit(_logged, chore)

    def wait_idle(self, limit_s: float) -> bool:
        """Wait until nothing runs, at most so long; whether nothing runs."""
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0, limit_s)

    def stop(self) -> None:
        """Start nothing more; what runs ends by itself."""
        for pool in (self._up, self._down, self._aside, self._compare, self.looks):
            pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, parts: TermParts, situation: Situation, plan: act.Plan) -> None:
        outcome = Outcome(
            uid=situation.uid, epoch=parts.term.epoch, situation=situation, error=PodEipError("the plan did not end")
        )
        try:
            outcome = self._follow(parts, situation, plan)
        except Exception as error:  # the thread's top: a fault of ours in one Pod's plan must not stop the others
            log.exception("a plan failed unexpectedly", extra={"pod_uid": situation.uid})
            fault = PodEipError(f"{type(error).__name__}: {error}", code="InternalError")
            outcome = Outcome(uid=situation.uid, epoch=parts.term.epoch, situation=situation, error=fault)
        finally:
            self._done(outcome)
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def _follow(self, parts: TermParts, s: Situation, plan: act.Plan) -> Outcome:
        steps = Steps(self._ports, parts, s)
        with self._tracing.plan(s, serving=isinstance(s.desire, Serve)) as traceparent:
            steps.traceparent = steps.traceparent or traceparent
            return self._each(parts, s, plan, steps)

    def _each(self, parts: TermParts, s: Situation, plan: act.Plan, steps: Steps) -> Outcome:
        so_far, done = Outcome(uid=s.uid, epoch=parts.term.epoch, situation=s, plan=plan), None
        for action in plan:
            if isinstance(action, act.Wait):
                return replace(so_far, wait=action)
            began = self._clock()
            try:
                self._still(parts, owed=isinstance(done, act.Mutation) and isinstance(action, act.Write))
                if not isinstance(action, act.Mutation):
                    self._do(action, steps)
                elif not self._does(parts, s, action, steps):
                    return replace(so_far, wait=act.Wait(reason=act.Reason.TOKEN), for_token=type(action))
                _note(s, action, self._clock() - began)
            except PodEipError as error:
                if isinstance(error, NoSuchTransition):  # a fault of ours: who reads the log is to find it
                    log.exception("a plan asked for what the phases do not have", extra={"pod_uid": s.uid})
                return replace(so_far, error=error, failed=action)
            did, gave = not isinstance(action, act.Tell), isinstance(action, act.Allocate)
            so_far, done = replace(so_far, did=so_far.did or did, allocated=so_far.allocated or gave), action
        return so_far

    def _does(self, parts: TermParts, s: Situation, action: act.Mutation, steps: Steps) -> bool:
        """Whether the call was made: not where EC2 has no token for it now."""
        grant = parts.calls.admit(action, s)
        if grant is None:
            return False
        answered = throttled = False
        try:
            self._do(action, steps)
            answered = True
        except (Refused, Throttled) as error:
            answered, throttled = True, isinstance(error, Throttled)
            raise
        finally:
            parts.calls.settle(action, grant, answered=answered, throttled=throttled)
        return True

    def _do(self, action: act.Action, steps: Steps) -> None:
        with self._tracing.action(type(action).__name__, steps.traceparent):
            steps.do(action)

    def _still(self, parts: TermParts, *, owed: bool) -> None:
        """Nothing new starts on the way out; what EC2 did a moment ago is still written down, for the next leader."""
        term = self._leadership.term
        if term is None or term.epoch != parts.term.epoch or (self._leadership.closing and not owed):
            raise NotLeading("the term that planned this is over")


def _note(s: Situation, action: act.Action, seconds: float) -> None:
    pod = f"{s.pod.namespace}/{s.pod.name}" if s.pod else s.uid
    log.debug("did %s", type(action).__name__, extra={"pod": pod, "ms": round(seconds * 1000)})


def _logged(chore: Callable[[], None]) -> None:
    try:
        chore()
    except PodEipError as error:
        log.warning("a chore failed: %s", error.explain())
    except Exception:  # the thread's top
        log.exception("a chore failed unexpectedly")
