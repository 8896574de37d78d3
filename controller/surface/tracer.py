"""The tracer behind the port: plans and actions as OpenTelemetry spans.

A span that is never ended is not exported. A plan starts its root span, whose context goes into the ledger with the
first write, but ends it only when there is an action. So Pods that only wait leave no spans.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, Span, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from controller.core.contract import legible
from controller.core.situation import Situation
from controller.surface import logs
from state.errors import PodEipError

FLUSH_TIME_S: Final = 2.0
SILENT: Final = frozenset({"Tell"})
"""Actions without a span: an event is only queued, and the plans of a waiting Pod emit it again and again."""

_W3C = TraceContextTextMapPropagator()
_HEADER = "traceparent"


@dataclass(slots=True, kw_only=True)
class _Plan:
    """The plan that runs in this thread: what its spans say of the Pod, and its own span, if it has one."""

    attributes: Mapping[str, str]
    span: Span | None = None
    holds: bool = False
    used: bool = False


class Tracer:
    """Exports spans by OTLP from a thread of its own; see `controller.core.tracing.Tracing`."""

    def __init__(self, provider: TracerProvider) -> None:
        """`provider`: where the spans go; it is this tracer's alone from now on."""
        self._provider = provider
        self._tracer = self._provider.get_tracer("controller")
        self._plan: ContextVar[_Plan | None] = ContextVar("plan", default=None)
        # Its constructor has no annotations, and gives one instance for the process.
        instrumentor: Any = BotocoreInstrumentor
        self._botocore = instrumentor()
        self._botocore.instrument(tracer_provider=self._provider)
        logs.add_filter(TraceIds())

    @contextmanager
    def plan(self, situation: Situation, *, serving: bool) -> Iterator[str]:
        """See the port."""
        known = situation.record.traceparent if situation.record else ""
        plan = _Plan(attributes=_attributes(situation), holds=not serving)
        if not serving or not known:
            name = "serve Pod" if serving else "give up address"
            links = [] if serving else _links(known)
            plan.span = self._tracer.start_span(name, Context(), attributes=plan.attributes, links=links)
        token = self._plan.set(plan)
        try:
            yield known if plan.span is None else known or traceparent_of(plan.span)
        finally:
            self._plan.reset(token)
            if plan.span is not None and plan.holds and plan.used:
                plan.span.end()

    @contextmanager
    def action(self, name: str, traceparent: str) -> Iterator[None]:
        """See the port."""
        if name in SILENT:
            yield
            return
        plan = self._plan.get()
        with self._tracer.start_as_current_span(
            name,
            _below(plan, traceparent),
            attributes=plan.attributes if plan else None,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Exception as fault:
                _mark(span, fault)
                raise

    def shutdown(self) -> None:
        """See the port. The SDK's own limit is 30 s; here the SDK's thread is left alone after two."""
        self._botocore.uninstrument()
        thread = threading.Thread(target=self._provider.shutdown, name="telemetry-flush", daemon=True)
        thread.start()
        thread.join(FLUSH_TIME_S)


class TraceIds(logging.Filter):
    """Adds trace_id and span_id to what is logged within a span."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the ids; no record is dropped."""
        found = trace.get_current_span().get_span_context()
        if found.is_valid:
            record.trace_id = trace.format_trace_id(found.trace_id)
            record.span_id = trace.format_span_id(found.span_id)
        return True


def traceparent_of(span: Span) -> str:
    """The span's context as W3C Trace Context writes it."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier.get(_HEADER, "")


def _context_of(traceparent: str) -> Context:
    """The remote context that a traceparent names; an empty one where it is empty or damaged."""
    return _W3C.extract({_HEADER: traceparent}, Context()) if traceparent else Context()


def _links(traceparent: str) -> list[Link]:
    found = trace.get_current_span(_context_of(traceparent)).get_span_context()
    return [Link(found)] if found.is_valid else []


def _below(plan: _Plan | None, traceparent: str) -> Context:
    """The context for an action's span. The plan's first action ends the plan's own span, so that it is exported."""
    if plan is None or plan.span is None:
        return _context_of(traceparent)
    if not plan.used and not plan.holds:
        plan.span.end()
    plan.used = True
    return trace.set_span_in_context(plan.span, Context())


def _attributes(situation: Situation) -> dict[str, str]:
    """Which Pod, and which address if there is one, in OpenTelemetry's words for Kubernetes."""
    who = situation.pod or situation.record
    found = {"k8s.pod.uid": str(situation.uid)}
    if who is not None:
        found |= {"k8s.namespace.name": who.namespace, "k8s.pod.name": who.name}
    if situation.record is not None and situation.record.allocation_id:
        found["aws.ec2.allocation_id"] = situation.record.allocation_id
    return found


def _mark(span: Span, fault: Exception) -> None:
    code, words = (
        (fault.code, fault.explain()) if isinstance(fault, PodEipError) else (type(fault).__name__, str(fault))
    )
    span.set_attribute("error.type", legible(code))
    span.set_status(StatusCode.ERROR, legible(words))
