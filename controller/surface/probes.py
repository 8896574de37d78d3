"""Which requests are probes: they decide whether the kubelet restarts the leader, so they are answered first.

The server checks a request's head before the request gets a thread; the routes use the same paths.
"""

HEALTH = "/healthz"
READINESS = "/readyz"

_LINES = tuple(
    f"{method} {path}{end}".encode() for method in ("GET", "HEAD") for path in (HEALTH, READINESS) for end in " ?"
)


def is_probe(head: bytes) -> bool:
    """Whether the head of a request, from its first byte on, is a probe's."""
    return head.startswith(_LINES)
