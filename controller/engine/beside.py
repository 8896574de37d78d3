"""Runs calls beside the loop: looks at the APIs, and the full comparison with EC2.

The loop asks and goes on; it takes the results at its next turn. Results of a term that is over are dropped.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait

from controller.core.ports import Clock
from controller.core.situation import Situation
from controller.engine.execute import Executor, Outcome
from controller.engine.housekeeping import Housekeeping
from controller.engine.looks import Looked, Looks
from controller.engine.needs import Need
from controller.engine.outcomes import Aftermath
from controller.engine.parts import TermParts
from controller.engine.workqueue import Workqueue
from state.model import Epoch, PodUid


class Beside:
    """Used by the loop's thread; other threads only hand in results."""

    def __init__(self, executor: Executor, queue: Workqueue, clock: Clock) -> None:
        self._executor, self._queue, self._clock = executor, queue, clock
        self._looked: deque[Looked] = deque()
        self._compared: deque[tuple[Epoch, Housekeeping, list[PodUid]]] = deque()
        self._looks: Looks | None = None
        self._comparison: Future[None] | None = None

    def begin(self, parts: TermParts) -> None:
        """A term begins."""
        self._looks = Looks(
            looker=parts.looker,
            epoch=parts.term.epoch,
            pool=self._executor.looks,
            clock=self._clock,
            done=self._hand_in,
        )

    def end(self) -> None:
        """The term is over: results that come in from now on are dropped."""
        if self._looks is not None:
            self._looks.close()
        self._looks = self._comparison = None

    def ask(self, parts: TermParts, parked: Mapping[PodUid, Need]) -> None:
        """Have looked up what these Pods need; the tokens that they may have are for others meanwhile."""
        for uid in parked:
            parts.calls.leave(uid)
        if parked and self._looks is not None:
            self._looks.ask(parked)

    def compare(self, house: Housekeeping, epoch: Epoch) -> None:
        """Compare all of EC2 with the ledger, unless a comparison is running already."""
        if self._comparison is None or self._comparison.done():
            self._comparison = self._executor.compare(lambda: self._compare(house, epoch))

    @property
    def has_news(self) -> bool:
        """Whether any result has come in."""
        return bool(self._looked or self._compared)

    def take(
        self, parts: TermParts, after: Aftermath, unseen: Callable[[PodUid], Situation], busy: Collection[PodUid]
    ) -> None:
        """Act on the results that have come in.

        A `busy` Pod has a plan on its way, so it needs no result. The memory of Pods is tidied here and not in the
        comparison's thread, because only this thread knows which Pods the loop has just met.
        """
        while self._looked:
            looked = self._looked.popleft()
            if looked.epoch == parts.term.epoch:
                self._take_look(looked, parts, after, unseen, busy)
        while self._compared:
            epoch, house, uids = self._compared.popleft()
            if epoch == parts.term.epoch:
                self._queue.add(uids)
                alive = {*house.everyone(), *uids}
                parts.memory.tidy(alive)
                self._queue.forget_all(but=alive)
                after.everyone_is_due()
                after.looked()

    def drop(self) -> None:
        """This replica does not lead: drop all results."""
        self._looked.clear()
        self._compared.clear()

    def wait_idle(self, limit_s: float) -> bool:
        """Wait until nothing is looked up or compared, at most so long; whether nothing is."""
        looks = self._looks is None or self._looks.wait_idle(limit_s)
        return looks and (self._comparison is None or not wait([self._comparison], limit_s).not_done)

    def _take_look(
        self,
        looked: Looked,
        parts: TermParts,
        after: Aftermath,
        unseen: Callable[[PodUid], Situation],
        busy: Collection[PodUid],
    ) -> None:
        if looked.error is not None:
            for uid in looked.uids - set(busy):
                parts.memory.of(uid).asked.clear()
                after.take_in(Outcome(uid=uid, epoch=looked.epoch, situation=unseen(uid), error=looked.error))
            return
        self._queue.add(looked.uids)
        if looked.kind == "addresses":
            after.looked()

    def _hand_in(self, looked: Looked) -> None:
        self._looked.append(looked)
        self._queue.poke()

    def _compare(self, house: Housekeeping, epoch: Epoch) -> None:
        self._compared.append((epoch, house, house.resync()))
        self._queue.poke()
