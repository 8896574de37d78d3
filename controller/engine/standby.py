"""Keeps a standby up to date: it reads the claims and the other installs now and then, and changes nothing."""

import logging
import threading
from collections.abc import Callable, Sequence

from state.errors import PodEipError

log = logging.getLogger(__name__)

FOLLOW_S = 60.0


class Standby:
    """A thread that reads the ledger now and then, while this replica does not lead."""

    def __init__(
        self, looks: Sequence[Callable[[], None]], leading: Callable[[], bool], every_s: float = FOLLOW_S
    ) -> None:
        self._looks, self._leading, self._every_s = looks, leading, every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="standby", daemon=True)
        self.failures = 0

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def _run(self) -> None:
        pause = 1.0
        while not self._stopping.wait(pause):
            pause = self._every_s
            try:
                for look in () if self._leading() else self._looks:
                    look()
            except PodEipError as error:
                log.info("the ledger could not be read: %s", error.explain())
            except Exception:  # the thread's top: showing less is better than ending
                self.failures += 1
                log.exception("following the ledger failed")
