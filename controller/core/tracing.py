"""The port to traces: the engine reports a Pod's life here, so that it need not know OpenTelemetry.

The serving of one Pod is one trace, under all leaders, and giving up its address is another, which links to the first.
A trace's id follows from the install and the Pod's UID. So a leader that dies before its first write leaves what it did
in the same trace as the next one. Each leader that finds no root in the ledger begins one, whose context, a W3C
traceparent, is kept with the first write: later leaders' spans are its children.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from controller.core.actions import Action
from controller.core.desire import Pending, Serve, Unproven
from controller.core.situation import Situation
from controller.core.views import Allocation
from state.model import AssociationId, Epoch, PodRecord

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")

Attributes = Mapping[str, str | int | bool]
Made = tuple[Allocation | None, AssociationId | None]
Note = Callable[[PodRecord | None, Made], None]
"""Tells an action's span the claim as it stands after it, and what its plan has made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose span it is: a Pod as it was observed, by the leader of this epoch, at this attempt since it last failed."""

    situation: Situation
    epoch: Epoch
    attempt: int = 1

    @property
    def serving(self) -> bool:
        """Whether it is to be served; else an address is taken away, if it has one."""
        wanted, record = self.situation.desire, self.situation.record
        if isinstance(wanted, Unproven):  # whether it is gone is only asked
            return True
        return isinstance(wanted, Serve) or (isinstance(wanted, Pending) and record is None)

    @property
    def trace_id(self) -> str:
        """The id of the trace that a root of this subject begins: 32 hexadecimal digits, the same for every leader."""
        s = self.situation
        address = (s.record.allocation_id if s.record else None) or ""
        story = "serve" if self.serving else f"give up {address}"
        return hashlib.sha256("\0".join((str(s.facts.install), s.uid, story)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A span that is over when it is made. It lasted from `began_s` seconds ago to `ended_s` ago.

    error: the class and the words of what failed; empty where nothing did.
    """

    name: str
    began_s: float
    ended_s: float = 0.0
    attributes: Attributes
    error: tuple[str, str] | None = None


class Tracing(Protocol):
    """A tracer. It never raises by itself, never waits, and lets the exceptions of the body pass."""

    @property
    def on(self) -> bool:
        """Whether anything is traced. If not, nothing needs to be remembered for a trace."""
        ...

    def begin(self, subject: Subject, known: str, *, began_s: float = 0.0, link: str = "") -> str:
        """The traceparent below which the subject's spans belong: `known`, or, where that is empty, that of a new root.

        The root began so many seconds ago, ends now, and links to the root of `link`. Empty where nothing is traced.
        """
        ...

    def action(self, subject: Subject, action: Action, parent: str) -> AbstractContextManager[Note]:
        """Around one action: a span below `parent`."""
        ...

    def within(self, parent: str) -> AbstractContextManager[None]:
        """Around what has no span of its own: the calls that it makes are below `parent`."""
        ...

    def past(self, past: Past, parent: str) -> None:
        """A span below `parent` of what is over."""
        ...

    def called(self, service: str, operation: str, seconds: float, code: str) -> None:
        """A call has ended in this thread (code "" for success): a span, if it was made within an action, or failed."""
        ...

    def shutdown(self) -> None:
        """Send what has gathered, for two seconds at most."""
        ...


def trace_id(traceparent: str) -> str:
    """The trace's id in a W3C traceparent; empty where there is none, or it is damaged."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return found[1] if found is not None else ""


def _nothing(record: PodRecord | None, made: Made) -> None:
    """Note nothing."""


_NOTHING: AbstractContextManager[Note] = nullcontext(_nothing)
_NO_SPAN: AbstractContextManager[None] = nullcontext()


class NoTracing:
    """Traces nothing, at no cost."""

    on = False

    def begin(self, subject: Subject, known: str, *, began_s: float = 0.0, link: str = "") -> str:  # noqa: ARG002
        """What is known, for the ledger keeps it."""
        return known

    def action(self, subject: Subject, action: Action, parent: str) -> AbstractContextManager[Note]:  # noqa: ARG002
        """Nothing."""
        return _NOTHING

    def within(self, parent: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nothing."""
        return _NO_SPAN

    def past(self, past: Past, parent: str) -> None:
        """Nothing."""

    def called(self, service: str, operation: str, seconds: float, code: str) -> None:
        """Nothing."""

    def shutdown(self) -> None:
        """Nothing."""
