"""Traces by OpenTelemetry, set up by the standard OTEL_* variables; off, the SDK is not even imported.

Traces are on where the variables name a receiver: OTEL_EXPORTER_OTLP_ENDPOINT, the same for traces alone, or
OTEL_TRACES_EXPORTER: otlp, xray or console. They are set up in the worker, after the fork, because an exporter has a
thread. The instrumentation of botocore adds a span for each AWS call.
"""

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from controller.core import trace_settings
from controller.core.trace_settings import wanted
from controller.core.tracing import NoTracing, Tracing
from controller.surface.program import NAME, version
from state.credentials import CredentialKeeper
from state.errors import Misconfigured

if TYPE_CHECKING:
    # For types only: without traces nothing of OpenTelemetry is loaded.
    from controller.surface.exporting import Spans

__all__ = ["check", "start", "wanted"]

HELD_BACK: Final = "OTEL_PROPAGATORS"
"""Names how contexts are handed on. None is handed on here, and the SDK ends where it does not know a name."""

log = logging.getLogger(__name__)


def check(env: Mapping[str, str]) -> None:
    """Raises Misconfigured where the variables ask for traces in a way that cannot be obeyed."""
    found = trace_settings.parse(env)
    if found is None:
        return
    named = {variable: env[variable] for variable in trace_settings.FILES if env.get(variable)}
    faults = [f"{name}: {path} cannot be read" for name, path in named.items() if not os.access(path, os.R_OK)]
    if faults:
        raise Misconfigured(faults)
    for line in found.warnings:
        log.warning("%s", line)


def start(
    env: Mapping[str, str],
    *,
    cluster: str,
    region: str | None,
    identity: str,
    keeper: CredentialKeeper | None = None,
    counted: "Spans | None" = None,
    place: Mapping[str, str] | None = None,
    all_calls: bool = False,
) -> Tracing:
    """A tracer that exports as `env` says, or one that does nothing.

    `identity`: the replica's. `keeper`: signs for X-Ray. `counted`: is told what becomes of the spans. `place`: more
    attributes of the resource. `all_calls`: calls that serve no Pod are spans, too. Raises Misconfigured.
    """
    settings = trace_settings.parse(env)
    if settings is None:
        return NoTracing()
    os.environ.pop(HELD_BACK, None)
    from controller.surface import pipeline
    from controller.surface.tracer import Tracer

    attributes = {
        "service.name": NAME,
        "service.version": version(),
        "service.instance.id": identity,
        "cloud.provider": "aws",
        "k8s.cluster.name": cluster,
        **({"cloud.region": region} if region else {}),
        **(place or {}),
    }
    provider = pipeline.provider(settings, attributes, region=region or "", keeper=keeper, counted=counted)
    return Tracer(provider, all_calls=all_calls)
