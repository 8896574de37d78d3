"""The lines of a Pod's life, and at most one a minute about what repeats for it.

A step of a life changes an address, so it is always written: EC2's own limits bound how many there are. Waits, failures
and labels that are put right may go on for hours; they have a minute for each Pod and a budget for all.
"""

import logging

from controller.core import actions as act
from controller.core import log_lines, waiting
from controller.core.desire import Serve
from controller.core.measures import Measures
from controller.core.situation import Situation
from controller.core.views import Term
from controller.engine.line_budget import MINUTE_S
from controller.engine.memory import PodProgress, TermMemory
from state.errors import PodEipError
from state.model import Phase, PodRecord

log = logging.getLogger(__name__)


class PodLog:
    """Of one term. `did` is for the thread that has the Pod, the rest for the loop's alone."""

    def __init__(self, memory: TermMemory, term: Term, measures: Measures) -> None:
        self._memory, self._epoch, self._measures = memory, term.epoch, measures

    def sees(self, s: Situation) -> None:
        """Note since when the Pod has been to be served."""
        mine, now = self._memory.of(s.uid), self._memory.clock()
        first, mine.seen = not mine.seen, True
        if not isinstance(s.desire, Serve):
            mine.unserved_since = None
        elif mine.unserved_since is None and (_is_unserved(s) or (first and _was_never_shown(s))):
            known = s.pod.asks_since if first and s.pod is not None else None  # seen under an earlier leader
            mine.unserved_since = now if known is None else min(now, known)

    def did(self, s: Situation, plan: act.Plan, action: act.Action, record: PodRecord | None, traceparent: str) -> None:
        """This action is done. `record`: the claim as it stands, or as it was if there is none any more."""
        mine, now = self._memory.of(s.uid), self._memory.clock()
        if isinstance(action, act.Retarget) and mine.unserved_since is None:
            mine.unserved_since = now
        unserved_s = None if mine.unserved_since is None else now - mine.unserved_since
        message = log_lines.step(s, plan, action, unserved_s)
        if isinstance(action, act.Label) and message:
            self._served(s, mine, now)
        if message:
            fields = log_lines.fields(s, record, self._epoch, traceparent)
            fields = log_lines.of_cut(s, action, fields) if isinstance(action, act.Cut) else fields
            log.info("%s", message, extra=fields)

    def _served(self, s: Situation, mine: PodProgress, now: float) -> None:
        since = now if mine.unserved_since is None else mine.unserved_since
        if s.pod is not None and isinstance(s.desire, Serve):
            self._measures.served(s.desire.mode, now - max(since, mine.withheld_at), s.pod.created)
        mine.unserved_since, mine.served_at = None, now

    def waits(self, s: Situation, wait: act.Wait, mine: PodProgress) -> None:
        """The Pod has waited for long: one line for each time that it begins to."""
        if mine.logged[0] != wait.reason or mine.logged[1] < mine.waiting_since:
            self._repeats(s, wait.reason, f"waits: {waiting.words(wait)}", mine)

    def failed(self, s: Situation, failed: act.Action | None, error: PodEipError, mine: PodProgress) -> None:
        """The Pod's plan has failed, perhaps once more."""
        self._repeats(s, "failed", log_lines.failure(failed, error), mine)

    def put_right(self, s: Situation, mine: PodProgress) -> None:
        """Nothing but the Pod's labels was wrong; not where the line that it is served has just told of them."""
        if self._memory.clock() - mine.served_at >= MINUTE_S:
            self._repeats(s, "labelled", "labelled: its labels were put right", mine)

    def _repeats(self, s: Situation, what: str, message: str, mine: PodProgress) -> None:
        now = self._memory.clock()
        if now - mine.logged[1] < MINUTE_S:
            return
        left_out = self._memory.lines.take(now)
        if left_out is None:
            return
        mine.logged = (what, now)
        more: log_lines.Fields = {"left_out": left_out} if left_out else {}
        traceparent = mine.traceparent(s.record)
        log.info("%s", message, extra={**log_lines.fields(s, s.record, self._epoch, traceparent), **more})


def _is_unserved(s: Situation) -> bool:
    return s.record is None or s.record.phase in (Phase.INTENT, Phase.CLAIMED)


def _was_never_shown(s: Situation) -> bool:
    """Whether it is associated and nothing of ours is on the Pod: an earlier leader ended between the two."""
    associated = s.record is not None and s.record.phase is Phase.ASSOCIATED
    return associated and s.pod is not None and not s.pod.labels and s.pod.condition != "True"
