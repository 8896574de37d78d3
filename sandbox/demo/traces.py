"""The demo's traces: a Jaeger beside the world, and where each Pod's story is to be found in it.

A leader is killed in the middle of the story, so the traces worth a look are those of Pods that two leaders served.
"""

import urllib.error
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox.demo.screen import Screen
from sandbox.jaeger import Jaeger, JaegerSpan
from sandbox.world import WorldSettings

SHOWN = 6
ENV = {"OTEL_BSP_SCHEDULE_DELAY": "500"}


@contextmanager
def jaeger(folder: Path, *, wanted: bool) -> Iterator[Jaeger | None]:
    """A running Jaeger, if one is wanted. StartError if it has not been built here."""
    if not wanted:
        yield None
        return
    with Jaeger.start(folder) as running:
        yield running


def sending(settings: WorldSettings, receiver: Jaeger | None) -> WorldSettings:
    """The same world, whose replicas send their traces there."""
    if receiver is None:
        return settings
    return replace(settings, env={**settings.env, **ENV, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.otlp})


def show(screen: Screen, receiver: Jaeger | None) -> None:
    """Say where the stories of some Pods are: first of those that two leaders served."""
    if receiver is None:
        return
    try:
        found = [trace for trace in receiver.search(limit=1000) if any(span.name == "serve Pod" for span in trace)]
    except (urllib.error.URLError, TimeoutError) as error:
        screen.console.print(f"Jaeger does not answer: {error}")
        return
    found.sort(key=lambda trace: (-len({span.replica for span in trace}), trace[0].start_us))
    screen.console.print(f"\n{len(found)} Pods have a trace in Jaeger. Some of them, while this runs (--keep):")
    for trace in found[:SHOWN]:
        screen.console.print(f"  {_line(trace)}\n    {receiver.trace_url(trace[0].trace_id)}", soft_wrap=True)


def _line(trace: Sequence[JaegerSpan]) -> str:
    root = next(span for span in trace if span.name == "serve Pod")
    pod = f"{root.tags.get('k8s.namespace.name')}/{root.tags.get('k8s.pod.name')}"
    leaders = len({span.replica for span in trace})
    return f"{pod}: {len(trace)} spans by {leaders} leader{'s' if leaders > 1 else ''}"
