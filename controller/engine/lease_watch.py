"""Watches the Lease, so that a released Lease is taken within milliseconds.

Nothing relies on it: where the watch fails, ends or is silent, the election reads the Lease and is only slower.
"""

import logging
import threading
from collections.abc import Callable

from controller.core.lease import Lease, LeaseStore
from controller.core.ports import Clock
from state.errors import PodEipError

log = logging.getLogger(__name__)


class LeaseWatch:
    """One thread that keeps a watch open and passes every change to `heard`."""

    def __init__(
        self,
        store: LeaseStore,
        clock: Clock,
        heard: Callable[[Lease | None], None],
        *,
        silence_s: float,
        pause_s: float,
    ) -> None:
        self.failures = 0
        self._store = store
        self._clock = clock
        self._heard = heard
        self._silence_s = silence_s
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end at the next event; a watch without events ends after its time limit."""
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            opened = self._clock()
            self._listen_once()
            self._stopping.wait(max(0.0, opened + self._pause_s - self._clock()))

    def _listen_once(self) -> None:
        try:
            for lease in self._store.watch(self._silence_s):
                if self._stopping.is_set():
                    return
                self._heard(lease)
        except PodEipError as error:
            self.failures += 1
            log.info("the watch of the Lease ended: %s", error.explain())
        except Exception:  # the thread's top: if it ended, each hand-over would take a lease duration from then on
            self.failures += 1
            log.exception("the watch of the Lease failed")
