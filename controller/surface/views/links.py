"""The page's addresses: relative ones, so that they hold behind a port-forward and behind a proxy with a path alike."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode


class Links:
    """Links from a view to others. `depth`: how many folders below the root the view is."""

    def __init__(self, depth: int, trace_url: str = "") -> None:
        self.root = "../" * depth or "./"
        self._trace_url = trace_url

    def to(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """A view of the page, such as `pools`; empty parameters are left out."""
        said = urlencode({key: value for key, value in (query or {}).items() if value}, errors="backslashreplace")
        return f"{self.root}{path}{'?' if said else ''}{said}"

    def pod(self, namespace: object, name: object) -> str:
        """A Pod's own view."""
        return f"{self.root}pods/{_part(namespace)}/{_part(name)}"

    def pool(self, key: object) -> str:
        """A pool's own view. The key is a parameter: one that is `..` would not survive in a path."""
        return self.to("pools", {"key": str(key)})

    def trace(self, trace_id: object) -> str | None:
        """Where the trace can be looked at; None without a setting that says where, or without a trace."""
        if not self._trace_url or not isinstance(trace_id, str) or not trace_id:
            return None
        # X-Ray writes the same 32 digits as 1-8-24 (AWS X-Ray Developer Guide, Tracing header).
        xray = f"1-{trace_id[:8]}-{trace_id[8:]}"
        return self._trace_url.replace("{trace_id}", _part(trace_id)).replace("{xray_trace_id}", _part(xray))


def _part(text: object) -> str:
    return quote(str(text), safe="", errors="backslashreplace")
