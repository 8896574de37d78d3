"""Traces by OpenTelemetry, set up by the standard OTEL_* variables; off, the SDK is not even imported.

Traces are on where the variables name a receiver: OTEL_EXPORTER_OTLP_ENDPOINT, the same for traces alone, or
OTEL_TRACES_EXPORTER=otlp. They are set up in the worker, after the fork, because the exporter has a thread. The
instrumentation of botocore adds a span for each AWS call.
"""

import logging
from collections.abc import Mapping
from typing import Final

from controller.core.tracing import NoTracing, Tracing
from controller.surface.program import NAME, version

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

log = logging.getLogger(__name__)


def wanted(env: Mapping[str, str]) -> bool:
    """Whether these variables ask for traces (OpenTelemetry's specification, Environment Variables)."""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = {name.strip().lower() for name in env.get("OTEL_TRACES_EXPORTER", "").split(",")} - {""}
    if exporters:
        return "otlp" in exporters
    return any(env.get(name, "").strip() for name in _ENDPOINTS)


def start(env: Mapping[str, str], *, cluster: str, region: str | None, identity: str) -> Tracing:
    """A tracer that exports as `env` says, or one that does nothing. `identity` is the replica's."""
    if not wanted(env):
        return NoTracing()
    protocol = next((env[name] for name in _PROTOCOLS if env.get(name, "").strip()), "http/protobuf")
    if protocol != "http/protobuf":
        log.warning("Traces are sent as http/protobuf: no other protocol is built in", extra={"protocol": protocol})
    from controller.surface.tracer import Tracer

    attributes = {
        "service.name": NAME,
        "service.version": version(),
        "service.instance.id": identity,
        "cloud.provider": "aws",
        "k8s.cluster.name": cluster,
    }
    return Tracer(attributes | ({"cloud.region": region} if region else {}))
