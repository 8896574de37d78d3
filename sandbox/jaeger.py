"""Jaeger, the real one, on loopback: where the demo's and the tests' traces go, and what its query API says of them.

It keeps traces in memory, and listens on free ports alone, so that several can run. Who built it from source (`make
real`) has no web page, for its assets are not in the module: its API has everything that the page shows.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox import parts_cache
from sandbox.process import Child, StartError, answers, free_port

SERVICE = "aws-pod-eip-controller"
START_S = 60.0
CALL_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JaegerSpan:
    """A span as the query API gives it. Times are microseconds since 1970. `replica`: the name of the process."""

    name: str
    span_id: str
    trace_id: str
    start_us: int
    duration_us: int
    replica: str
    parents: tuple[str, ...]
    links: tuple[str, ...]
    tags: dict[str, Any] = field(default_factory=dict)


def config(otlp: int, query: int, grpc: int) -> dict[str, Any]:
    """Traces come by OTLP over HTTP, stay in memory, and are asked for by HTTP: Jaeger's own all-in-one, without what
    nobody uses here (Jaeger's repository, cmd/jaeger/internal/all-in-one.yaml)."""
    here = "127.0.0.1:"
    return {
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]}},
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
        },
        "extensions": {
            "jaeger_storage": {"backends": {"kept": {"memory": {"max_traces": 10_000}}}},
            "jaeger_query": {
                "storage": {"traces": "kept"},
                "http": {"endpoint": f"{here}{query}"},
                "grpc": {"endpoint": f"{here}{grpc}"},
            },
        },
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{here}{otlp}"}}}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "kept"}},
    }


class Jaeger:
    """A running Jaeger. `otlp`: for OTEL_EXPORTER_OTLP_ENDPOINT; `url`: of the query API."""

    def __init__(self, otlp: str, url: str, child: Child) -> None:
        self.otlp, self.url, self._child = otlp, url, child

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Start one whose files are in `folder`. StartError if it has not been built, or does not answer."""
        program = parts_cache.program("jaeger", parts_cache.JAEGER)
        if program is None:
            raise StartError("Jaeger has not been built here: `python -m tests.real.build --only jaeger` does it")
        otlp, query, grpc = free_port(), free_port(), free_port()
        settings = folder / "jaeger.json"
        settings.write_text(json.dumps(config(otlp, query, grpc)))
        child = Child([program, "--config", settings], log=folder / "jaeger.log")
        url = f"http://127.0.0.1:{query}"
        child.wait_ready(answers(f"{url}/api/services"), START_S)
        return cls(f"http://127.0.0.1:{otlp}", url, child)

    def search(self, *, limit: int = 100, **tags: str) -> list[list[JaegerSpan]]:
        """The traces in which one span has all these tags (`_` stands for a dot), each in the order of time."""
        found = self._get(self.search_url(limit=limit, **tags))
        return [_spans(trace) for trace in found]

    def search_url(self, *, limit: int = 100, **tags: str) -> str:
        """Where the query API has them."""
        query = {"service": SERVICE, "limit": str(limit), "lookback": "1h"}
        if tags:
            query["tags"] = json.dumps({name.replace("_", "."): value for name, value in tags.items()})
        return f"{self.url}/api/traces?{urllib.parse.urlencode(query)}"

    def trace(self, trace_id: str) -> list[JaegerSpan]:
        """One trace, in the order of time; empty where Jaeger does not have it."""
        try:
            [found] = self._get(self.trace_url(trace_id)) or [{"spans": [], "processes": {}}]
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 404:
                    raise
            return []
        return _spans(found)

    def trace_url(self, trace_id: str) -> str:
        """Where the query API has it."""
        return f"{self.url}/api/traces/{trace_id}"

    def stop(self) -> None:
        """End it and all its traces."""
        self._child.stop()

    def _get(self, url: str) -> list[dict[str, Any]]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=CALL_S) as answer:
            return json.load(answer)["data"] or []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _spans(trace: dict[str, Any]) -> list[JaegerSpan]:
    replicas = {
        key: _tags(process["tags"]).get("service.instance.id", "") for key, process in trace["processes"].items()
    }
    return sorted((_span(span, replicas) for span in trace["spans"]), key=lambda span: span.start_us)


def _span(span: dict[str, Any], replicas: dict[str, str]) -> JaegerSpan:
    above = [ref for ref in span["references"] if ref["refType"] == "CHILD_OF"]
    return JaegerSpan(
        name=span["operationName"],
        span_id=span["spanID"],
        trace_id=span["traceID"],
        start_us=span["startTime"],
        duration_us=span["duration"],
        replica=replicas[span["processID"]],
        parents=tuple(ref["spanID"] for ref in above),
        links=tuple(ref["traceID"] for ref in span["references"] if ref not in above),
        tags=_tags(span["tags"]),
    )


def _tags(tags: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in tags}
