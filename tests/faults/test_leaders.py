"""Leaders that are told nothing, hang, or are told to stop at the worst moment; afterwards the judge reads the record.

Each is a named fault in a world of its own. Where a leader is to be replaced, the bound is that of its Lease.
"""

import http.client
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.replica import Replica
from sandbox.world import ClusterSettings, wait_until
from tests.faults.catching import Catch
from tests.faults.lives import Life, Step, delete, move, new_life, play, serve
from tests.faults.mutants import Hang, source_with
from tests.faults.wires import Deaf
from tests.faults.world import FaultWorld, fault_world
from tests.history import TRANSACTION, Call, Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "4"}
LEASE_S = 3.0
FAILOVER_S = 30.0
GRACE_S = 25.0
SERVICES: tuple[Service, ...] = ("ec2", "dynamodb", "kubernetes")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas."""
    with fault_world(tmp_path, ClusterSettings(name="a", nodes=2, replicas=2), flags=FAST) as made:
        yield made


@pytest.mark.parametrize("service", SERVICES)
def test_what_the_leader_sends_arrives_and_no_reply_comes_back(world: FaultWorld, service: Service) -> None:
    moved, gone, coming = (new_life(world, mode) for mode in ("auto", "fixed-tag", "auto"))
    for life in (moved, gone):
        play(life, serve)
    leader, deaf = world.leader(), Deaf()
    world.interfere(deaf, replica=leader.name, service=service)
    if service == "kubernetes":
        world.clusters["a"].kube.silence_watches(leader.name)
    move(moved)
    delete(gone)
    serve(coming)
    since = time.monotonic()
    wait_until(lambda: time.monotonic() > since + 2 * LEASE_S, 60, "it has lasted")
    deaf.end()
    assert deaf.unheard
    world.verdict()


HANGS = {
    "loop": ("controller/engine/reconcile.py", "        self._follow_leadership()\n"),
    "election": ("controller/engine/leader.py", "        self._take_in()\n        decision"),
}


@pytest.mark.parametrize("part", HANGS)
def test_a_part_hangs_so_the_lease_goes_to_another_and_the_probe_turns_red(tmp_path: Path, part: str) -> None:
    hang = Hang(tmp_path / "hang")
    env = source_with(tmp_path / "source", hang.planted(*HANGS[part]))
    cluster = ClusterSettings(name="a", nodes=2, replicas=2)
    with fault_world(tmp_path, cluster, flags=FAST, env=env) as world:
        held, coming = new_life(world, "auto"), new_life(world, "fixed-tag")
        play(held, serve)
        hung = world.leader()
        hang.begin(hung)
        since = time.monotonic()
        move(held)
        serve(coming)
        wait_until(lambda: next_term(world, hung, since), FAILOVER_S, f"another leads while the {part} of one hangs")
        wait_until(lambda: probe(hung) == (503, f"the {part} hangs"), 60, lambda: f"the probe is red: {probe(hung)}")
        world.settle()
        restart_as_the_kubelet_would(world, hung, hang)
        world.verdict(quiet_s=3)


def next_term(world: FaultWorld, former: Replica, since: float) -> bool:
    """Whether another replica has raised the epoch since."""
    writes = list(world.recorder.writes)
    return any(w.raises and w.at > since and w.who and w.who.name != former.name for w in writes)


def probe(replica: Replica) -> tuple[int, str]:
    """What the liveness probe is answered; 0: nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def restart_as_the_kubelet_would(world: FaultWorld, replica: Replica, hang: Hang) -> None:
    """SIGTERM, which it must heed although a part of it hangs, and then a new process."""
    world.term(replica)
    replica.wait_end(GRACE_S)
    hang.end()
    world.start(replica)
    wait_until(lambda: probe(replica)[0] == 200, 60, "the new process is healthy")


Truth = Callable[[Call], bool]


def asks(what: str) -> Truth:
    """Calls of this kind; a transaction must be more than a heartbeat."""
    return lambda call: call.what == what and (what != TRANSACTION or len(call.body["TransactItems"]) > 1)


COMING = ("AllocateAddress", "AssociateAddress", TRANSACTION, "patch pods status")
GOING = ("DisassociateAddress", "ReleaseAddress", TRANSACTION)


@pytest.mark.parametrize("late", [False, True], ids=["and-it-ends-in-time", "and-it-arrives-after-the-end"])
@pytest.mark.parametrize("step", [serve, delete])
def test_a_leader_is_told_to_stop_in_the_middle_of_each_action(world: FaultWorld, step: Step, late: bool) -> None:
    for what in COMING if step is serve else GOING:
        life = new_life(world, "auto")
        if step is not serve:
            play(life, serve)
        stop_in_the_middle(life, step, Catch(asks(what)), late=late)
    world.verdict(quiet_s=3)


@pytest.mark.again
def test_a_leader_is_told_to_stop_while_it_renews(world: FaultWorld) -> None:
    life = new_life(world, "auto")
    play(life, serve)
    for late in (False, True):
        stop_in_the_middle(life, move, Catch(asks("update leases")), late=late)
    world.verdict(quiet_s=3)


def stop_in_the_middle(life: Life, step: Step, catch: Catch, *, late: bool) -> None:
    """SIGTERM to whoever is caught in the step; its call arrives before it gives up waiting, or after its end."""
    world = life.world
    world.interfere(catch)
    step(life)
    victim = catch.caller(world)
    world.term(victim)
    if late:
        assert victim.wait_end(GRACE_S) == 0, victim.tail()
    else:
        heeded = time.monotonic() + 0.3
        wait_until(lambda: time.monotonic() > heeded, 30, "the signal has been heeded")
    catch.let_go()
    assert victim.wait_end(GRACE_S) == 0, victim.tail()
    world.interfere(None)
    world.start(victim)
    wait_until(victim.ready, 60, "the next process is ready")
    world.leader()
    world.settle()
