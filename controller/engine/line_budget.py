"""How many lines a minute may be about what repeats: a thousand Pods that wait must not fill a disk."""

from dataclasses import dataclass

from controller.engine.plain import Plain

MOST = 60
MINUTE_S = 60.0


@dataclass(slots=True)
class LineBudget(Plain):
    """Used by the loop's thread alone. `left_out`: how often there was no room since the last line."""

    began: float = float("-inf")
    written: int = 0
    left_out: int = 0

    def take(self, now: float) -> int | None:
        """Room for a line: how many were left out before it. None: there is none, and it counts as left out."""
        if now - self.began >= MINUTE_S:
            self.began, self.written = now, 0
        if self.written >= MOST:
            self.left_out += 1
            return None
        self.written += 1
        before, self.left_out = self.left_out, 0
        return before
