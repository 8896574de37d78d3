"""Planning for one Pod without leading: the product's own plan on ports that refuse every change."""

from typing import Any

import pytest

from controller.core import actions as act
from controller.core.actions import Wait, WaitReason
from controller.core.policy import Effect, Policy, Rule
from controller.engine.leadership import Leadership
from controller.engine.looker import Looked, look
from controller.engine.peers import Peers
from controller.engine.tuning import Ports
from state.model import PodUid
from tests.unit.engine_harness import Replica, World, auto, fixed

CHANGES = {
    "ec2": ("allocate", "associate", "disassociate", "release"),
    "pods": ("patch_labels", "patch_condition", "assume"),
    "ledger": ("commit", "take_over", "fence_self", "deregister", "heartbeat", "begin_term"),
    "events": ("emit",),
}


class ReadOnly:
    """A port in front of another, whose changes are refused as a role with read rights would be."""

    def __init__(self, port: Any, changes: tuple[str, ...]) -> None:
        self._port, self._changes = port, changes
        self.refused: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in self._changes:
            self.refused.append(name)
            raise AssertionError(f"{name} is a change")
        return getattr(self._port, name)


def looked(one: Replica, uid: str) -> Looked:
    """What somebody sees who may only read."""
    world = one.world
    ports: Any = {
        "ec2": ReadOnly(world.ec2, CHANGES["ec2"]),
        "pods": ReadOnly(world.pods, CHANGES["pods"]),
        "ledger": ReadOnly(one.ledger, CHANGES["ledger"]),
        "events": ReadOnly(world.events, CHANGES["events"]),
    }
    before = world.quiet()
    made = Ports(
        **ports,
        tokens=world.tokens,
        tracing=one.plans,
        leadership=Leadership(world.clock, 4.0),
        rules=one.engine.ports.rules,
        clock=world.clock,
    )
    found = look(made, one.engine.tuning, Peers(world.clock), PodUid(uid))
    assert world.quiet() == before
    assert not [name for port in ports.values() for name in port.refused]
    return found


def test_it_plans_what_a_leader_would_do(world: World) -> None:
    world.pod("a", auto())
    found = looked(Replica(world), "a")
    kinds = [type(step) for step in found.plan]
    assert kinds == [act.Intend, act.Allocate, act.Claim, act.Associate, act.Record, act.Label]


def test_a_served_pod_needs_nothing(world: World) -> None:
    uid = world.pod("a", auto())
    one = Replica(world).lead()
    one.settle()
    found = looked(one, uid)
    assert found.plan == ()
    assert found.situation.address is not None


def test_an_empty_pool_and_a_rule_are_found(world: World) -> None:
    world.pod("a", fixed("game"))
    [*_, wait] = looked(Replica(world), "a").plan
    assert isinstance(wait, Wait)
    assert wait.reason is WaitReason.POOL
    world.policy = Policy(rules=(Rule(name="none", effect=Effect.DENY),))
    [*_, wait] = looked(Replica(world), "a").plan
    assert isinstance(wait, Wait)
    assert wait.reason is WaitReason.REFUSED


def test_a_pod_that_is_gone_and_holds_something(world: World) -> None:
    uid = world.pod("a", auto())
    one = Replica(world).lead()
    one.settle()
    world.pods.delete(uid)
    kinds = [type(step) for step in looked(one, uid).plan]
    assert act.Cut in kinds
    assert act.MarkReleasing in kinds


def test_the_ports_of_this_test_do_refuse(world: World) -> None:
    port = ReadOnly(world.ec2, CHANGES["ec2"])
    with pytest.raises(AssertionError, match="is a change"):
        port.allocate(None)


@pytest.fixture
def world() -> World:
    """A cluster."""
    return World()
