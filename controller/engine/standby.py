"""Keeps what a standby shows up to date: the claims as the leader wrote them, read now and then, never acted on."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from state.errors import PodEipError

log = logging.getLogger(__name__)

FOLLOW_S = 60.0


class Followed(Protocol):
    """A ledger that can be read while another replica leads."""

    def follow(self) -> None:
        """Read the claims; nothing happens in a term of our own."""
        ...


class Standby:
    """A thread that reads the ledger while this replica does not lead."""

    def __init__(self, ledger: Followed, leading: Callable[[], bool], every_s: float = FOLLOW_S) -> None:
        self._ledger, self._leading, self._every_s = ledger, leading, every_s
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
                if not self._leading():
                    self._ledger.follow()
            except PodEipError as error:
                log.info("the claims could not be read: %s", error.explain())
            except Exception:  # the thread's top: showing less is better than ending
                self.failures += 1
                log.exception("following the ledger failed")
