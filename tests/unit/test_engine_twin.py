"""A twin of a loop: it goes on from a copy of all that the loop remembers, and the loop does not notice."""

from controller.engine.engine import Engine
from tests.unit.engine_harness import Replica, World, fixed

IP = "10.0.0.5"


def test_a_twin_of_a_loop_goes_on_by_itself() -> None:
    world = World()
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.run(5)
    loop = replica.loop
    before, twin = repr(loop.known), Engine(replica.engine.ports, replica.engine.tuning, known=loop.known.copy()).loop
    assert twin.opened is not None
    assert twin.opened.state.claims.at_ip(IP) == [pod]
    world.loops[:], replica.loop = [twin], twin
    world.pods.delete(pod)
    replica.run(20)
    assert not world.at_ip(IP)
    assert twin.opened.state.claims.at_ip(IP) == []
    assert repr(loop.known) == before
    twin.stop()
