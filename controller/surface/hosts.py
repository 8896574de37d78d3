"""Which names of ours a request may use: a page of a stranger must not read the status through a person's browser.

The stranger's name is made to mean 127.0.0.1, where a port-forward listens, or an address of the cluster; for the
browser it is then the stranger's own site (DNS rebinding). What gives it away is the Host header, with a name that the
stranger owns: a public one, so with a dot, and under none of the ends that only a cluster or a machine itself has.
"""

from collections.abc import Collection
from ipaddress import ip_address

_OWN_ENDS = (".svc", ".cluster.local", ".localhost")


def is_ours(host: str, own: Collection[str] = ()) -> bool:
    """Whether this Host header (with or without a port; empty: none was sent) is a name that no stranger can own."""
    name = _name(host.strip().lower())
    return "." not in name or name in own or name.endswith(_OWN_ENDS) or _is_address(name)


def _name(host: str) -> str:
    """Without the port, the brackets of an IPv6 address, and the dot of the root."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
