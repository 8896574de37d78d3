"""Keeps a standby up to date: it reads the claims and the other installs now and then, and changes nothing."""

import logging
import threading
from collections.abc import Callable, Sequence

from controller.core.ports import Clock
from controller.engine.recent_errors import RecentErrors
from state.errors import PodEipError

log = logging.getLogger(__name__)

FOLLOW_S = 60.0


class Standby:
    """A thread that reads the ledger now and then, while this replica does not lead. `errors` is told what fails."""

    def __init__(
        self,
        looks: Sequence[Callable[[], None]],
        leading: Callable[[], bool],
        clock: Clock,
        errors: RecentErrors,
        every_s: float = FOLLOW_S,
    ) -> None:
        self._looks, self._leading, self._every_s = looks, leading, every_s
        self._clock, self._errors = clock, errors
        self._read_at: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="standby", daemon=True)
        self.failures = 0

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def read_s(self) -> float | None:
        """Seconds since all was last read; None: never. What a term of ours read or wrote since is newer."""
        return None if self._read_at is None else self._clock() - self._read_at

    def _look(self) -> None:
        asked_at = self._clock()
        for look in self._looks:
            look()
        self._read_at = asked_at

    def _run(self) -> None:
        pause = 1.0
        while not self._stopping.wait(pause):
            pause = self._every_s
            try:
                if not self._leading():
                    self._look()
            except PodEipError as error:
                self._errors.note("read the table", error)
                log.info("the ledger could not be read: %s", error.explain())
            except Exception:  # the thread's top: showing less is better than ending
                self.failures += 1
                log.exception("following the ledger failed")
