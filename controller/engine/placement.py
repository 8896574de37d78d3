"""Which interface a Pod's private IP is on, with as few calls to EC2 as possible.

A described interface lists all its private IPs and prefixes, so the next Pod on it costs no call. But an interface can
be attached to another instance, and an IP can move. So what is older than some seconds is asked for anew, and the
interface is dropped here when EC2 refuses an association.

Entries that are too old to be believed are forgotten in the order in which they were learnt, so the memory is bounded
by what is asked for. A lookup tries each length of prefix that is known; usually there is one.
"""

import ipaddress
import threading
from collections import Counter as Tally
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controller.core.ports import Clock, Ec2
from controller.core.situation import Placed, Unplaced
from controller.core.views import Interface
from controller.engine.plain import Plain
from state.model import InterfaceId, Target

MISSING_S = 5.0
KEPT_S = 30.0
FORGOTTEN_S = 2 * KEPT_S
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer of EC2. `asked_at`: when EC2 was asked. `at`: when the answer came; its age counts from then."""

    asked_at: float
    at: float
    interface: Interface | None = None


@dataclass(slots=True)
class PrefixIndex(Plain):
    """Finds the interface whose delegated prefix contains an IP. Not thread-safe.

    `of` maps each prefix to its interface.
    """

    of: dict[str, InterfaceId] = field(default_factory=dict)
    _lengths: Tally[str] = field(default_factory=Tally)

    def __len__(self) -> int:
        """How many prefixes are known."""
        return len(self.of)

    def add(self, prefix: str, interface_id: InterfaceId) -> None:
        """This interface has the prefix from now on, and no other."""
        self._lengths[_length(prefix)] += prefix not in self.of
        self.of[prefix] = interface_id

    def remove(self, prefix: str, interface_id: InterfaceId) -> None:
        """Remove the prefix, if it is still this interface's."""
        if self.of.get(prefix) != interface_id:
            return
        del self.of[prefix]
        self._lengths[_length(prefix)] -= 1
        if not self._lengths[_length(prefix)]:
            del self._lengths[_length(prefix)]

    def find(self, ip: str) -> InterfaceId | None:
        """The interface whose prefix contains the IP; one lookup for each known length of prefix."""
        networks = (str(ipaddress.ip_network(f"{ip}/{length}", strict=False)) for length in self._lengths)
        return next((found for network in networks if (found := self.of.get(network))), None)


@dataclass(slots=True, kw_only=True)
class Places(Plain):
    """What EC2 said of interfaces and IPs, in the order in which it was learnt."""

    interfaces: OrderedDict[InterfaceId, Told] = field(default_factory=OrderedDict)
    by_ip: dict[str, InterfaceId] = field(default_factory=dict)
    by_prefix: PrefixIndex = field(default_factory=PrefixIndex)
    missing: OrderedDict[str, Told] = field(default_factory=OrderedDict)


class Placements:
    """The interfaces of the VPC as far as they were asked about. Thread-safe."""

    def __init__(self, ec2: Ec2, clock: Clock, known: Places | None = None) -> None:
        self._ec2, self._clock = ec2, clock
        self._lock = threading.Lock()
        self._known = known or Places()

    def place(self, ip: str, since: float = NEVER) -> Placed | Unplaced:
        """Where this IP is, from the cache, if EC2 was asked lately and not before `since`."""
        with self._lock:
            self._forget()
            found, now = self._find(ip), self._clock()
            interface = found.interface if found and found.asked_at >= since and found.at >= now - KEPT_S else None
            if interface is None:
                missed = self._known.missing.get(ip)
                looked = missed is not None and missed.at > now - MISSING_S and missed.asked_at >= since
                return Unplaced(looked=looked)
        target = Target(interface_id=interface.interface_id, private_ip=ip)
        return Placed(target=target, border_group=interface.border_group, instance_id=interface.instance_id)

    def asked_at(self, ip: str) -> float:
        """When this IP was last asked for, found or not."""
        with self._lock:
            answers = (self._find(ip), self._known.missing.get(ip))
            return max((told.asked_at for told in answers if told is not None), default=NEVER)

    def look(self, instance_of_ip: Mapping[str, str | None]) -> None:
        """Find these IPs: one describe by IP for all; for those in delegated prefixes one by their nodes' instances."""
        asked_at = self._clock()
        self._learn(self._ec2.describe_interfaces_by_ip(sorted(instance_of_ip)), asked_at)
        left = [ip for ip in instance_of_ip if isinstance(self.place(ip, asked_at), Unplaced)]
        instances = sorted({i for ip in left if (i := instance_of_ip[ip])})
        if instances:
            self._learn(self._ec2.describe_interfaces_by_instance(instances), asked_at)
        absent = [ip for ip in left if isinstance(self.place(ip, asked_at), Unplaced)]
        with self._lock:
            for ip in absent:
                self._known.missing[ip] = Told(asked_at, self._clock())
                self._known.missing.move_to_end(ip)

    def exists(self, target: Target) -> bool:
        """Ask EC2 whether the interface still carries the IP."""
        found = self._ec2.describe_interfaces_by_ip([target.private_ip])
        return any(interface.interface_id == target.interface_id for interface in found)

    def drop(self, interface_id: InterfaceId) -> None:
        """Forget this interface: EC2 has shown that what we know of it is wrong."""
        with self._lock:
            self._remove(interface_id)

    def prune(self) -> None:
        """Forget what is too old to be used. Other calls do so, too; this is for times without any."""
        with self._lock:
            self._forget()

    def sizes(self) -> tuple[int, int, int, int]:
        """How many interfaces, IPs, prefixes and missing IPs are remembered."""
        with self._lock:
            return (
                len(self._known.interfaces),
                len(self._known.by_ip),
                len(self._known.by_prefix),
                len(self._known.missing),
            )

    def _find(self, ip: str) -> Told | None:
        return self._known.interfaces.get(
            self._known.by_ip.get(ip) or self._known.by_prefix.find(ip) or InterfaceId("")
        )

    def _forget(self) -> None:
        now = self._clock()
        while self._known.interfaces:
            oldest, told = next(iter(self._known.interfaces.items()))
            if told.at > now - FORGOTTEN_S:
                break
            self._remove(oldest)
        while self._known.missing and next(iter(self._known.missing.values())).at <= now - MISSING_S:
            self._known.missing.popitem(last=False)

    def _learn(self, found: Iterable[Interface], asked_at: float) -> None:
        with self._lock:
            for interface in found:
                known = self._known.interfaces.get(interface.interface_id)
                if known is not None and known.asked_at > asked_at:
                    continue  # a slow answer is older than one that overtook it
                self._remove(interface.interface_id)
                self._known.interfaces[interface.interface_id] = Told(asked_at, self._clock(), interface)
                self._known.by_ip.update(dict.fromkeys(interface.private_ips, interface.interface_id))
                for prefix in interface.prefixes:
                    self._known.by_prefix.add(prefix, interface.interface_id)

    def _remove(self, interface_id: InterfaceId) -> None:
        gone = self._known.interfaces.pop(interface_id, None)
        if gone is None or gone.interface is None:
            return
        for ip in gone.interface.private_ips:
            if self._known.by_ip.get(ip) == interface_id:
                del self._known.by_ip[ip]
        for prefix in gone.interface.prefixes:
            self._known.by_prefix.remove(prefix, interface_id)


def _length(prefix: str) -> str:
    return prefix.rpartition("/")[2]
