"""What a replica takes of its memory limit, gunicorn's master and worker together."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self


def memory_mb(pid: int) -> float:
    """Proportional set size of the process and its children, in MiB: what they share counts once; 0 if it is gone."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(_pss_kb(each) for each in [str(pid), *children]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def _pss_kb(pid: str) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))


class Peak:
    """Looks each 20 ms while it is entered; `mb` is the most that it saw."""

    EVERY_S = 0.02

    def __init__(self, pid: int) -> None:
        self.mb = 0.0
        self._pid, self._over = pid, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(5)

    def _look(self) -> None:
        while not self._over.wait(self.EVERY_S):
            self.mb = max(self.mb, memory_mb(self._pid))
