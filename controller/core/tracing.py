"""The port to traces: the engine reports its plans and actions here, so that it need not know OpenTelemetry.

The serving of one Pod is one trace, under all leaders. Its root span ends at once. The root's context, a W3C
traceparent, is kept in the ledger, so that a later leader's spans become its children. Giving up an address is a trace
of its own that links to the first.
"""

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from controller.core.situation import Situation

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


class Tracing(Protocol):
    """A tracer. It never raises by itself, and lets the exceptions of the body pass."""

    def plan(self, situation: Situation, *, serving: bool) -> AbstractContextManager[str]:
        """Around all actions of one plan. Yields the traceparent to keep in the ledger ("" where nothing is traced):
        the one that the record has already, or that of a new root. A plan without actions leaves no span."""
        ...

    def action(self, name: str, traceparent: str) -> AbstractContextManager[None]:
        """Around one action: a span below `traceparent`, or below the plan's own where an address is given up."""
        ...

    def shutdown(self) -> None:
        """Send what has gathered, for two seconds at most."""
        ...


def trace_id(traceparent: str) -> str:
    """The trace's id in a W3C traceparent; empty where there is none, or it is damaged."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return found[1] if found is not None else ""


class NoTracing:
    """Traces nothing, at no cost."""

    def plan(self, situation: Situation, *, serving: bool) -> AbstractContextManager[str]:  # noqa: ARG002
        """Nothing."""
        return nullcontext("")

    def action(self, name: str, traceparent: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nothing."""
        return nullcontext()

    def shutdown(self) -> None:
        """Nothing."""
