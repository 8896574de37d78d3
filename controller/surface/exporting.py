"""Sending spans, and telling the operator when that fails: one line when it begins, one when it is over, and counters.

The SDK logs each batch that it loses, for ever, and counts nothing. A receiver that is down must also cost nobody but
its own thread: spans wait in a queue of fixed length, from which the oldest fall out.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any, Final, Protocol

import requests
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from controller.core.contract import legible
from controller.core.trace_settings import TraceSettings

REMIND_S: Final = 3600.0
"""While it goes on failing for one reason, it is said again so often."""
TURNS_S: Final = 60.0
"""Where reasons take turns, one of them is said so often."""
LONGEST_WORDS: Final = 300
QUIET: Final = {
    "opentelemetry.exporter.otlp.proto.http.trace_exporter": logging.CRITICAL,  # each batch, each retry
    "opentelemetry.sdk._shared_internal": logging.ERROR,  # each span that falls out of the queue
}
"""The SDK's loggers whose lines we replace, and from which level on they may still speak."""

Batch = Sequence[ReadableSpan]

log = logging.getLogger(__name__)


OUTCOMES = ("sent", "refused", "undelivered", "dropped")


class Spans(Protocol):
    """Whoever counts spans."""

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """So many spans were `sent`, `refused` (by the receiver), `undelivered` or `dropped` (the queue was full)."""
        ...


class NobodyCounts:
    """Counts nothing."""

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """Nothing."""


class TellingSession(requests.Session):
    """A session that remembers how its last request ended, because the exporter says only whether it did not."""

    def __init__(self) -> None:
        super().__init__()
        self.outcome, self.words = "undelivered", ""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, and remember the answer or the fault."""
        if isinstance(self.verify, str):  # else requests lets REQUESTS_CA_BUNDLE win over the file that was asked for
            kwargs["verify"] = self.verify
        try:
            answer = super().request(*args, **kwargs)
        except Exception as fault:
            self.outcome, self.words = "undelivered", _of_fault(fault)
            raise
        refused = 400 <= answer.status_code < 500 and answer.status_code != 429
        self.outcome = "refused" if refused else "undelivered"
        self.words = f"{answer.status_code} {explained(answer)}".strip()
        return answer


class ToldExporter(SpanExporter):
    """Passes spans on, counts what became of them, and tells the operator once."""

    def __init__(
        self,
        exporter: SpanExporter,
        name: str,
        session: TellingSession,
        counted: Spans,
        *,
        advice: Callable[[str], str] = lambda _: "",
        split: Callable[[Batch], Iterable[Batch]] = lambda batch: [batch],
    ) -> None:
        """`name`: for people and the counter. `advice`: what to do about a reason; empty where there is none.

        `split`: the requests that a batch becomes.
        """
        self._exporter, self._name, self._session = exporter, name, session
        self._counted, self._advice, self._split = counted, advice, split
        self._reason, self._told_at, self._lost = "", 0.0, 0
        self.taken = 0
        for outcome in OUTCOMES:  # Prometheus sees no increase of a series that was not there before
            counted.spans(name, outcome, 0)

    def export(self, spans: Batch) -> SpanExportResult:
        """Send one batch; called by the processor's thread alone."""
        self.taken += len(spans)
        results = {self._send(part) for part in self._split(spans)}
        return SpanExportResult.FAILURE if SpanExportResult.FAILURE in results else SpanExportResult.SUCCESS

    def _send(self, spans: Batch) -> SpanExportResult:
        result = self._exporter.export(spans)
        sent = result is SpanExportResult.SUCCESS
        self._counted.spans(self._name, "sent" if sent else self._session.outcome, len(spans))
        if sent:
            self._works()
        else:
            self._fails(self._session.words, len(spans))
        return result

    def _works(self) -> None:
        if self._reason:
            log.warning("Traces are sent again", extra=self._extra())
        self._reason, self._lost = "", 0

    def _fails(self, reason: str, count: int) -> None:
        self._lost += count
        now, kind = time.monotonic(), reason[:40]
        again_s = REMIND_S if kind == self._reason else TURNS_S
        if self._reason and now - self._told_at < again_s:
            return
        self._reason, self._told_at = kind, now
        advice = self._advice(reason)
        log.warning("Traces are not sent: %s%s", reason, f". {advice}" if advice else "", extra=self._extra())

    def _extra(self) -> dict[str, object]:
        return {"exporter": self._name, "spans_lost": self._lost}

    def shutdown(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is kept here."""
        return self._exporter.force_flush(timeout_millis)


class CountingProcessor(BatchSpanProcessor):
    """The SDK's queue and its thread; counts the spans that the queue has no room for."""

    def __init__(self, exporter: ToldExporter, name: str, settings: TraceSettings, counted: Spans) -> None:
        super().__init__(
            exporter,
            max_queue_size=settings.queue,
            schedule_delay_millis=settings.delay_ms,
            max_export_batch_size=settings.batch,
            export_timeout_millis=settings.timeout_s * 1000,
        )
        self._told, self._name, self._room, self._counted = exporter, name, settings.queue, counted
        self._ended = self._dropped = 0
        self._lock = Lock()

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span; the oldest one goes where there is no room. Never waits for the receiver."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        with self._lock:
            self._ended += 1
            full = self._ended - self._dropped - self._told.taken > self._room
            self._dropped += full
        super().on_end(span)
        if full:
            self._counted.spans(self._name, "dropped", 1)


def hush() -> None:
    """Let the SDK be silent about what is told here."""
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)


def explained(answer: requests.Response) -> str:
    """What the receiver says is wrong: AWS's JSON, or the protobuf Status that OTLP's specification asks for."""
    code = answer.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    try:
        said = answer.json()
        text = str(said.get("message") or said.get("Message") or "") if isinstance(said, dict) else ""
        code = code or (str(said.get("__type", "")).rpartition("#")[2] if isinstance(said, dict) else "")
    except ValueError:
        text = _of_protobuf(answer)
    words = " ".join(part for part in (code, text or (answer.reason or "")) if part)
    return legible(words[:LONGEST_WORDS])


def _of_protobuf(answer: requests.Response) -> str:
    if not answer.headers.get("content-type", "").startswith("application/x-protobuf"):
        return ""
    try:
        return str(Status.FromString(answer.content[:10_000]).message)
    except DecodeError:
        return ""


def _of_fault(fault: Exception) -> str:
    """The fault in words; the objects' addresses that urllib3 writes into them say nothing to anybody."""
    cause = fault.args[0] if fault.args and isinstance(fault.args[0], Exception) else fault
    return legible(f"{type(fault).__name__}: {getattr(cause, 'reason', None) or cause}"[:LONGEST_WORDS])
