"""Runs calls beside the loop: looks at the APIs, and the full comparison with EC2.

The loop asks and goes on; it takes the results at its next tick. Results of a term that is over are dropped.
"""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait

from controller.core.ports import Clock
from controller.core.situation import Situation
from controller.engine.execute import Executor
from controller.engine.housekeeping import Housekeeping
from controller.engine.lookup_queue import LookupDone, LookupQueue
from controller.engine.lookups import Lookup
from controller.engine.news import News
from controller.engine.opening import OpenTerm
from controller.engine.parts import TermParts
from controller.engine.run import PlanOutcome
from controller.engine.workqueue import Workqueue
from state.model import Epoch, PodUid


class Background:
    """Used by the loop's thread; other threads only hand in results."""

    def __init__(self, executor: Executor, queue: Workqueue, clock: Clock, news: News) -> None:
        self._executor, self._queue, self._clock, self._news = executor, queue, clock, news
        self._lookups: LookupQueue | None = None
        self._comparison: Future[None] | None = None

    def begin(self, parts: TermParts) -> None:
        """A term begins."""
        self._lookups = LookupQueue(
            lookup_runner=parts.lookup_runner,
            epoch=parts.term.epoch,
            pool=self._executor.lookup_pool,
            clock=self._clock,
            done=self._hand_in,
        )

    def end(self) -> None:
        """The term is over: results that come in from now on are dropped."""
        if self._lookups is not None:
            self._lookups.close()
        self._lookups = self._comparison = None

    def ask(self, parts: TermParts, parked: Mapping[PodUid, Lookup]) -> None:
        """Look up what these Pods need, beside the loop; tokens that they hold are given back meanwhile."""
        for uid in parked:
            parts.calls.leave(uid)
        if parked and self._lookups is not None:
            self._lookups.ask(parked)

    def compare(self, house: Housekeeping, epoch: Epoch) -> None:
        """Compare all of EC2 with the ledger, unless a comparison is running already."""
        if self._comparison is None or self._comparison.done():
            self._comparison = self._executor.compare(lambda: self._compare(house, epoch))

    def take(self, opened: OpenTerm, unseen: Callable[[PodUid], Situation], busy: Collection[PodUid]) -> None:
        """Act on the results that have come in.

        A `busy` Pod has a plan on its way, so it needs no result. The memory of Pods is tidied here and not in the
        comparison's thread, because only this thread knows which Pods the loop has just met.
        """
        while self._news.looked:
            looked = self._news.looked.popleft()
            if looked.epoch == opened.state.term.epoch:
                self._take_look(looked, opened, unseen, busy)
        while self._news.compared:
            epoch, uids = self._news.compared.popleft()
            if epoch == opened.state.term.epoch:
                self._take_comparison(opened, uids)

    def drop(self) -> None:
        """This replica does not lead: drop all results."""
        self._news.looked.clear()
        self._news.compared.clear()

    def wait_idle(self, limit_s: float) -> bool:
        """Wait until nothing is looked up or compared, at most so long; whether nothing is."""
        lookups = self._lookups is None or self._lookups.wait_idle(limit_s)
        return lookups and (self._comparison is None or not wait([self._comparison], limit_s).not_done)

    def _take_look(
        self, looked: LookupDone, opened: OpenTerm, unseen: Callable[[PodUid], Situation], busy: Collection[PodUid]
    ) -> None:
        if looked.error is not None:
            for uid in looked.uids - set(busy):
                opened.state.memory.of(uid).asked.clear()
                failed = PlanOutcome(uid=uid, epoch=looked.epoch, situation=unseen(uid), error=looked.error)
                opened.requeue.take_in(failed)
            return
        self._queue.add(looked.uids)
        if looked.kind == "addresses":
            opened.requeue.looked()

    def _take_comparison(self, opened: OpenTerm, uids: list[PodUid]) -> None:
        self._queue.add(uids)
        alive = {*opened.housekeeping.everyone(), *uids}
        opened.state.memory.prune(alive)
        opened.parts.breakers.prune()
        opened.parts.notes.keep(alive)
        self._queue.forget_all(but=alive)
        opened.requeue.everyone_is_due()
        opened.requeue.looked()

    def _hand_in(self, looked: LookupDone) -> None:
        self._news.looked.append(looked)
        self._queue.poke()

    def _compare(self, house: Housekeeping, epoch: Epoch) -> None:
        self._news.compared.append((epoch, house.resync()))
        self._queue.poke()
