"""How each Pod was observed last, and what came of it: for whoever asks why, in another thread than the loop's.

The loop replaces a Pod's note as a whole, and a note never changes. So it is read without a lock and without a wait.
"""

from collections.abc import Collection
from dataclasses import dataclass

from controller.core.actions import Action, Plan, Wait
from controller.core.requeue_rules import RequeueResult
from controller.core.situation import Situation
from state.errors import PodEipError
from state.model import PodUid


@dataclass(frozen=True, slots=True, kw_only=True)
class PodNote:
    """One plan that has ended. at: when (monotonic). plan: empty where it did not begin, or nothing was to be done.

    failed: the step that the error is of. then: when the Pod is planned anew.
    """

    situation: Situation
    plan: Plan
    did: bool
    wait: Wait | None
    error: PodEipError | None
    failed: Action | None
    then: RequeueResult
    at: float

    @property
    def rest(self) -> Plan:
        """The steps that the plan did not come to; without those before a wait, which were done."""
        if self.failed is not None and self.failed in self.plan:
            return self.plan[self.plan.index(self.failed) :]
        return ()


class PodNotes:
    """The notes of one term. Written by the loop's thread alone; read by any."""

    def __init__(self) -> None:
        self._notes: dict[PodUid, PodNote] = {}

    def note(self, uid: PodUid, note: PodNote) -> None:
        """The newest of this Pod."""
        self._notes[uid] = note

    def get(self, uid: PodUid) -> PodNote | None:
        """The newest of this Pod."""
        return self._notes.get(uid)

    def keep(self, alive: Collection[PodUid]) -> None:
        """Forget the other Pods."""
        for uid in [uid for uid in self._notes if uid not in alive]:
            del self._notes[uid]

    def __len__(self) -> int:
        return len(self._notes)
