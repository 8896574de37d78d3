"""The tracer behind the port: a Pod's life as OpenTelemetry spans, and which calls of libraries belong to it.

The SDK exports a span once it has ended. So a root ends as soon as it is begun, and what lasts is told when it is over.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from controller.core import spans
from controller.core.actions import Action, Tell
from controller.core.tracing import Made, Note, Past, Subject
from controller.surface import logs
from controller.surface.span_rules import ACTION, AwsHooks, Failures, Foreground, GivenIds
from state.errors import PodEipError
from state.model import PodRecord

FLUSH_TIME_S: Final = 2.0
ORDINARY: Final = frozenset({"NotFound", "AlreadyExists", "Conflict", "Expired"})
"""What the API server answers when all is well: to who asks for the first Lease, or comes second to it, or late."""

_W3C = TraceContextTextMapPropagator()
_HEADER = "traceparent"


class Tracer:
    """Makes spans of what it is told; see `controller.core.tracing.Tracing`."""

    on = True

    def __init__(self, provider: TracerProvider, *, all_calls: bool = False) -> None:
        """`provider`: where the spans go; it is this tracer's alone from now on.

        all_calls: successful calls that serve no Pod are spans, too.
        """
        self._provider, self._ids = provider, GivenIds()
        provider.id_generator = self._ids
        if not all_calls:
            provider.sampler = Foreground(provider.sampler)
        self._tracer = provider.get_tracer("controller")
        provider.add_span_processor(Failures(self._tracer))
        # Its constructor has no annotations, and gives one instance for the process.
        instrumentor: Any = BotocoreInstrumentor
        self._botocore = instrumentor()
        hooks = AwsHooks()
        self._botocore.instrument(
            tracer_provider=self._provider, request_hook=hooks.asked, response_hook=hooks.answered
        )
        logs.add_filter(TraceIds())

    def begin(self, subject: Subject, known: str, *, began_s: float = 0.0, link: str = "") -> str:
        """See the port."""
        if known:
            return known
        name, now = (spans.SERVE if subject.serving else spans.GIVE_UP), time.time_ns()
        with self._ids.given(subject.trace_id):
            root = self._tracer.start_span(
                name,
                Context(),
                attributes=spans.of_subject(subject),
                links=_links(link),
                start_time=now - _ns(began_s),
            )
        root.end(now)
        return traceparent_of(root)

    @contextmanager
    def action(self, subject: Subject, action: Action, parent: str) -> Iterator[Note]:
        """See the port. An event has no span: it is only queued, and its call is a span below the root."""
        if isinstance(action, Tell):
            with self.within(parent):
                yield _no_note
            return
        attributes = {**spans.of_subject(subject), **spans.of_action(action)}
        span = self._tracer.start_span(type(action).__name__, _context_of(parent), attributes=attributes)
        try:
            with _acting(span), _within(trace.set_span_in_context(span, Context())):
                yield _Notes(span)
        except Exception as fault:
            _mark(span, fault)
            raise
        finally:
            span.end()

    def within(self, parent: str) -> AbstractContextManager[None]:
        """See the port."""
        return _within(_context_of(parent))

    def past(self, past: Past, parent: str) -> None:
        """See the port."""
        now = time.time_ns()
        started, attributes = now - _ns(past.began_s), dict(past.attributes)
        span = self._tracer.start_span(past.name, _context_of(parent), attributes=attributes, start_time=started)
        if past.error is not None:
            _fail(span, *past.error)
        span.end(now - _ns(past.ended_s))

    def called(self, service: str, operation: str, seconds: float, code: str) -> None:
        """See the port. Calls to AWS are the instrumentation's."""
        if service != "kubernetes":
            return
        now, attributes = time.time_ns(), {"peer.service": service}
        span = self._tracer.start_span(
            operation, kind=SpanKind.CLIENT, attributes=attributes, start_time=now - _ns(seconds)
        )
        if code in ORDINARY:
            span.set_attribute("error.type", code)
        elif code:
            _fail(span, code, "")
        span.end(now)

    def shutdown(self) -> None:
        """See the port. The SDK's own limit is 30 s; here the SDK's thread is left alone after two."""
        self._botocore.uninstrument()
        thread = threading.Thread(target=self._provider.shutdown, name="telemetry-flush", daemon=True)
        thread.start()
        thread.join(FLUSH_TIME_S)


class _Notes:
    """Tells an action's span what is known after it."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def __call__(self, record: PodRecord | None, made: Made) -> None:
        self._span.set_attributes(spans.of_record(record, made))


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


@contextmanager
def _within(context: Context) -> Iterator[None]:
    token = contexts.attach(context)
    try:
        yield
    finally:
        contexts.detach(token)


@contextmanager
def _acting(span: Span) -> Iterator[None]:
    token = ACTION.set(span)
    try:
        yield
    finally:
        ACTION.reset(token)


def _context_of(traceparent: str) -> Context:
    """The remote context that a traceparent names; an empty one where it is empty or damaged."""
    return _W3C.extract({_HEADER: traceparent}, Context()) if traceparent else Context()


def _links(traceparent: str) -> list[Link]:
    found = trace.get_current_span(_context_of(traceparent)).get_span_context()
    return [Link(found)] if found.is_valid else []


def _no_note(record: PodRecord | None, made: Made) -> None:
    """An event has no span."""


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)


def _mark(span: Span, fault: Exception) -> None:
    if isinstance(fault, PodEipError):
        _fail(span, fault.code, fault.explain())
    else:
        _fail(span, type(fault).__name__, str(fault))


def _fail(span: Span, code: str, words: str) -> None:
    span.set_attribute("error.type", spans.words(code))
    span.set_status(StatusCode.ERROR, spans.words(words))
