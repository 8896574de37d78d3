"""Stretches of time as pairs of begin and end: what is common to two, and what is left of one without others.

A judge asks how long something stood that should not have; the answer is the longest stretch that no excuse covers.
"""

from collections.abc import Iterable
from math import inf

Stretch = tuple[float, float]


def common(one: Stretch, other: Stretch) -> Stretch | None:
    """What both cover; None if nothing."""
    begin, end = max(one[0], other[0]), min(one[1], other[1])
    return (begin, end) if begin < end else None


def without(whole: Stretch, excuses: Iterable[Stretch]) -> list[Stretch]:
    """What is left of `whole`, in order."""
    left, at = [], whole[0]
    for begin, end in sorted(excuses):
        if begin > at:
            left.append((at, min(begin, whole[1])))
        at = max(at, end)
        if at >= whole[1]:
            return [piece for piece in left if piece[0] < piece[1]]
    return [*left, (at, whole[1])]


def longest(pieces: Iterable[Stretch]) -> float:
    """Seconds of the longest one; 0 if there is none."""
    return max((end - begin for begin, end in pieces), default=0.0)


def until(end: float | None) -> float:
    """An open end is for ever."""
    return inf if end is None else end
