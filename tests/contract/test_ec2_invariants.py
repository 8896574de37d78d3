"""Whatever is done to it, the simulated EC2 keeps the promises that judges rely on.

A rule machine drives the pure state machine with arbitrary calls and node losses, in every combination of settings,
and compares the world with what the journal alone tells.
"""

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sandbox.ec2.cloud import Cloud
from sandbox.ec2.interfaces import kill_instance, put_interface
from sandbox.ec2.log import Caller, holdings
from sandbox.ec2.model import Ec2Error, Interface
from sandbox.ec2.requests import (
    AllocateAddress,
    AssociateAddress,
    DisassociateAddress,
    Mutation,
    ReleaseAddress,
)
from sandbox.ec2.settings import Ec2Settings

CALLER = Caller(access_key="rule")
NODES = st.integers(0, 2)
IPS = st.integers(1, 4)


class StillClock:
    """Time does not matter here."""

    def monotonic(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        return


class Ec2Machine(RuleBasedStateMachine):
    """Ids are picked by index from all that ever were, so that stale ones are used as well."""

    @initialize(refuse=st.booleans(), default_vpc=st.booleans())
    def start(self, refuse: bool, default_vpc: bool) -> None:
        settings = Ec2Settings(occupied_ip="refuse" if refuse else "displace", default_vpc=default_vpc, quota=4)
        self.cloud = Cloud(settings, StillClock())
        self.allocations = ["eipalloc-0"]
        self.associations = ["eipassoc-0"]

    @rule(node=NODES, count=IPS)
    def put_node(self, node: int, count: int) -> None:
        ips = tuple(f"10.0.{node}.{n}" for n in range(1, count + 1))
        interface = Interface(
            interface_id=f"eni-{node}", private_ip=ips[0], secondary_ips=ips[1:], instance_id=f"i-{node}"
        )
        self.cloud.change(lambda world, _rules: put_interface(world, interface), CALLER)

    @rule(node=NODES)
    def lose_node(self, node: int) -> None:
        self.cloud.change(lambda world, _rules: kill_instance(world, f"i-{node}"), CALLER)

    @rule()
    def allocate(self) -> None:
        self.allocations += self._try(AllocateAddress())

    @rule(pick=st.integers(0), node=NODES, ip=IPS, allow=st.booleans())
    def associate(self, pick: int, node: int, ip: int, allow: bool) -> None:
        allocation = self.allocations[pick % len(self.allocations)]
        request = AssociateAddress(
            allocation_id=allocation,
            interface_id=f"eni-{node}",
            private_ip=f"10.0.{node}.{ip}",
            allow_reassociation=allow,
        )
        before = self.cloud.world.addresses.get(allocation)
        answer = self._try(request)
        if answer and before and before.association and not allow:
            assert answer == [before.association.association_id], "an address moved although that was forbidden"
        self.associations += answer

    @rule(pick=st.integers(0))
    def disassociate(self, pick: int) -> None:
        self._try(DisassociateAddress(association_id=self.associations[pick % len(self.associations)]))

    @rule(pick=st.integers(0))
    def release(self, pick: int) -> None:
        self._try(ReleaseAddress(allocation_id=self.allocations[pick % len(self.allocations)]))

    def _try(self, request: Mutation) -> list[str]:
        before = self.cloud.world
        try:
            return [self.cloud.mutate(request, CALLER).answer]
        except Ec2Error:
            assert self.cloud.world is before, "a refused call had an effect"
            return []

    @invariant()
    def targets_have_one_address_and_exist(self) -> None:
        world = self.cloud.world
        held = [a.association for a in world.addresses.values() if a.association]
        targets = [(one.interface_id, one.private_ip) for one in held]
        assert len(set(targets)) == len(targets)
        assert all(world.interfaces[eni].has_ip(ip) for eni, ip in targets)
        assert len(world.addresses) <= 4

    @invariant()
    def the_journal_tells_the_same_as_the_world(self) -> None:
        addresses = self.cloud.world.addresses.values()
        standing = {a.association.association_id for a in addresses if a.association}
        told = [one for one in holdings(self.cloud.journal()) if one.until is None]
        assert {one.association_id for one in told} == standing
        assert len({one.allocation_id for one in told}) == len(told)


TestEc2Machine = Ec2Machine.TestCase
TestEc2Machine.settings = hypothesis_settings(deadline=None, max_examples=60, stateful_step_count=30)
