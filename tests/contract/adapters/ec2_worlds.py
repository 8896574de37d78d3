"""The two worlds that the contract of the port `Ec2` is held against: the real adapter on the sandbox, and the fake.

A test sets its scene in the words of this module and never learns which world it is in.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import pytest

from controller.aws.adapter import Ec2Adapter
from controller.core.ports import Ec2
from controller.core.views import Interface
from sandbox.ec2.faults import Fault
from sandbox.ec2.server import Ec2Server
from sandbox.ec2.settings import Ec2Settings
from state.errors import NotLeading, Throttled
from state.model import AllocationId, AssociationId, InterfaceId, Target
from tests.fakes.ec2 import FakeEc2

REGION, VPC = "us-west-2", "vpc-1"
CALL_TIMEOUT_S = 20.0  # tests share the machine
FOR_EVER_S = 1e6


class SwitchGuard:
    """A guard that a test turns off."""

    def __init__(self) -> None:
        self.leading, self.asked = True, 0

    def check(self) -> None:
        """Raise NotLeading once turned off."""
        self.asked += 1
        if not self.leading:
            raise NotLeading("this replica does not lead")


class World(Protocol):
    """What a test may do to EC2 behind the port's back."""

    ec2: Ec2
    guard: SwitchGuard

    def interface(
        self,
        ip: str,
        *more_ips: str,
        prefixes: Sequence[str] = (),
        instance_id: str | None = None,
        zone: str = "us-west-2a",
    ) -> InterfaceId: ...
    def address(self, tags: Mapping[str, str] | None = None, border_group: str = "") -> AllocationId: ...
    def associate_by_hand(self, allocation_id: AllocationId, target: Target) -> AssociationId: ...
    def give_away(self, allocation_id: AllocationId) -> None: ...
    def kill_instance(self, instance_id: str) -> None: ...
    def remove_interface(self, interface_id: InterfaceId) -> None: ...
    def attach(self, interface_id: InterfaceId, instance_id: str | None) -> None: ...
    def move_ip(self, private_ip: str, interface_id: InterfaceId, *, with_address: bool = False) -> None: ...
    def late_interfaces(self) -> AbstractContextManager[None]: ...
    def omit_address(self, allocation_id: AllocationId, times: int = 1) -> None: ...
    def settings(
        self,
        *,
        quota: int | None = None,
        pools: Sequence[str] = (),
        border_groups: Sequence[str] = (),
        default_vpc: bool = False,
        refuse_occupied: bool = False,
    ) -> None: ...
    def lose_reply(self, operation: str) -> None: ...
    def throttle(self, operation: str) -> None: ...
    def calls(self, operation: str) -> int: ...


class FakeWorld:
    """The fake, and its own way to set a scene."""

    def __init__(self) -> None:
        self.guard = SwitchGuard()
        self.fake = FakeEc2(guard=self.guard)
        self.ec2: Ec2 = self.fake
        self._made = 0

    def interface(
        self,
        ip: str,
        *more_ips: str,
        prefixes: Sequence[str] = (),
        instance_id: str | None = None,
        zone: str = "us-west-2a",
    ) -> InterfaceId:
        self._made += 1
        interface = Interface(
            interface_id=InterfaceId(f"eni-{self._made:017x}"),
            private_ips=frozenset({ip, *more_ips}),
            prefixes=tuple(prefixes),
            instance_id=instance_id,
            border_group=zone[:-1],
        )
        return self.fake.add_interface(interface).interface_id

    def address(self, tags: Mapping[str, str] | None = None, border_group: str = "") -> AllocationId:
        return self.fake.add_address(tags=tags, border_group=border_group)

    def associate_by_hand(self, allocation_id: AllocationId, target: Target) -> AssociationId:
        return self.fake.associate_by_hand(allocation_id, target)

    def give_away(self, allocation_id: AllocationId) -> None:
        self.fake.give_away(allocation_id)

    def kill_instance(self, instance_id: str) -> None:
        self.fake.kill_instance(instance_id)

    def remove_interface(self, interface_id: InterfaceId) -> None:
        self.fake.remove_interface(interface_id)

    def attach(self, interface_id: InterfaceId, instance_id: str | None) -> None:
        self.fake.attach(interface_id, instance_id)

    def move_ip(self, private_ip: str, interface_id: InterfaceId, *, with_address: bool = False) -> None:
        self.fake.move_ip(private_ip, interface_id, with_address=with_address)

    def late_interfaces(self) -> AbstractContextManager[None]:
        return self.fake.late_interfaces()

    def omit_address(self, allocation_id: AllocationId, times: int = 1) -> None:
        self.fake.omit_address(allocation_id, times)

    def settings(
        self,
        *,
        quota: int | None = None,
        pools: Sequence[str] = (),
        border_groups: Sequence[str] = (),
        default_vpc: bool = False,
        refuse_occupied: bool = False,
    ) -> None:
        self.fake.quota, self.fake.pools, self.fake.border_groups = quota, pools, border_groups
        self.fake.default_vpc, self.fake.refuse_occupied = default_vpc, refuse_occupied

    def lose_reply(self, operation: str) -> None:
        self.fake.lose_reply(operation)

    def throttle(self, operation: str) -> None:
        self.fake.fail(operation, Throttled("Request limit exceeded.", code="RequestLimitExceeded"))

    def calls(self, operation: str) -> int:
        return self.fake.count(operation)


class SandboxWorld:
    """The real adapter, over HTTP to the sandbox's EC2."""

    def __init__(self, ec2: Ec2, guard: SwitchGuard, server: Ec2Server) -> None:
        self.ec2, self.guard = ec2, guard
        self.url, self.control = server.url, server.control

    def interface(
        self,
        ip: str,
        *more_ips: str,
        prefixes: Sequence[str] = (),
        instance_id: str | None = None,
        zone: str = "us-west-2a",
    ) -> InterfaceId:
        interface = self.control.add_interface(
            ip, secondary_ips=more_ips, prefixes=prefixes, instance_id=instance_id, zone=zone, vpc_id=VPC
        )
        return InterfaceId(interface.interface_id)

    def address(self, tags: Mapping[str, str] | None = None, border_group: str = "") -> AllocationId:
        return AllocationId(self.control.add_address(tags=tags, border_group=border_group).allocation_id)

    def associate_by_hand(self, allocation_id: AllocationId, target: Target) -> AssociationId:
        return AssociationId(self.control.associate(allocation_id, target.interface_id, target.private_ip))

    def give_away(self, allocation_id: AllocationId) -> None:
        self.control.give_away(allocation_id)

    def kill_instance(self, instance_id: str) -> None:
        self.control.kill_instance(instance_id)

    def remove_interface(self, interface_id: InterfaceId) -> None:
        self.control.remove_interface(interface_id)

    def attach(self, interface_id: InterfaceId, instance_id: str | None) -> None:
        self.control.attach(interface_id, instance_id)

    def move_ip(self, private_ip: str, interface_id: InterfaceId, *, with_address: bool = False) -> None:
        self.control.move_ip(private_ip, interface_id, with_address=with_address)

    def late_interfaces(self) -> AbstractContextManager[None]:
        return self._late()

    @contextmanager
    def _late(self) -> Iterator[None]:
        self.control.interface_lag(FOR_EVER_S)
        try:
            yield
        finally:
            self.control.interface_lag(0)

    def omit_address(self, allocation_id: AllocationId, times: int = 1) -> None:
        self.control.omit_address(allocation_id, times)

    def settings(
        self,
        *,
        quota: int | None = None,
        pools: Sequence[str] = (),
        border_groups: Sequence[str] = (),
        default_vpc: bool = False,
        refuse_occupied: bool = False,
    ) -> None:
        self.control.change_settings(
            quota=quota,
            pools=pools,
            border_groups=border_groups,
            default_vpc=default_vpc,
            occupied_ip="refuse" if refuse_occupied else "displace",
        )

    def lose_reply(self, operation: str) -> None:
        self.control.inject(Fault(kind="lost_reply", action=operation))

    def throttle(self, operation: str) -> None:
        self.control.inject(Fault(kind="error", action=operation, code="RequestLimitExceeded", status=503))

    def calls(self, operation: str) -> int:
        return sum(1 for record in self.control.log() if record.action == operation)


@contextmanager
def adapter(
    url: str,
    guard: SwitchGuard,
    monkeypatch: pytest.MonkeyPatch,
    *,
    call_timeout_s: float = CALL_TIMEOUT_S,
    credentials: bool = True,
) -> Iterator[Ec2Adapter]:
    """The real adapter on the server at `url`, found and signed for as the SDK's own variables say."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, "/nonexistent")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "TEST") if credentials else monkeypatch.delenv(variable, raising=False)
    made = Ec2Adapter(region=REGION, vpc_id=VPC, guard=guard, call_timeout_s=call_timeout_s, version="9.9.9")
    try:
        yield made
    finally:
        made.close()


@contextmanager
def sandbox_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxWorld]:
    """A server of its own for one test."""
    guard = SwitchGuard()
    with Ec2Server(Ec2Settings(region=REGION)) as server, adapter(server.url, guard, monkeypatch) as ec2:
        yield SandboxWorld(ec2, guard, server)
