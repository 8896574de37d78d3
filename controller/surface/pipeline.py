"""The way of the spans: a sampler, and for each exporter a queue, a thread and a connection of its own."""

import logging
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider, sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

from controller.core.trace_settings import Target, TraceSettings
from controller.surface import exporting, xray
from controller.surface.exporting import CountingProcessor, NobodyCounts, Spans, TellingSession, ToldExporter
from state.credentials import CredentialKeeper

log = logging.getLogger(__name__)


def provider(
    settings: TraceSettings,
    attributes: Mapping[str, str],
    *,
    region: str,
    keeper: CredentialKeeper | None,
    counted: Spans | None,
) -> TracerProvider:
    """A provider that samples and exports as the settings say; its threads run. Raises Misconfigured."""
    exporting.hush()
    # The variables' attributes of the resource win over ours.
    resource = Resource.create(dict(attributes)).merge(OTELResourceDetector().detect())
    found = TracerProvider(resource=resource, sampler=sampler(settings), shutdown_on_exit=False)
    for target in settings.targets:
        found.add_span_processor(_processor(target, settings, region, keeper, counted or NobodyCounts()))
    return found


def sampler(settings: TraceSettings) -> sampling.Sampler:
    """The sampler of OTEL_TRACES_SAMPLER."""
    match settings.sampler:
        case "always_on":
            return sampling.ALWAYS_ON
        case "always_off":
            return sampling.ALWAYS_OFF
        case "traceidratio":
            return sampling.TraceIdRatioBased(settings.ratio)
        case "parentbased_always_off":
            return sampling.DEFAULT_OFF
        case "parentbased_traceidratio":
            return sampling.ParentBasedTraceIdRatio(settings.ratio)
        case _:
            return sampling.DEFAULT_ON


def _processor(
    target: Target, settings: TraceSettings, region: str, keeper: CredentialKeeper | None, counted: Spans
) -> SpanProcessor:
    if target.kind == "console":
        return BatchSpanProcessor(ConsoleSpanExporter(), settings.queue, settings.delay_ms, settings.batch)
    if target.kind == "xray":
        told = _to_xray(target, settings, region, keeper or CredentialKeeper(), counted)
    else:
        session = TellingSession()
        exporter = OTLPSpanExporter(endpoint=target.endpoint or None, timeout=settings.timeout_s, session=session)
        told = ToldExporter(exporter, target.kind, session, counted)
    return CountingProcessor(told, target.kind, settings, counted)


def _to_xray(
    target: Target, settings: TraceSettings, region: str, keeper: CredentialKeeper, counted: Spans
) -> ToldExporter:
    endpoint = target.endpoint or xray.endpoint_of(region, keeper)
    session = xray.SignedSession(keeper, target.region or region)
    log.info("Traces go to X-Ray", extra={"endpoint": endpoint})
    exporter = OTLPSpanExporter(
        endpoint=endpoint,
        certificate_file=xray.authorities(),
        timeout=settings.timeout_s,
        compression=Compression.Gzip,
        session=session,
        max_request_size=xray.MAX_BYTES,
    )
    session.cert = None  # that of OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is for another receiver
    return ToldExporter(exporter, target.kind, session, counted, advice=xray.advice, split=xray.split)
