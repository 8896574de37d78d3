"""Which interface a Pod's private IP is on, asked of EC2 as rarely as can be.

An interface lists all its private IPs and prefixes, so the next Pod on it costs no call. But an interface can be
attached to another instance, and an IP can move: what is older than some seconds is asked for anew, and EC2's refusal
of an association drops the interface from here.
"""

import ipaddress
import threading
from collections.abc import Iterable, Mapping

from controller.core.ports import Clock, Ec2, Interface
from controller.core.situation import Placed, Unplaced
from state.model import InterfaceId, Target

MISSING_S = 5.0
KEPT_S = 5.0
NEVER = float("-inf")


class Placements:
    """The interfaces of the VPC as far as they were asked about. Thread-safe."""

    def __init__(self, ec2: Ec2, clock: Clock) -> None:
        self._ec2, self._clock = ec2, clock
        self._lock = threading.Lock()
        self._interfaces: dict[InterfaceId, tuple[float, Interface]] = {}
        self._by_ip: dict[str, InterfaceId] = {}
        self._by_prefix: dict[str, InterfaceId] = {}
        self._missing: dict[str, float] = {}

    def place(self, ip: str, since: float = NEVER) -> Placed | Unplaced:
        """Where this IP is, as EC2 was asked lately, and not before `since`; from the cache."""
        with self._lock:
            found = self._interfaces.get(self._by_ip.get(ip) or self._in_prefix(ip) or InterfaceId(""))
            if found is None or found[0] < max(since, self._clock() - KEPT_S):
                asked_at = self._missing.get(ip, NEVER)
                return Unplaced(looked=asked_at > self._clock() - MISSING_S and asked_at >= since)
        interface = found[1]
        target = Target(interface_id=interface.interface_id, private_ip=ip)
        return Placed(target=target, border_group=interface.border_group, instance_id=interface.instance_id)

    def asked_at(self, ip: str) -> float:
        """When this IP was last asked for, found or not."""
        with self._lock:
            found = self._interfaces.get(self._by_ip.get(ip) or self._in_prefix(ip) or InterfaceId(""))
            return max(found[0] if found else NEVER, self._missing.get(ip, NEVER))

    def look(self, instance_of_ip: Mapping[str, str | None]) -> None:
        """Find these IPs: one describe by IP for all; for those in delegated prefixes one by their nodes' instances."""
        asked_at = self._clock()
        self._learn(self._ec2.describe_interfaces_by_ip(sorted(instance_of_ip)), asked_at)
        left = [ip for ip in instance_of_ip if isinstance(self.place(ip, asked_at), Unplaced)]
        instances = sorted({i for ip in left if (i := instance_of_ip[ip])})
        if instances:
            self._learn(self._ec2.describe_interfaces_by_instance(instances), asked_at)
        with self._lock:
            self._missing = {ip: at for ip, at in self._missing.items() if at > asked_at - MISSING_S}
            self._missing.update(dict.fromkeys(left, asked_at))

    def exists(self, target: Target) -> bool:
        """Ask EC2 whether the interface still carries the IP."""
        found = self._ec2.describe_interfaces_by_ip([target.private_ip])
        return any(interface.interface_id == target.interface_id for interface in found)

    def drop(self, interface_id: InterfaceId) -> None:
        """EC2 said that this interface is not what we believed."""
        with self._lock:
            gone = self._interfaces.pop(interface_id, None)
            if gone:
                self._unindex(gone[1])

    def _learn(self, found: Iterable[Interface], asked_at: float) -> None:
        with self._lock:
            for interface in found:
                known = self._interfaces.get(interface.interface_id)
                if known:
                    self._unindex(known[1])
                self._interfaces[interface.interface_id] = (asked_at, interface)
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
