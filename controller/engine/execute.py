"""Runs plans: those of different Pods in parallel, the actions of one Pod in order, each in a span of its own.

The loop sees an `Executor` and nothing of its threads, so another may be given to it that moves plans by hand.
"""

import concurrent.futures
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from controller.core import actions as act
from controller.core.desire import Serve
from controller.core.measures import Duration
from controller.core.situation import Situation
from controller.engine.action_runner import ActionRunner
from controller.engine.lookup_queue import THREADS
from controller.engine.parts import TermParts
from controller.engine.recent_errors import RecentErrors
from controller.engine.run import PlanOutcome, Run
from controller.engine.tuning import Ports
from state.errors import PodEipError

log = logging.getLogger(__name__)

Done = Callable[[PlanOutcome], None]


class Executor(Protocol):
    """What the loop has done beside itself. `lookup_pool`: where looks run."""

    @property
    def lookup_pool(self) -> concurrent.futures.Executor:
        """Where looks run."""
        ...

    def start(self, parts: TermParts, situation: Situation, plan: act.Plan, done: Done) -> None:
        """Run this plan; returns at once. `done` is called with the outcome, from whatever thread."""
        ...

    def run_chore(self, chore: Callable[[], None]) -> Future[None]:
        """Run this beside the plans, one at a time; a failure is logged. `wait_idle` does not wait for it."""
        ...

    def compare(self, chore: Callable[[], None]) -> Future[None]:
        """Run the comparison with EC2 beside the plans and the chores: it may take long."""
        ...

    def wait_idle(self, limit_s: float) -> bool:
        """Wait until no plan runs, at most so long; whether none runs."""
        ...

    def stop(self) -> None:
        """Start nothing more; what runs ends by itself."""
        ...


class Threads:
    """The executor of the program: pools of threads."""

    def __init__(self, ports: Ports, *, threads: int) -> None:
        self._ports = ports
        self._up = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="serve")
        self._down = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="take-away")
        self._chore_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chore")
        self._compare = ThreadPoolExecutor(max_workers=2, thread_name_prefix="compare")
        self.lookup_pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="look")
        self._idle = threading.Condition()
        self._running = 0

    def start(self, parts: TermParts, situation: Situation, plan: act.Plan, done: Done) -> None:
        """Run this plan in a thread; returns at once.

        What takes away does not queue behind a burst of Pods to be served: a stranger may soon have the IP.
        """
        with self._idle:
            self._running += 1
        pool = self._up if isinstance(situation.desire, Serve) else self._down
        pool.submit(self._run, parts, situation, plan, done)

    def run_chore(self, chore: Callable[[], None]) -> Future[None]:
        """Run this beside the plans, one at a time; a failure is logged. `wait_idle` does not wait for it."""
        return self._chore_pool.submit(logged, chore, self._ports.errors, "chore")

    def compare(self, chore: Callable[[], None]) -> Future[None]:
        """Run the comparison with EC2 beside the plans and the chores: it may take long."""
        return self._compare.submit(logged, chore, self._ports.errors, "comparison with EC2")

    def wait_idle(self, limit_s: float) -> bool:
        """Wait until nothing runs, at most so long; whether nothing runs."""
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0, limit_s)

    def stop(self) -> None:
        """Start nothing more; what runs ends by itself."""
        for pool in (self._up, self._down, self._chore_pool, self._compare, self.lookup_pool):
            pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, parts: TermParts, situation: Situation, plan: act.Plan, done: Done) -> None:
        outcome = PlanOutcome(
            uid=situation.uid, epoch=parts.term.epoch, situation=situation, error=PodEipError("the plan did not end")
        )
        began, measures = self._ports.clock(), self._ports.measures
        measures.working(1)
        try:
            outcome = self._follow(parts, situation, plan)
        except Exception as error:  # the thread's top: a fault of ours in one Pod's plan must not stop the others
            log.exception("a plan failed unexpectedly", extra={"pod_uid": situation.uid})
            fault = PodEipError(f"{type(error).__name__}: {error}", code="InternalError")
            outcome = PlanOutcome(uid=situation.uid, epoch=parts.term.epoch, situation=situation, error=fault)
        finally:
            measures.working(-1)
            measures.time(Duration.WORKED, self._ports.clock() - began)
            done(outcome)
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def _follow(self, parts: TermParts, s: Situation, plan: act.Plan) -> PlanOutcome:
        run = Run(self._ports, parts, s, plan, ActionRunner(self._ports, parts, s))
        run.begin()
        while (outcome := run.step()) is None:
            pass
        return outcome


def logged(chore: Callable[[], None], errors: RecentErrors, where: str) -> None:
    """Run it; what it raises is logged and noted, and goes no further."""
    try:
        chore()
    except PodEipError as error:
        errors.note(where, error)
        log.warning("a chore failed: %s", error.explain())
    except Exception:  # the thread's top
        log.exception("a chore failed unexpectedly")
