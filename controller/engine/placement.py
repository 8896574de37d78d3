"""Which interface a Pod's private IP is on, asked of EC2 as rarely as can be.

An interface lists all its private IPs and prefixes, so the next Pod on it costs no call. The cache may be wrong once
an IP has moved to another interface: EC2 then refuses the association, which drops the interface from here.
"""

import ipaddress
import threading
from collections.abc import Callable, Iterable, Mapping

from controller.core.ports import Clock, Ec2, Interface
from controller.core.situation import Placed, Unplaced
from state.model import InterfaceId, Target

MISSING_S = 5.0


class Placements:
    """The interfaces of the VPC as far as they were asked about. Thread-safe."""

    def __init__(self, ec2: Ec2, clock: Clock, instance_of: Callable[[str], str | None]) -> None:
        self._ec2, self._clock, self._instance_of = ec2, clock, instance_of
        self._lock = threading.Lock()
        self._interfaces: dict[InterfaceId, Interface] = {}
        self._by_ip: dict[str, InterfaceId] = {}
        self._by_prefix: dict[str, InterfaceId] = {}
        self._missing: dict[str, float] = {}

    def place(self, ip: str) -> Placed | Unplaced:
        """Where this IP is, from the cache."""
        with self._lock:
            interface = self._interfaces.get(self._by_ip.get(ip) or self._in_prefix(ip) or InterfaceId(""))
            if interface is None:
                return Unplaced(looked=self._missing.get(ip, float("-inf")) > self._clock() - MISSING_S)
        target = Target(interface_id=interface.interface_id, private_ip=ip)
        return Placed(target=target, border_group=interface.border_group, instance_id=interface.instance_id)

    def look(self, node_of_ip: Mapping[str, str]) -> None:
        """Find these IPs: one describe by IP for all; for those in delegated prefixes one by their nodes' instances."""
        self._learn(self._ec2.describe_interfaces_by_ip(sorted(node_of_ip)))
        left = [ip for ip in node_of_ip if isinstance(self.place(ip), Unplaced)]
        if left:
            self._look_by_node({node_of_ip[ip] for ip in left if node_of_ip[ip]})
        now = self._clock()
        with self._lock:
            self._missing = {ip: at for ip, at in self._missing.items() if at > now - MISSING_S}
            self._missing.update(dict.fromkeys(left, now))

    def exists(self, target: Target) -> bool:
        """Ask EC2 whether the interface still carries the IP."""
        found = self._ec2.describe_interfaces_by_ip([target.private_ip])
        return any(interface.interface_id == target.interface_id for interface in found)

    def drop(self, interface_id: InterfaceId) -> None:
        """EC2 said that this interface is not what we believed."""
        with self._lock:
            gone = self._interfaces.pop(interface_id, None)
            if gone:
                self._unindex(gone)

    def _look_by_node(self, nodes: Iterable[str]) -> None:
        instances = {node: self._instance_of(node) for node in nodes}
        known = sorted({i for i in instances.values() if i})
        if known:
            self._learn(self._ec2.describe_interfaces_by_instance(known))
        if any(instance is None for instance in instances.values()):
            self._learn(self._ec2.describe_interfaces_of_vpc())

    def _learn(self, found: Iterable[Interface]) -> None:
        with self._lock:
            for interface in found:
                known = self._interfaces.get(interface.interface_id)
                if known:
                    self._unindex(known)
                self._interfaces[interface.interface_id] = interface
                self._by_ip.update(dict.fromkeys(interface.private_ips, interface.interface_id))
                self._by_prefix.update(dict.fromkeys(interface.prefixes, interface.interface_id))

    def _unindex(self, interface: Interface) -> None:
        for index, keys in ((self._by_ip, interface.private_ips), (self._by_prefix, interface.prefixes)):
            for key in keys:
                if index.get(key) == interface.interface_id:
                    del index[key]

    def _in_prefix(self, ip: str) -> InterfaceId | None:
        for length in {prefix.rpartition("/")[2] for prefix in self._by_prefix}:
            network = str(ipaddress.ip_network(f"{ip}/{length}", strict=False))
            if network in self._by_prefix:
                return self._by_prefix[network]
        return None
