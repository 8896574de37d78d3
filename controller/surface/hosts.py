"""Which Host headers are accepted, so that a stranger's web page cannot read the status through a person's browser.

In DNS rebinding the stranger's domain name resolves to 127.0.0.1, where a port-forward listens, or to an address of the
cluster. The browser then treats the controller as the stranger's own site. The Host header shows it: it has a public
name, that is, one with a dot and without an ending that only a cluster or a machine uses.
"""

from collections.abc import Collection
from ipaddress import ip_address

_OWN_ENDS = (".svc", ".cluster.local", ".localhost")


def is_ours(host: str, own: Collection[str] = ()) -> bool:
    """Whether this Host header (with or without a port; empty: none was sent) is a name that no stranger can own."""
    name = _name(host.strip().lower())
    return "." not in name or name in own or name.endswith(_OWN_ENDS) or _is_address(name)


def _name(host: str) -> str:
    """The name without the port, the brackets of an IPv6 address, and the final dot."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
