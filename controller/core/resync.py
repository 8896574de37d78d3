"""The resync period, parsed from values that may have been written for the Go controller.

The Go controller accepts any number, only replays a cache at that period, and has 0 as its chart's default. Here a
short period costs calls, and a long one leaves a fault in place for as long. No value is refused, because it must not
keep the controller from starting: an unusable value is replaced, and a warning says so.
"""

from typing import Final

from controller.core import values

DEFAULT_S: Final = 300.0
LEAST_S: Final = 30.0
MOST_S: Final = 3600.0


def period(raw: str, *, least_s: float = LEAST_S) -> tuple[float, str | None]:
    """The seconds that `raw` asks for, from `least_s` to MOST_S, and what was wrong with it in words, or None.

    A zero is the Go controller's "not set": the default, and nothing wrong.
    """
    asked = _number(raw)
    if asked is None:
        return DEFAULT_S, f"is not a number of seconds; {DEFAULT_S:g} s are used"
    if asked < 0:
        return DEFAULT_S, f"is negative; {DEFAULT_S:g} s are used"
    if asked == 0:
        return DEFAULT_S, None
    if asked < least_s:
        return least_s, f"is too often; {least_s:g} s are used"
    if asked > MOST_S:
        return MOST_S, f"is too seldom; {MOST_S:g} s are used"
    return asked, None


def _number(raw: str) -> float | None:
    """Seconds, with a sign or without; None where it is no number and no duration."""
    sign = -1.0 if raw.startswith("-") else 1.0
    found = values.duration(raw[1:] if raw[:1] in ("-", "+") else raw)
    return None if found is None else sign * found
