"""Which requests are probes: what the kubelet asks decides whether a leader lives, so nothing may come before it.

The server asks this of a request's head before a thread is given to it; the routes use the same paths.
"""

HEALTH = "/healthz"
READINESS = "/readyz"

_LINES = tuple(
    f"{method} {path}{end}".encode() for method in ("GET", "HEAD") for path in (HEALTH, READINESS) for end in " ?"
)


def is_probe(head: bytes) -> bool:
    """Whether the head of a request, from its first byte on, is a probe's."""
    return head.startswith(_LINES)
