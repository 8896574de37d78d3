"""Which EC2 instance a Node is: a Pod's IP is its own only on an interface of its node's instance.

The cloud provider writes `spec.providerID`, for EC2 `aws:///ZONE/INSTANCE`; hybrid nodes and Fargate have others. A
Node's name can come back with another instance (EKS names Nodes by their IP), so an answer is kept for a minute, and
read anew before anybody is told that an interface is not the node's.
"""

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from controller.core.ports import Clock
from controller.kube.connection import Call, Connection, path_of
from controller.kube.decode import ListMeta, malformed
from controller.kube.identity import ClusterIdentity
from controller.kube.paging import pages
from state.errors import ObjectNotFound

KEPT = 20_000
UNUSED_S = 7_200.0
"""Seconds: twice the longest time between two full comparisons, each of which uses the Nodes of all served Pods."""
INSTANCE = re.compile(r"^i-[0-9a-f]+$")


class NodeSpec(msgspec.Struct, frozen=True, gc=False):
    """`core/v1 NodeSpec`."""

    provider_id: str | None = msgspec.field(name="providerID", default=None)


class Node(msgspec.Struct, frozen=True, gc=False):
    """`core/v1 Node`."""

    spec: NodeSpec = NodeSpec()


class NodeList(msgspec.Struct, frozen=True):
    """A page of Nodes."""

    metadata: ListMeta
    items: list[Node] | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """A parsed providerID: its scheme ("" where the Node has none yet), and the EC2 instance if it names one."""

    scheme: str = ""
    instance_id: str | None = None


@dataclass(slots=True)
class Known:
    """A Node's provider, when it was read, and when somebody last asked for it."""

    read_at: float
    used_at: float
    provider: Provider


def provider_of_id(provider_id: str | None) -> Provider:
    """`aws:///us-west-2a/i-0abc` is the instance `i-0abc` of `aws`."""
    scheme, separator, rest = (provider_id or "").partition("://")
    if not separator:
        return Provider()
    last = rest.rpartition("/")[2]
    return Provider(scheme, last if scheme == "aws" and INSTANCE.match(last) else None)


class NodeReader:
    """Nodes, read when they are asked for. Thread-safe."""

    def __init__(self, connection: Connection, identity: ClusterIdentity, clock: Clock) -> None:
        self._connection, self._identity, self._clock = connection, identity, clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Known] = OrderedDict()

    def known(self, node: str, since: float) -> Provider | None:
        """The Node's provider, if it was read after `since`; else None. Calls no API."""
        known = self._look_up(node)
        return known.provider if known is not None and known.read_at > since else None

    def read(self, node: str) -> Provider:
        """The Node's provider now; an empty one where there is no Node or it has none yet."""
        asked_at = self._clock()
        provider = self._read(node)
        self._keep(node, provider, asked_at)
        return provider

    def instances(self) -> frozenset[str]:
        """The instance ids of all Nodes, read anew; Unavailable where the API server is another cluster's."""
        found: set[str] = set()
        for _, page in pages(self._connection, "nodes", path_of("api", "v1", "nodes"), _instances):
            found |= page
        self._identity.confirm()
        return frozenset(found)

    @property
    def remembered(self) -> int:
        """How many Nodes are remembered."""
        return len(self._known)

    def _look_up(self, node: str) -> Known | None:
        with self._lock:
            known = self._known.get(node)
            if known is not None:
                known.used_at = self._clock()
                self._known.move_to_end(node)
            return known

    def _keep(self, node: str, provider: Provider, asked_at: float) -> None:
        """Remember it. Forget Nodes that were not asked for for too long, and the oldest ones beyond the limit."""
        now = self._clock()
        with self._lock:
            self._known[node] = Known(asked_at, now, provider)
            self._known.move_to_end(node)
            while len(self._known) > KEPT or next(iter(self._known.values())).used_at < now - UNUSED_S:
                self._known.popitem(last=False)

    def _read(self, node: str) -> Provider:
        call = Call(verb="get", resource="nodes", path=path_of("api", "v1", "nodes", node))
        try:
            return provider_of_id(msgspec.json.decode(self._connection.send(call), type=Node).spec.provider_id)
        except ObjectNotFound:
            return Provider()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise malformed("Node", error) from error


def _instances(body: bytes) -> tuple[ListMeta, set[str]]:
    try:
        page = msgspec.json.decode(body, type=NodeList)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed("list of Nodes", error) from error
    providers = (provider_of_id(node.spec.provider_id) for node in page.items or ())
    return page.metadata, {provider.instance_id for provider in providers if provider.instance_id}
