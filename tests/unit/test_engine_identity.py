"""An IP is no identity: no address on a machine that is not the Pod's own, whatever happens to interfaces."""

from collections.abc import Callable

import pytest

from controller.core.views import Interface
from state.model import InterfaceId
from tests.unit.engine_harness import ENI, IPS, Replica, World, auto, fixed

IP = "10.0.0.5"
OTHER = InterfaceId("eni-other")
Change = Callable[[World], None]


def strangers(world: World, *ips: str, instance_id: str | None = "i-2") -> None:
    """An interface of another machine, or of none, with these IPs."""
    world.ec2.add_interface(Interface(interface_id=OTHER, private_ips=frozenset(ips), instance_id=instance_id))


def never_served(replica: Replica, world: World, seconds: float = 130.0) -> None:
    """Nothing is ever associated or labelled; the Pod's author is told why, and not before reads can be believed."""
    replica.settle()
    assert not [event for _, event in world.events.said]
    replica.run(seconds)
    assert "AssociateAddress" not in world.mutations()
    assert "AllocateAddress" not in world.mutations()
    assert not any(pod.labels for pod in world.pods.pods.values())
    said = {(event.reason, event.message) for _, event in world.events.said}
    assert any(reason == "EIPAssociationFailed" and IP in message for reason, message in said), said


@pytest.mark.parametrize("host_network", [False, True])
@pytest.mark.parametrize("instance_id", ["i-2", None], ids=["another machine's", "nobody's"])
def test_an_ip_on_a_strangers_interface_is_not_served(
    world: World, instance_id: str | None, host_network: bool
) -> None:
    world.ec2.remove_interface(ENI)
    strangers(world, IP, instance_id=instance_id)
    world.pod("p", auto(), ip=IP, host_network=host_network)
    never_served(Replica(world).lead(), world)
    assert "not to the Pod's node (node-1, i-1)" in world.events.said[-1][1].message


def test_a_node_that_names_no_instance_owns_no_interface(world: World) -> None:
    world.pods.instances["node-1"] = None
    world.pod("p", fixed(), ip=IP)
    world.pool(1)
    never_served(Replica(world).lead(), world)
    assert "spec.providerID" in world.events.said[-1][1].message


@pytest.mark.parametrize("named", [True, False])
def test_a_branch_interface_counts_if_the_pod_names_it(world: World, named: bool) -> None:
    world.ec2.remove_interface(ENI)
    strangers(world, IP, instance_id=None)
    uid = world.pod("p", auto(), ip=IP)
    world.change(uid, branch_interfaces=frozenset({OTHER}) if named else frozenset())
    replica = Replica(world).lead()
    replica.run(30)
    assert bool(world.label(uid)) == named


def the_interface_goes(world: World) -> None:
    """Its node is gone, its Pod is still listed, and its IP is given to another machine."""
    world.ec2.remove_interface(ENI)
    strangers(world, IP)


def the_interface_is_given_away(world: World) -> None:
    """It outlives its machine, with its addresses."""
    world.ec2.attach(ENI, "i-2")


def the_ip_moves(world: World) -> None:
    """To another machine, without its address."""
    strangers(world, "10.0.9.1")
    world.ec2.move_ip(IP, OTHER)


def the_ip_moves_with_its_address(world: World) -> None:
    """As AssignPrivateIpAddresses does."""
    strangers(world, "10.0.9.1")
    world.ec2.move_ip(IP, OTHER, with_address=True)


CHANGES = [the_interface_goes, the_interface_is_given_away, the_ip_moves, the_ip_moves_with_its_address]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("annotations", [auto(), fixed()], ids=["auto", "fixed"])
def test_a_served_pod_loses_its_address_with_its_place(
    world: World, change: Change, annotations: dict[str, str]
) -> None:
    world.ec2.add_interface(Interface(interface_id=ENI, private_ips=IPS, instance_id="i-1"))
    world.pool(1)
    replica = Replica(world).lead()
    uid = world.pod("p", annotations, ip=IP)
    replica.settle()
    assert world.label(uid)
    change(world)
    world.ec2.calls.clear()
    replica.run(400, step=2)
    assert not world.at_ip(IP), "a stranger's machine is public"
    assert world.label(uid) is None
    assert "EIPAssociationFailed" in world.events.reasons(uid)


def test_a_node_that_comes_back_under_its_name_is_read_anew(world: World) -> None:
    replica = Replica(world).lead()
    first = world.pod("a", auto(), ip="10.0.0.6")
    replica.settle()
    assert world.label(first)
    world.pods.delete(first)
    world.ec2.attach(ENI, "i-9")
    world.pods.instances["node-1"] = "i-9"
    replica.run(31)
    second = world.pod("b", auto(), ip=IP)
    replica.run(7)
    assert world.label(second)


def test_an_interface_that_shows_late_is_no_reason_to_accuse(world: World) -> None:
    world.ec2.remove_interface(ENI)
    replica = Replica(world).lead()
    with world.ec2.late_interfaces():
        world.ec2.add_interface(Interface(interface_id=ENI, private_ips=IPS, instance_id="i-1"))
        uid = world.pod("p", auto(), ip=IP)
        replica.run(6)
    replica.run(20)
    assert world.label(uid)
    assert world.events.reasons(uid) == ["EIPAssociated"]


def test_who_was_given_an_ip_last_has_it_however_old_the_pod_is(world: World) -> None:
    """A Pod lost its sandbox, and its status still shows the IP that an older Pod was given."""
    world.pool(2)
    replica = Replica(world).lead()
    younger = world.pod("y", fixed(), ip=IP, created="2")
    replica.settle()
    assert world.label(younger)
    older = world.pod("o", fixed(), ip=IP, created="1")
    replica.run(10)
    assert world.label(older)
    assert world.label(younger) is None
    assert len(world.at_ip(IP)) == 1
    assert "EIPLost" in world.events.reasons(younger)
    assert any("given to Pod ns/o" in event.message for pod, event in world.events.said if pod.uid == younger)


def test_a_node_is_not_displaced_by_a_pod_that_shows_its_ip(world: World) -> None:
    replica = Replica(world).lead()
    turn = world.pod("turn", auto(), ip=IP, host_network=True)
    replica.settle()
    world.pod("odd", {}, ip=IP, created="9")
    replica.run(400, step=2)
    assert world.label(turn)
