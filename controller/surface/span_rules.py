"""Rules for spans that are not the engine's: ids that are given, calls that serve no Pod, calls that serve many.

Most calls of an idle install serve no Pod: heartbeats, reads of the table, looks at EC2. Each would be the root of a
trace of its own, thousands a day. So they are spans only where they fail, or where somebody asks for all.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer, TraceState
from opentelemetry.util.types import Attributes

from controller.core import spans
from controller.core.diagnosis.rights import DRY_RUN
from state.group import GROUP

ACTION: Final[ContextVar[Span | None]] = ContextVar("action", default=None)
"""The span of the action that runs in this thread, or whose call another thread makes in a copy of its context."""
BACKGROUND: Final = "pod_eip.background"
GROUPED: Final = "TransactWriteItems"


class GivenIds(RandomIdGenerator):
    """Random ids, but for a trace whose id is given. A hash of a random UID is as evenly spread as a sampler needs."""

    def __init__(self) -> None:
        self._given: ContextVar[str] = ContextVar("given", default="")

    def generate_trace_id(self) -> int:
        """The id that is given in this thread, or a random one."""
        given = self._given.get()
        return int(given, 16) if given else super().generate_trace_id()

    @contextmanager
    def given(self, trace_id: str) -> Iterator[None]:
        """A root that is started within this has this id (32 hexadecimal digits)."""
        token = self._given.set(trace_id)
        try:
            yield
        finally:
            self._given.reset(token)


class Foreground(Sampler):
    """Leaves the choice to the sampler behind it, but for calls that serve no Pod: they are recorded, and not sampled.

    A client span without a parent serves no Pod, and what is below such a span neither.
    """

    def __init__(self, then: Sampler) -> None:
        self._then = then

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Sample what serves a Pod, and a failure that is told of; record the rest, for it may fail."""
        above: Any = trace.get_current_span(parent_context)
        known, said = getattr(above, "attributes", None) or {}, attributes or {}
        idle = kind is SpanKind.CLIENT and not above.get_span_context().is_valid
        if BACKGROUND not in said and (idle or BACKGROUND in known):
            return SamplingResult(Decision.RECORD_ONLY, {**said, BACKGROUND: True}, trace_state)
        return self._then.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """What it does, and before which sampler."""
        return f"Foreground{{{self._then.get_description()}}}"


class Failures(SpanProcessor):
    """Tells of a call that served no Pod, and failed, by a span of its own."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def on_end(self, span: ReadableSpan) -> None:
        """Repeat the span, sampled, if it failed."""
        context, attributes = span.context, dict(span.attributes or {})
        if BACKGROUND not in attributes or span.status.status_code is not StatusCode.ERROR:
            return
        if context is None or context.trace_flags.sampled or attributes.get("error.type") == DRY_RUN:
            return
        again = self._tracer.start_span(
            span.name, Context(), kind=span.kind, attributes=attributes, start_time=span.start_time
        )
        for event in span.events:
            again.add_event(event.name, event.attributes, event.timestamp)
        again.set_status(span.status)
        again.end(span.end_time)


class AwsHooks:
    """What the instrumentation of botocore asks for each call: its code, its request id, and whom it serves."""

    def asked(self, span: Span, _service: str, operation: str, _params: Mapping[str, Any]) -> None:
        """A transaction that writes for several Pods is linked with each of their actions."""
        mine, contexts = span.get_span_context(), GROUP.get()
        if operation != GROUPED or len(contexts) < 2:
            return
        for context in contexts:
            action = context.get(ACTION)
            if action is not None and span.is_recording():
                action.add_link(mine)
                span.add_link(action.get_span_context())

    def answered(self, span: Span, _service: str, _operation: str, result: Mapping[str, Any] | None) -> None:
        """The code of a refusal, and the request id on the action as well."""
        found = result or {}
        code, request_id = found.get("Error", {}).get("Code"), found.get("ResponseMetadata", {}).get("RequestId")
        if code:
            span.set_attribute("error.type", spans.words(str(code)))
            span.set_status(StatusCode.ERROR, spans.words(f"{code}: {found['Error'].get('Message', '')}"))
        action = ACTION.get()
        if request_id and action is not None:
            action.set_attribute("aws.request_id", spans.words(str(request_id)))
