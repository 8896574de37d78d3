"""Whatever is done to it, the simulated EC2 keeps the promises that judges rely on.

A rule machine drives the pure state machine with arbitrary calls, node losses, and interfaces, IPs and addresses that
change hands, in every combination of settings, and compares the world with what the journal alone tells.
"""

from collections.abc import Callable

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sandbox.ec2.addresses import mutate
from sandbox.ec2.byhand import give_away
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.commands import MoveIp
from sandbox.ec2.interfaces import attach, kill_instance, move_ip, put_interface, set_instance_state
from sandbox.ec2.log import Caller, holdings
from sandbox.ec2.model import Change, Ec2Error, InstanceState, Interface, World
from sandbox.ec2.requests import (
    AllocateAddress,
    AssociateAddress,
    DisassociateAddress,
    Mutation,
    ReleaseAddress,
)
from sandbox.ec2.rules import Rules
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
        self._do(lambda world, _rules: put_interface(world, interface))

    @rule(node=NODES, instance=st.none() | NODES)
    def attach(self, node: int, instance: int | None) -> None:
        goal = None if instance is None else f"i-{instance}"
        self._do(lambda world, _rules: attach(world, f"eni-{node}", goal))

    @rule(source=NODES, ip=IPS, goal=NODES, with_address=st.booleans())
    def move_ip(self, source: int, ip: int, goal: int, with_address: bool) -> None:
        command = MoveIp(private_ip=f"10.0.{source}.{ip}", interface_id=f"eni-{goal}", with_address=with_address)
        self._do(lambda world, rules: move_ip(world, command, rules))

    @rule(node=NODES, state=st.sampled_from(("pending", "running", "stopped")))
    def set_instance_state(self, node: int, state: InstanceState) -> None:
        self._do(lambda world, _rules: set_instance_state(world, f"i-{node}", state))

    @rule(pick=st.integers(0))
    def give_away(self, pick: int) -> None:
        allocation = self.allocations[pick % len(self.allocations)]
        before = self.cloud.world.addresses.get(allocation)
        self._do(lambda world, _rules: give_away(world, allocation))
        if before:
            assert self._try(ReleaseAddress(allocation_id=allocation)) == [], "another account's address was released"

    @rule(node=NODES)
    def lose_node(self, node: int) -> None:
        self.cloud.change(lambda world, _rules: kill_instance(world, f"i-{node}"), CALLER)

    @rule()
    def allocate(self) -> None:
        self.allocations += self._try(AllocateAddress())

    @rule(pick=st.integers(0), node=NODES, subnet=NODES, ip=IPS, allow=st.booleans())
    def associate(self, pick: int, node: int, subnet: int, ip: int, allow: bool) -> None:
        allocation = self.allocations[pick % len(self.allocations)]
        request = AssociateAddress(
            allocation_id=allocation,
            interface_id=f"eni-{node}",
            private_ip=f"10.0.{subnet}.{ip}",
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
        return self._do(lambda world, rules: mutate(world, request, rules))

    def _do(self, step: Callable[[World, Rules], Change]) -> list[str]:
        before = self.cloud.world
        try:
            return [self.cloud.change(step, CALLER).answer]
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
