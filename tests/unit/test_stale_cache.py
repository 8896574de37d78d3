"""A new leader whose cache of Pods is older than the claims that it finds takes nothing away for what it shows.

A replica that was cut off from the API server for some seconds may get the Lease at the moment in which it can reach
it again: its predecessor's claims were made for Pods as they were later.
"""

from dataclasses import replace

import pytest

from controller.core.views import Interface
from state.model import InterfaceId, PodUid
from tests.fakes.kube import FakePods
from tests.unit.engine_harness import Replica, World, auto, fixed


def succeed(world: World, first: Replica, uid: PodUid, **seen: object) -> Replica:
    """Another replica leads, whose cache has this Pod as it was before."""
    first.crash()
    true = world.pods.pods[uid]
    before = replace(true, version="1", **seen)  # type: ignore[arg-type]
    behind = FakePods(pods={uid: before}, instances=world.pods.instances)
    behind.stale, behind.pods[uid] = True, true
    world.pods = behind
    return Replica(world).lead()


@pytest.mark.parametrize("seen", [auto(), fixed("other"), {}])
def test_annotations_of_before_take_nothing_away(world: World, seen: dict[str, str]) -> None:
    first = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    first.settle()
    before = len(world.mutations())
    second = succeed(world, first, pod, annotations=seen)
    second.run(40)
    assert len(world.mutations()) == before
    assert 0 < len(world.pods.fetches) < 12
    world.pods.relist()
    second.run(31)
    assert len(world.mutations()) == before
    assert world.label(pod)


def test_an_ip_of_before_moves_nothing(world: World) -> None:
    other = world.ec2.add_interface(Interface(interface_id=InterfaceId("eni-2"), private_ips=frozenset({"10.0.9.1"})))
    world.ec2.move_ip("10.0.0.6", other.interface_id)
    first = Replica(world).lead()
    pod = world.pod("p", auto())
    first.settle()
    before = len(world.mutations())
    second = succeed(world, first, pod, ip="10.0.0.6")
    second.run(40)
    assert len(world.mutations()) == before
    assert world.at_ip("10.0.0.5")


def test_what_the_api_server_says_too_is_believed_at_once(world: World) -> None:
    first = Replica(world).lead()
    pod = world.pod("p", auto())
    first.settle()
    first.crash()
    world.change(pod, annotations={})
    second = Replica(world).lead()
    second.settle()
    assert not world.at_ip("10.0.0.5")
    assert len(world.pods.fetches) == 1


def test_a_claim_of_this_term_is_not_asked_about(world: World) -> None:
    replica = Replica(world).lead()
    pod = world.pod("p", auto())
    replica.settle()
    world.change(pod, annotations={})
    replica.settle()
    assert not world.at_ip("10.0.0.5")
    assert not world.pods.fetches
