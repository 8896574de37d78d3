"""EC2 without a network: the port `Ec2` in this process, for tests of whoever uses it.

State, not stubs: the sandbox's rules decide what becomes of addresses, interfaces and associations, so a test sets a
scene and looks at what became of it. Faults wait by operation: a refusal instead of the effect, or a lost reply after
it. Reads can be frozen (EC2's are eventually consistent) and calls can be held until the test lets them go. The
contract tests hold this and the real adapter to the same behaviour.
"""

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from controller.aws.interfaces import BY_INSTANCE, BY_IP, FILTER_VALUES
from controller.core.ports import Guard
from controller.core.views import (
    Address,
    Allocation,
    AllocationRequest,
    Interface,
)
from sandbox.ec2 import byhand
from sandbox.ec2 import interfaces as change
from sandbox.ec2.commands import AddAddress, MoveIp
from sandbox.ec2.model import World
from sandbox.ec2.requests import DisassociateAddress, ReleaseAddress
from state.errors import PodEipError, Unavailable
from state.model import AllocationId, AssociationId, InterfaceId, Target
from tests.fakes.ec2_account import Ec2Account, interfaces_by
from tests.fakes.ec2_words import allocation, association, interface_in, shown_addresses

HOLD_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that got past the guard: its arguments as strings, and the code it was answered with."""

    operation: str
    arguments: tuple[str, ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the next call of an operation meets; with `after_effect` the call has its effect all the same."""

    error: PodEipError
    after_effect: bool = False


class FakeEc2(Ec2Account):
    """An account in one Region and VPC. Thread-safe. The attributes may be changed at any time."""

    def __init__(self, *, guard: Guard | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.guard = guard
        self.calls: list[Call] = []
        self._lock = threading.RLock()
        self._seen_addresses: World | None = None
        self._seen_interfaces: World | None = None
        self._omitted: Counter[AllocationId] = Counter()
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._gates: dict[str, threading.Event] = {}

    # What a test does.

    def add_interface(self, interface: Interface) -> Interface:
        """Add or replace an interface; associations at IPs that it no longer has are dropped."""
        with self._lock:
            made = interface_in(self.region, interface)
            self._change(lambda world, _: change.put_interface(world, made))
            return interface

    def attach(self, interface_id: InterfaceId, instance_id: str | None) -> None:
        """Give an interface to an instance, or to none; its IPs and associations stay with it."""
        with self._lock:
            self._change(lambda world, _: change.attach(world, interface_id, instance_id))

    def move_ip(self, private_ip: str, interface_id: InterfaceId, *, with_address: bool = False) -> None:
        """Give a private IP to this interface; its address is dropped, or comes along under a new association id."""
        command = MoveIp(private_ip=private_ip, interface_id=interface_id, with_address=with_address)
        with self._lock:
            self._change(lambda world, rules: change.move_ip(world, command, rules))

    def remove_interface(self, interface_id: InterfaceId) -> None:
        """Delete an interface, if it is there; EC2 drops its associations by itself."""
        with self._lock:
            self._change(
                lambda world, _: change.remove_interfaces(world, lambda one: one.interface_id == interface_id, "gone")
            )

    def kill_instance(self, instance_id: str) -> None:
        """Lose a node with all its interfaces."""
        with self._lock:
            self._change(lambda world, _: change.kill_instance(world, instance_id))

    def add_address(
        self,
        *,
        tags: Mapping[str, str] | None = None,
        border_group: str = "",
        allocation_id: str = "",
        public_ipv4_pool: str = "amazon",
    ) -> AllocationId:
        """Add an address, whatever the quota."""
        command = AddAddress(
            allocation_id=allocation_id, tags=tags or {}, border_group=border_group, pool=public_ipv4_pool
        )
        with self._lock:
            return AllocationId(self._change(lambda world, rules: byhand.add_address(world, command, rules)))

    def tag(self, allocation_id: AllocationId, tags: Mapping[str, str]) -> None:
        """Replace an address's tags."""
        with self._lock:
            self._retag(allocation_id, dict(tags))

    def give_away(self, allocation_id: AllocationId) -> None:
        """Another account gets the address, here or released before; its association is not ours to cut either."""
        with self._lock:
            self._change(lambda world, _: byhand.give_away(world, allocation_id))

    def omit_address(self, allocation_id: AllocationId, times: int = 1) -> None:
        """So many describes that should show the address do not."""
        with self._lock:
            self._omitted[allocation_id] += times

    def associate_by_hand(self, allocation_id: AllocationId, target: Target) -> AssociationId:
        """Associate as a person would, taking the address from wherever it is."""
        with self._lock:
            return AssociationId(self._mutate(association(allocation_id, target, by_hand=True)))

    def fail(self, operation: str, error: PodEipError, *, after_effect: bool = False, times: int = 1) -> None:
        """Let the next calls of the operation fail."""
        with self._lock:
            self._faults[operation] += [Fault(error=error, after_effect=after_effect)] * times

    def lose_reply(self, operation: str) -> None:
        """The next call of the operation has its effect, but its answer is lost."""
        self.fail(operation, Unavailable("the connection was closed", code="ConnectionClosedError"), after_effect=True)

    @contextmanager
    def held(self, operation: str) -> Iterator[threading.Event]:
        """Calls of the operation wait, before their effect, until the block ends or the event is set."""
        gate = self._gates[operation] = threading.Event()
        try:
            yield gate
        finally:
            del self._gates[operation]
            gate.set()

    @contextmanager
    def stale_reads(self) -> Iterator[None]:
        """Describes show the state of the block's beginning."""
        with self.late_interfaces():
            with self._lock:
                self._seen_addresses = self._world
            try:
                yield
            finally:
                with self._lock:
                    self._seen_addresses = None

    @contextmanager
    def late_interfaces(self) -> Iterator[None]:
        """Describes show the interfaces, with their IPs, of the block's beginning: new ones do not show yet."""
        with self._lock:
            self._seen_interfaces = self._world
        try:
            yield
        finally:
            with self._lock:
                self._seen_interfaces = None

    def address(self, allocation_id: AllocationId) -> Address | None:
        """The address as it is, never stale; None: there is none."""
        with self._lock:
            return self._shown(allocation_id)

    def addresses(self) -> tuple[Address, ...]:
        """All addresses as they are, never stale."""
        with self._lock:
            return tuple(shown_addresses(self._world).values())

    def count(self, operation: str = "") -> int:
        """How many calls of the operation ("": any) there were."""
        with self._lock:
            return sum(1 for call in self.calls if operation in ("", call.operation))

    # The port.

    def describe_addresses(self) -> Sequence[Address]:
        """All addresses."""
        with self._call("DescribeAddresses"):
            there = shown_addresses(self._seen_addresses or self._world)
            omitted = {key for key in there if self._omitted[key] > 0}
            self._omitted.subtract(omitted)
            return tuple(address for key, address in there.items() if key not in omitted)

    def address_quota(self) -> int | None:
        """The quota, if there is one."""
        with self._call("DescribeAccountAttributes"):
            return self.quota

    def describe_interfaces_by_ip(self, private_ips: Iterable[str]) -> Sequence[Interface]:
        """Interfaces that list one of the IPs, 200 a call."""
        return self._found(BY_IP, private_ips)

    def describe_interfaces_by_instance(self, instance_ids: Iterable[str]) -> Sequence[Interface]:
        """Interfaces attached to one of the instances, 200 a call."""
        return self._found(BY_INSTANCE, instance_ids)

    def _found(self, name: str, values: Iterable[str]) -> list[Interface]:
        wanted, found = sorted(set(values)), list[Interface]()
        for start in range(0, len(wanted), FILTER_VALUES):
            batch = wanted[start : start + FILTER_VALUES]
            with self._call("DescribeNetworkInterfaces", *batch):
                found += interfaces_by(self._seen_interfaces or self._world, name, batch)
        return found

    def allocate(self, request: AllocationRequest) -> Allocation:
        """A new address."""
        with self._call("AllocateAddress", request.public_ipv4_pool):
            made_id = self._mutate(allocation(request))
            made = self._world.addresses[made_id]
            return Allocation(allocation_id=AllocationId(made.allocation_id), public_ip=made.public_ip)

    def associate(self, allocation_id: AllocationId, target: Target) -> AssociationId:
        """Associate, unless the address is associated elsewhere."""
        with self._call("AssociateAddress", allocation_id, target.interface_id, target.private_ip):
            return AssociationId(self._mutate(association(allocation_id, target)))

    def disassociate(self, association_id: AssociationId) -> None:
        """Cut exactly this association."""
        with self._call("DisassociateAddress", association_id):
            self._mutate(DisassociateAddress(association_id=association_id))

    def release(self, allocation_id: AllocationId, border_group: str) -> None:
        """Give the address back."""
        with self._call("ReleaseAddress", allocation_id, border_group):
            self._mutate(ReleaseAddress(allocation_id=allocation_id, border_group=border_group))

    # How a call goes.

    @contextmanager
    def _call(self, operation: str, *arguments: str) -> Iterator[None]:
        gate = self._gates.get(operation)
        if gate is not None and not gate.wait(HOLD_LIMIT_S):
            raise Unavailable(f"{operation} was held for too long", code="ReadTimeoutError")
        if self.guard is not None and not operation.startswith("Describe"):
            self.guard.check()
        with self._lock:
            fault = self._faults[operation].popleft() if self._faults[operation] else None
            try:
                if fault and not fault.after_effect:
                    raise fault.error
                yield
                if fault:
                    raise fault.error
            except PodEipError as error:
                self.calls.append(Call(operation=operation, arguments=arguments, code=error.code))
                raise
            self.calls.append(Call(operation=operation, arguments=arguments))
