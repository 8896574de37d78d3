"""Candidates in the situations that the election's rules are about."""

from dataclasses import replace

from controller.core import candidacy
from controller.core.candidacy import Stage, Timings, View
from controller.core.election import (
    Acquire,
    step,
)
from controller.core.lease import Lease

ME, OTHER = "host-a_1", "host-b_2"
T0 = 1000.0
THEIRS = Lease(holder=OTHER, duration_s=15, transitions=3, epoch=7, acquired="t1", renewed="t2", version="50")


def seen(lease: Lease | None, *, at: float = T0, view: View | None = None) -> View:
    """A candidate that has read this."""
    return candidacy.observe(view or View(identity=ME, timings=Timings()), lease, at)


def leading(*, at: float = T0, stage: Stage = Stage.OPEN) -> View:
    """A holder whose acquisition was sent at `at`, and acknowledged."""
    view = seen(replace(THEIRS, holder="", duration_s=1), at=at)
    decision = step(view, at, "s1")
    assert isinstance(decision, Acquire)
    view = candidacy.sending(view, decision.lease)
    view = candidacy.acknowledged(view, replace(decision.lease, version="51"), at)
    return replace(view, stage=stage, stage_since=at, progress=at)
