"""The executor of a leader in the plan's model: plans stand still until the explorer says that one takes a step.

What a step does is the product's own `Run`. What nobody outside can see is done at once: looks, telling an event, and
to end. Chores are done only when the world rests; at other times they are as if they hung, and the loop asks again.
"""

from collections.abc import Callable
from concurrent.futures import Executor as Pool
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from controller.core import actions as act
from controller.core.situation import Situation
from controller.engine.action_runner import ActionRunner
from controller.engine.parts import TermParts
from controller.engine.run import PlanOutcome, Run
from controller.engine.tuning import Ports
from state.errors import PodEipError
from state.model import PodUid


class AtOnce(Pool):
    """A pool whose thread is the caller's."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call it."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass(slots=True)
class Task:
    """A plan that is under way. `held`: its thread waits long for its turn."""

    run: Run
    held: bool = False

    @property
    def action(self) -> act.Action:
        """What comes next."""
        assert self.run.action is not None
        return self.run.action


@dataclass(slots=True)
class ByHand:
    """Implements the loop's `Executor`. `beats`, `compares`: heartbeats and comparisons are done."""

    ports: Ports
    runner: type[ActionRunner]
    accuse: Callable[[str], None]
    lookup_pool: Pool = field(default_factory=AtOnce)
    tasks: dict[PodUid, Task] = field(default_factory=dict)
    beats: bool = False
    compares: bool = False

    def copied(self, parts: TermParts) -> dict[PodUid, Task]:
        """The same tasks, for a twin of the loop, whose term has these parts."""
        return {uid: Task(task.run.copy(parts), task.held) for uid, task in self.tasks.items()}

    def step(self, uid: PodUid) -> PlanOutcome | None:
        """The next action of this Pod's plan; how it ended, if it has."""
        run = self.tasks[uid].run
        outcome = run.step() or _unseen(run)
        if outcome is not None:
            del self.tasks[uid]
        return outcome

    # ── the loop's port ──

    def start(
        self, parts: TermParts, situation: Situation, plan: act.Plan, done: Callable[[PlanOutcome], None]
    ) -> None:
        """The plan is under way. Two of one Pod at once must never be."""
        if situation.uid in self.tasks:
            self.accuse(f"{situation.uid} has two plans under way")
        run = Run(self.ports, parts, situation, plan, self.runner(self.ports, parts, situation))
        outcome = _unseen(run)
        if outcome is None:
            self.tasks[situation.uid] = Task(run)
        else:
            done(outcome)

    def run_chore(self, chore: Callable[[], None]) -> Future[None]:
        """Do it, or not."""
        return self.lookup_pool.submit(_tried, chore if self.beats else lambda: None)

    def compare(self, chore: Callable[[], None]) -> Future[None]:
        """Do it, or not."""
        return self.lookup_pool.submit(_tried, chore if self.compares else lambda: None)

    def wait_idle(self, limit_s: float) -> bool:
        """Nothing runs by itself."""
        return True

    def stop(self) -> None:
        """Nothing runs by itself."""


def _tried(chore: Callable[[], None]) -> None:
    """Do it; what a port raises goes no further, a fault of ours does."""
    with suppress(PodEipError):
        chore()


def _unseen(run: Run) -> PlanOutcome | None:
    """Past what nobody outside can see, and to the end if that is all."""
    outcome = None
    while outcome is None and isinstance(run.action, act.Tell | act.Wait | None):
        outcome = run.step()
    return outcome
