"""What a Pod shows of its address: our labels, the readiness condition, and events; each is sent once.

A patch that the API server has accepted is not sent again, for the cache takes its answer. A patch for a Pod that is
not there any more waits for news of the watch. Otherwise a slow watch would make a patch of each look.

A patch that says "associated" is sent for one version of the Pod. While it is on its way, the Pod may change, and its
address may be cut and replaced. Then the API server refuses the late patch, which would show a wrong address.
"""

from collections.abc import Callable
from dataclasses import replace

from controller.core import contract
from controller.core.desire import Desire, desire, label_patch, unfit_for_label, wanted_labels
from controller.core.ports import Clock, Events, Pods
from controller.core.views import EventType, PodEvent, PodView
from controller.engine.memory import PodProgress
from state.errors import NotSent, ObjectConflict, ObjectNotFound
from state.model import Mode

TOLD_AT = 6
"""After so many repairs in a row, each of them undone, the Pod's author is told."""
Change = Callable[[PodView], PodView]


class PodWriter:
    """What one Pod shows: the Pod as its plan saw it (None: it is gone), and what it `asked` for."""

    def __init__(
        self, *, pods: Pods, events: Events, mine: PodProgress, pod: PodView | None, asked: Desire, clock: Clock
    ) -> None:
        self._pods, self._events, self._mine, self._pod, self._asked = pods, events, mine, pod, asked
        self._clock = clock

    def show_address(self, mode: Mode, public_ip: str) -> None:
        """Make the Pod show this address. Raises what the port raises, but for a Pod that is not there.

        NotSent: it asks for something else by now. ObjectConflict: it has just changed; the watch will show how.
        """
        if self._pod is None:
            return
        raw = self._pods.get(self._pod.uid)
        try:
            if self._update(self._pod, lambda at: self._label(at, wanted_labels(at, mode, public_ip))):
                self._announce(self._pod, mode, public_ip)
            self._update(self._pod, lambda at: self._ready(at, f"associated with {public_ip}"))
        except ObjectNotFound:
            self._assume_patched(raw, wanted_labels(self._pod, mode, public_ip))

    def clear_address(self) -> None:
        """Make the Pod show no address, at any version of it. Raises what the port raises, but for a gone Pod."""
        if self._pod is None:
            return
        raw = self._pods.get(self._pod.uid)
        try:
            self._cleared(self._pod)
        except (ObjectNotFound, ObjectConflict):
            self._assume_patched(raw, {})

    def _cleared(self, pod: PodView) -> None:
        if pod.condition == "True":
            why = "no address is associated"
            pod = self._pods.patch_condition(_whatever(pod), status=False, reason="NotAssociated", message=why)
        if patch := label_patch(pod, {}):
            self._pods.patch_labels(_whatever(pod), patch)

    def tell(self, event: PodEvent) -> None:
        """Emit an event, unless it is what was said last."""
        if self._pod is not None and not self._mine.has_told(event.reason, event.message, self._clock()):
            self._mine.tell(event.reason, event.message, self._clock())
            self._events.emit(self._pod, event)

    def note_repair(self) -> None:
        """Only the labels were put right; the Pod's author is told if something undoes that each time."""
        if self._mine.note_repair(self._clock()) == TOLD_AT:
            why = (
                "something else changes the labels of this controller, or its condition, each time after they are put "
                "on; they are put on again with longer and longer pauses: find out who"
            )
            self.tell(PodEvent(type=EventType.WARNING, reason=contract.CONTESTED, message=why))

    def _update(self, pod: PodView, change: Change) -> bool:
        """Patch the Pod if it still is as the plan saw it; returns whether a change was needed, as far as was known."""
        shown = self._pods.get(pod.uid)
        if shown is None or desire(shown) != self._asked:
            raise outdated()
        try:
            answer = change(shown)
        except ObjectConflict:
            answer = change(self._past_the_cache(pod))
        return answer is not shown

    def _past_the_cache(self, pod: PodView) -> PodView:
        """The Pod as the API server has it, where the cache is a moment behind. ObjectNotFound: it is gone."""
        found = self._pods.fetch(pod.namespace, pod.name)
        if found is None or found.uid != pod.uid:
            raise ObjectNotFound(f"Pod {pod.namespace}/{pod.name} is gone, or is another by now", code="NotFound")
        if desire(found) != self._asked:
            raise ObjectConflict("the Pod has changed since this was planned", code="Conflict")
        self._pods.assume(found)
        return found

    def _label(self, at: PodView, wanted: dict[str, str]) -> PodView:
        patch = label_patch(at, wanted)
        return self._pods.patch_labels(at, patch) if patch else at

    def _ready(self, at: PodView, message: str) -> PodView:
        if not at.gated or at.condition == "True":
            return at
        return self._pods.patch_condition(at, status=True, reason="Associated", message=message)

    def _announce(self, pod: PodView, mode: Mode, public_ip: str) -> None:
        told = f"Successfully associated EIP {public_ip} ({mode} mode)"
        self.tell(PodEvent(type=EventType.NORMAL, reason=contract.ASSOCIATED, message=told))
        pool = unfit_for_label(pod, mode)
        if pool is not None:
            why = f"{contract.quoted(pool)} is not a legal label value: the Pod is served, but no label names its pool"
            self.tell(PodEvent(type=EventType.WARNING, reason=contract.LABEL_OMITTED, message=why))

    def _assume_patched(self, raw: PodView | None, labels: dict[str, str]) -> None:
        """Note the patch as made: the Pod is gone, or another by now, so the next try waits for news of the watch."""
        if raw is not None:
            condition = str(bool(labels)) if raw.gated or raw.condition == "True" else raw.condition
            self._pods.assume(replace(raw, labels=labels, condition=condition))


def _whatever(pod: PodView) -> PodView:
    """The Pod, at any version of it."""
    return replace(pod, version="")


def outdated() -> NotSent:
    """The error for a Pod that has changed since its plan was made; it is planned anew."""
    return NotSent("the Pod has changed since this was planned", code="Outdated")
