"""The spans of a Pod's life beside its actions: when it was seen, how long it was queued, why it waited or failed.

A wait is one span, however often the Pod is looked at meanwhile. A long one is told in pieces, because a span that has
not ended is seen by nobody, and a leader may die. So a Pod that waits leaves a span each ten minutes.
"""

from contextlib import AbstractContextManager
from typing import NamedTuple

from controller.core import actions as act
from controller.core import spans, waiting
from controller.core.actions import WaitReason
from controller.core.situation import Situation
from controller.core.tracing import Past, Subject, Tracing
from controller.core.views import Term
from controller.engine.memory import TermMemory
from controller.engine.sightings import Sightings
from controller.engine.story import Pause, Story
from controller.engine.workqueue import Workqueue
from state.errors import PodEipError
from state.model import PodUid

PIECE_S = 600.0
FREE = 20
"""After so many waits in one term, reasons that take turns within a piece are one wait."""


class Cause(NamedTuple):
    """Why a plan did not come to its end. error: its code and words."""

    name: str
    reason: str
    detail: str
    error: tuple[str, str] | None = None


class PodSpans:
    """Of one term. `begins` is for the thread that has the Pod, the rest for the loop's alone. Does no I/O."""

    def __init__(
        self,
        *,
        tracing: Tracing,
        memory: TermMemory,
        queue: Workqueue,
        term: Term,
        sightings: Sightings,
        free: int = FREE,
    ) -> None:
        self._tracing, self._memory, self._queue, self._epoch = tracing, memory, queue, term.epoch
        self._sightings, self._free = sightings, free

    def begins(self, s: Situation, plan: act.Plan) -> tuple[Subject, str]:
        """A plan begins: whose its spans are, and below which traceparent they belong."""
        subject = self._subject(s)
        if not self._tracing.on:
            return subject, self._tracing.begin(subject, _kept(s))
        if not (subject.serving or _acts(plan)):
            return subject, ""
        parent = self._parent(subject)
        if _acts(plan):
            self._queued(subject, parent)
        return subject, parent

    def takes_in(self, s: Situation, error: PodEipError | None, wait: act.Wait | None) -> None:
        """The Pod's plan has ended: it failed so, or waits for that, or is done."""
        if not self._tracing.on:
            return
        story, now = self._story(s.uid), self._memory.clock()
        due, cause = self._sightings.due.pop(s.uid, now), _cause(error, wait)
        pause = story.pause
        if pause is not None and cause is not None and self._goes_on(story, pause, cause, now):
            return
        if pause is not None:
            self._tell(pause, due)
            story.pauses += 1
        story.pause = self._pause(s, cause, now) if cause is not None else None

    def within(self, uid: PodUid) -> AbstractContextManager[None]:
        """Around what is said to the Pod's author from the loop."""
        mine = self._memory.pods.get(uid)
        story = mine.story if mine is not None else None
        return self._tracing.within(story.pause.parent if story is not None and story.pause is not None else "")

    def end(self) -> None:
        """The term is over: tell how far each wait has come."""
        for mine in list(self._memory.pods.values()):
            if mine.story is not None and mine.story.pause is not None:
                self._tell(mine.story.pause, self._memory.clock(), goes_on=True)
                mine.story.pause = None
        self._sightings.due.clear()

    def _subject(self, s: Situation) -> Subject:
        return Subject(situation=s, epoch=self._epoch, attempt=self._queue.failures(s.uid) + 1)

    def _story(self, uid: PodUid) -> Story:
        mine = self._memory.of(uid)
        mine.story = mine.story or Story()
        return mine.story

    # ── roots ──

    def _parent(self, subject: Subject) -> str:
        """The traceparent of the subject's root, which is begun where there is none."""
        s, story = subject.situation, self._story(subject.situation.uid)
        kept = _kept(s)
        if not subject.serving:
            if not story.giving_up:
                story.giving_up = self._tracing.begin(subject, "", link=kept or story.serving)
            return story.giving_up
        story.giving_up = ""
        if not (kept or story.serving):
            story.serving = self._tracing.begin(subject, "", began_s=self._ago(self._seen(s)[0]))
        if not (kept or story.seen) and s.pod is not None and s.pod.ip:
            self._told_seen(subject, story)
        return kept or story.serving

    def _told_seen(self, subject: Subject, story: Story) -> None:
        at, with_ip = self._seen(subject.situation)
        story.seen = True
        past = Past(
            name=spans.SEEN,
            began_s=self._ago(at),
            ended_s=self._ago(at if with_ip is None else with_ip),
            attributes=spans.of_subject(subject),
        )
        self._tracing.past(past, story.serving)

    def _seen(self, s: Situation) -> tuple[float, float | None]:
        now = self._memory.clock()
        return self._sightings.seen.get(s.uid, (now, now))

    def _ago(self, at: float) -> float:
        return max(self._memory.clock() - at, 0.0)

    # ── waits ──

    def _queued(self, subject: Subject, parent: str) -> None:
        due = self._sightings.due.get(subject.situation.uid)
        if due is not None:
            attributes = spans.of_subject(subject)
            self._tracing.past(Past(name=spans.QUEUED, began_s=self._ago(due), attributes=attributes), parent)

    def _pause(self, s: Situation, cause: Cause, now: float) -> Pause | None:
        subject = self._subject(s)
        if not subject.serving and s.record is None:  # nothing is asked, and nothing held
            return None
        return Pause(
            name=cause.name,
            reason=cause.reason,
            detail=cause.detail,
            error=cause.error,
            told=now,
            parent=self._parent(subject),
            attributes=spans.of_subject(subject),
        )

    def _goes_on(self, story: Story, pause: Pause, cause: Cause, now: float) -> bool:
        """Whether this is still the same wait; a piece of it is told if it is long enough."""
        long = now - pause.told >= PIECE_S
        if pause.name != cause.name:
            if story.pauses < self._free or long:
                return False
            pause.also.add(cause.reason)
        else:
            pause.detail, pause.error = cause.detail, cause.error
        pause.looks += 1
        if long:
            self._tell(pause, now, goes_on=True)
            pause.told, pause.looks = now, 0
        return True

    def _tell(self, pause: Pause, ended: float, *, goes_on: bool = False) -> None:
        if pause.reason == WaitReason.NO_IP and not goes_on:
            return  # the span of its being seen tells that
        attributes = {
            **pause.attributes,
            "pod_eip.wait.reason": pause.reason,
            "pod_eip.wait.detail": spans.words(pause.detail),
            "pod_eip.wait.looks": pause.looks,
            "pod_eip.wait.goes_on": goes_on,
        }
        if pause.also:
            attributes["pod_eip.wait.also"] = ", ".join(sorted(pause.also))
        began_s, ended_s = self._ago(pause.told), self._ago(max(ended, pause.told))
        past = Past(name=pause.name, began_s=began_s, ended_s=ended_s, attributes=attributes, error=pause.error)
        self._tracing.past(past, pause.parent)


def _kept(s: Situation) -> str:
    return s.record.traceparent if s.record else ""


def _acts(plan: act.Plan) -> bool:
    return any(not isinstance(step, act.Tell | act.Wait) for step in plan)


def _cause(error: PodEipError | None, wait: act.Wait | None) -> Cause | None:
    if error is not None:
        kind, told = type(error).__name__, error.explain()
        return Cause(f"{spans.RETRIES}{kind}", kind, told, (error.code, told))
    if wait is not None:
        return Cause(f"{spans.WAITS}{wait.reason}", wait.reason, waiting.words(wait))
    return None
