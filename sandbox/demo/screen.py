"""Where a person watches: a table that updates in a terminal, plain lines elsewhere.

Both tell the same story in the same words; what happened stays on the screen above the table.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from sandbox.demo import tables
from sandbox.demo.stage import Stage

TITLE = "AWS Pod EIP Controller: Elastic IPs for Pods. Five replicas, two clusters, one pool, all on this machine."
SUBTITLE = "EC2 and both Kubernetes APIs are simulated; the controllers are real processes. No AWS account is touched."
_FEWEST_ROWS = 6


class Screen:
    """Says what happens; `lines` keeps what was said."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.lines: list[tuple[float, str]] = []
        self._began = time.monotonic()
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Seconds since the begin."""
        return time.monotonic() - self._began

    def open(self) -> None:
        """Say what this is."""
        self.console.print(Text(TITLE, style="bold"))
        self.console.print(Text(SUBTITLE, style="dim"))

    def say(self, text: str) -> None:
        """One line of the story."""
        with self._lock:
            self.lines.append((self.seconds, text))
            self.console.print(told(*self.lines[-1]), soft_wrap=True)

    @contextmanager
    def watching(self, stage: Stage) -> Iterator[None]:
        """Show the world while it lives; in a terminal only."""
        if not self.console.is_terminal:
            yield
            return
        spinner = Spinner("dots")
        with Live(
            get_renderable=lambda: self._scene(stage, spinner),
            console=self.console,
            refresh_per_second=5,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield

    def _scene(self, stage: Stage, spinner: Spinner) -> RenderableType:
        picture = stage.watcher.picture
        waits = sorted(str(countdown) for countdown in stage.countdowns.copy())
        spinner.update(text=Text("; ".join(waits) or f"{self.seconds:.0f} s", style="yellow"))
        rows = max(_FEWEST_ROWS, self.console.height - 14)
        return Group(
            Text(),
            tables.clusters(picture),
            Text(),
            tables.pods(picture, stage.cast.lives(), rows),
            spinner,
        )


def told(seconds: float, text: str) -> Text:
    """A line of the story with its time; what is bad news stands out."""
    line = Text().append(f"{seconds:5.1f} s  ", style="dim")
    bad = any(word in text for word in ("KILLED", "SIGTERM", "lost", "no controller runs"))
    return line.append(text, style="bold red" if bad else "")
