"""What a Pod shows of its address: our labels, the readiness condition, and events; each said once.

A patch that the API server has taken is not sent again, even if the cache does not show it yet, and one for a Pod
that is not there any more waits for news of the watch: otherwise a slow watch would make each look a patch.

What says "associated" is sent for one version of the Pod. While it is on its way the Pod may change, its address be cut
and another be given to it: then the late patch is refused, where it would lie until somebody looked.
"""

from collections.abc import Callable
from dataclasses import replace

from controller.core import contract
from controller.core.desire import Desire, desire, label_patch, wanted_labels
from controller.core.ports import Events, EventType, PodEvent, Pods, PodView
from controller.engine.memory import PodMemory
from state.errors import NotSent, ObjectConflict, ObjectNotFound
from state.model import Mode


class Signs:
    """The signs of one Pod, as its plan saw it and what it `asked` for; None: there is no Pod to show anything."""

    def __init__(self, *, pods: Pods, events: Events, mine: PodMemory, pod: PodView | None, asked: Desire) -> None:
        self._pods, self._events, self._mine, self._pod, self._asked = pods, events, mine, pod, asked

    def put_on(self, mode: Mode, pool: str, public_ip: str) -> None:
        """Make the Pod show this address. Raises what the port raises, but for a Pod that is not there or not that."""
        pod = self._pod
        if pod is None:
            return
        wanted, raw = wanted_labels(mode, pool, public_ip), self._pods.get(pod.uid)
        try:
            if patch := label_patch(pod, wanted):
                self._as_planned(pod, lambda at: self._patch_labels(at, patch))
                self._announce(public_ip, pool)
            if pod.gated and pod.condition != "True":
                message = f"associated with {public_ip}"
                self._as_planned(pod, lambda at: self._patch_condition(at, message, up=True))
        except ObjectNotFound:
            self._pretend(raw, wanted)

    def take_off(self) -> None:
        """Make the Pod show no address, whatever else has changed of it. Raises as `put_on` does."""
        pod = self._pod
        if pod is None:
            return
        raw, pod = self._pods.get(pod.uid), replace(pod, version="")
        try:
            if pod.condition == "True":
                self._patch_condition(pod, "no address is associated", up=False)
            if patch := label_patch(pod, {}):
                self._patch_labels(pod, patch)
        except (ObjectNotFound, ObjectConflict):
            self._pretend(raw, {})

    def tell(self, event: PodEvent) -> None:
        """Say it once in a row: saying the same again at each look would tell nothing."""
        said = (event.reason, event.message)
        if self._pod is not None and self._mine.told != said:
            self._mine.told = said
            self._events.emit(self._pod, event)

    def _as_planned(self, pod: PodView, patch: Callable[[PodView], None]) -> None:
        """Patch the Pod only while it is as it was planned for; where the cache is behind, the API server knows.

        Raises NotSent where the Pod asks for something else by now, ObjectNotFound where that is not yet seen here.
        """
        shown = self._pods.get(pod.uid)
        if shown is None or desire(shown) != self._asked:
            raise outdated()
        try:
            patch(replace(pod, version=shown.version))
        except ObjectConflict:
            self._past_the_cache(pod, patch)

    def _past_the_cache(self, pod: PodView, patch: Callable[[PodView], None]) -> None:
        found = self._pods.fetch(pod.namespace, pod.name)
        if found is None or found.uid != pod.uid or desire(found) != self._asked:
            raise ObjectNotFound("the Pod is not the one that this was planned for", code="Outdated")
        try:
            patch(replace(pod, version=found.version))
        except ObjectConflict as error:
            raise outdated() from error

    def _announce(self, public_ip: str, pool: str) -> None:
        self.tell(PodEvent(type=EventType.NORMAL, reason=contract.ASSOCIATED, message=f"associated {public_ip}"))
        if not contract.is_label_value(pool):
            why = f"{pool!r} is not a legal label value: the Pod is served, but no label names its pool"
            self.tell(PodEvent(type=EventType.WARNING, reason=contract.LABEL_OMITTED, message=why))

    def _pretend(self, raw: PodView | None, labels: dict[str, str]) -> None:
        """A Pod that is gone, or is another by now, needs nothing: the next try waits for news of the watch."""
        if raw is not None:
            condition = str(bool(labels)) if raw.gated or raw.condition == "True" else raw.condition
            self._remember(raw, replace(raw, labels=labels, condition=condition))

    def _patch_labels(self, pod: PodView, patch: dict[str, str | None]) -> None:
        raw = self._pods.get(pod.uid)
        self._pods.patch_labels(pod, patch)
        labels = {key: value for key, value in {**pod.labels, **patch}.items() if value is not None}
        self._remember(raw, replace(self._shown(pod), labels=labels))

    def _patch_condition(self, pod: PodView, message: str, *, up: bool) -> None:
        raw, reason = self._pods.get(pod.uid), "Associated" if up else "NotAssociated"
        self._pods.patch_condition(pod, status=up, reason=reason, message=message)
        self._remember(raw, replace(self._shown(pod), condition=str(up)))

    def _shown(self, pod: PodView) -> PodView:
        return self._mine.as_patched(self._pods.get(pod.uid)) or pod

    def _remember(self, raw: PodView | None, patched: PodView) -> None:
        """The watch will show the patch in a moment; until then nobody shall send it again."""
        self._mine.raw, self._mine.patched = raw, patched


def outdated() -> NotSent:
    """The Pod has changed since the plan: what it says now is to be planned for."""
    return NotSent("the Pod has changed since this was planned", code="Outdated")
