"""One EC2 account for the fake of the port `Ec2`: the sandbox's world and rules, without a server or a clock.

Nothing here knows of calls, faults or locks; `tests.fakes.ec2` adds them.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from controller.core.views import Address, Interface
from sandbox.ec2.describe import INTERFACE_FILTERS
from sandbox.ec2.model import Change, World
from sandbox.ec2.requests import Mutation
from sandbox.ec2.rules import Rules
from sandbox.ec2.settings import Ec2Settings
from state.model import AllocationId
from tests.fakes.ec2_words import carry_out, shown_address, shown_interface


class Ec2Account:
    """Addresses and interfaces of one Region and VPC. The public attributes may be changed at any time."""

    def __init__(
        self,
        *,
        region: str = "us-west-2",
        quota: int | None = None,
        pools: Sequence[str] = (),
        border_groups: Sequence[str] = (),
        default_vpc: bool = False,
        refuse_occupied: bool = False,
    ) -> None:
        self.region, self.quota = region, quota
        self.pools, self.border_groups = pools, border_groups
        self.default_vpc, self.refuse_occupied = default_vpc, refuse_occupied
        self._world = World()
        self._ids, self._ips = itertools.count(1), itertools.count(1)

    def _mutate(self, request: Mutation) -> str:
        """A call of the API; the id that it is answered with."""
        return self._change(lambda world, rules: carry_out(world, request, rules))

    def _change(self, step: Callable[[World, Rules], Change]) -> str:
        change = step(self._world, self._rules())
        self._world = change.world
        return change.answer

    def _rules(self) -> Rules:
        settings = Ec2Settings(
            region=self.region,
            quota=self.quota,
            pools=tuple(self.pools),
            border_groups=tuple(self.border_groups),
            default_vpc=self.default_vpc,
            occupied_ip="refuse" if self.refuse_occupied else "displace",
        )
        return Rules(settings=settings, now=0.0, new_id=self._new_id, new_ip=self._new_ip)

    def _new_id(self, kind: str) -> str:
        return f"{kind}-{next(self._ids):017x}"

    def _new_ip(self) -> str:
        return str(IPv4Address("198.18.0.0") + next(self._ips))

    def _shown(self, allocation_id: AllocationId) -> Address | None:
        address = self._world.addresses.get(allocation_id)
        return shown_address(self._world, address) if address else None

    def _retag(self, allocation_id: AllocationId, tags: dict[str, str]) -> None:
        """Whatever the limits of tags are."""
        tagged = replace(self._world.addresses[allocation_id], tags=tags)
        self._world = replace(self._world, addresses={**self._world.addresses, allocation_id: tagged})


def interfaces_by(world: World, name: str, values: Iterable[str]) -> list[Interface]:
    """The interfaces that this filter of DescribeNetworkInterfaces finds by one of the values."""
    wanted, read = frozenset(values), INTERFACE_FILTERS[name]
    return [shown_interface(one) for one in world.interfaces.values() if not wanted.isdisjoint(read(one))]
