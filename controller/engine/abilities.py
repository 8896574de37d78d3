"""Asks whether this replica may do what it must, seldom, and says so where it may not.

At the start; then after 2, 4, 8 … seconds, at most every half minute, while something is refused, for rights may be
granted a moment after the Pod; else every ten minutes, since each question costs a call. What the controller learns by
itself (whether a term can begin) it tells here, too.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from controller.core.ability import Ability
from controller.core.ports import Clock
from controller.engine.recent_errors import RecentErrors
from state.errors import PodEipError

log = logging.getLogger(__name__)

FIRST_S = 2.0
AGAIN_S = 30.0
SELDOM_S = 600.0
PATIENCE_S = 10.0
"""So long a replica waits for the first answers before it is ready: an API that hangs proves nothing."""

Check = Callable[[], None]
"""Asks one thing. Raises what the port raises; AccessDenied, TableMissing or TableNotUsable: it is refused."""


class Teller(Protocol):
    """Tells people what is refused (empty: nothing). `for_all`: what the Pods that wait are told; empty: nothing."""

    def __call__(self, trouble: str, *, for_all: str) -> None:
        """Called after each round."""
        ...


class Abilities:
    """A thread that runs the checks, and has people told after each round.

    told_by_pods: checks of which each Pod that they concern is told by itself, and no other Pod.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        errors: RecentErrors,
        tell: Teller,
        again_s: float = AGAIN_S,
        seldom_s: float = SELDOM_S,
        clock: Clock = time.monotonic,
        told_by_pods: Collection[str] = (),
    ) -> None:
        self._told_by_pods = told_by_pods
        self._checks, self._errors, self._tell = checks, errors, tell
        self._again_s, self._seldom_s, self._clock = again_s, seldom_s, clock
        self._patient_until = float("inf")
        self._lock = threading.Lock()
        self._ability = Ability()
        self._asked = False
        self._speaks: Callable[[], bool] = lambda: False
        self._epoch: Callable[[], int] = lambda: 0
        self._learnt: dict[str, int] = {}
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="abilities", daemon=True)
        self.failures = 0

    def start(self, speaks: Callable[[], bool], epoch: Callable[[], int] = lambda: 0) -> None:
        """Begin to ask. `speaks`: whether this replica, and no other, tells the Pods that wait.

        `epoch`: that of the Lease. Once it has grown, somebody could write, with the same role: what this replica had
        learnt by trying is forgotten, for it may not get another try.
        """
        self._speaks, self._epoch = speaks, epoch
        self._patient_until = self._clock() + PATIENCE_S
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._wake.set()

    def ask_again(self) -> None:
        """Begin the next round at once: something has changed that it may depend on."""
        self._wake.set()

    def trouble(self) -> str:
        """Why this replica is not able, in words; empty: it is, or nobody has denied it."""
        asked = self._asked or self._clock() >= self._patient_until
        return self._ability.trouble if asked or self._ability.trouble else "it is still asking what it may do"

    def heard(self, check: str, error: PodEipError | None) -> None:
        """What was learnt by doing: this passed (None), or failed with this."""
        with self._lock:
            self._learnt[check] = self._epoch()
            before, self._ability = self._ability, self._ability.heard(check, error)
        if self._ability.trouble != before.trouble:
            self._wake.set()

    def _run(self) -> None:
        soon = FIRST_S
        while not self._stopping.is_set():
            self._round()
            doubtful = self._ability.doubtful
            changed = self._wake.wait(min(soon, self._again_s) if doubtful else self._seldom_s)
            self._wake.clear()
            soon = min(2 * soon, self._again_s) if doubtful and not changed else FIRST_S

    def _round(self) -> None:
        try:
            self._forget_what_is_over()
            for name, check in self._checks.items():
                self._ask(name, check)
            self._asked = True
            for_all = self._ability.trouble_but(self._told_by_pods) if self._speaks() else ""
            self._tell(self._ability.trouble, for_all=for_all)
        except Exception:  # the thread's top: what cannot be asked makes nobody red
            self.failures += 1
            self._asked = True
            log.exception("asking what this replica may do failed")

    def _forget_what_is_over(self) -> None:
        with self._lock:
            over = [check for check, epoch in self._learnt.items() if self._epoch() > epoch]
            for check in over:
                del self._learnt[check]
                self._ability = self._ability.heard(check, None)

    def _ask(self, name: str, check: Check) -> None:
        error: PodEipError | None = None
        try:
            check()
        except PodEipError as fault:
            error = fault
            self._errors.note(name, fault)
        with self._lock:
            self._ability = self._ability.heard(name, error)
