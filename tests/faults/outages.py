"""Outages and lags, each where it hurts most, and for as long as a test says: some scale time down, some do not."""

import time

from sandbox.replica import Replica
from sandbox.world import wait_until
from tests.faults.crash import Crash, CrashPoint, Spot
from tests.faults.lives import Life, delete, move, new_life, play, serve
from tests.faults.world import FaultWorld
from tests.judges.facts import Facts


def dynamodb_away(world: FaultWorld, seconds: float, *, fails: bool) -> None:
    """Three of five served Pods go, their IPs are strangers' at once, and a Pod comes.

    Where the leader `fails` as well, nobody can cut anything meanwhile.
    """
    lives = several(world)
    for life in lives:
        serve(life)
    world.settle()
    leader, coming = world.leader(), new_life(world, "auto")
    for replica in world.replicas():
        world.doors[replica.name]["dynamodb"].close()
    since = time.monotonic()
    if fails:
        world.kill(leader)
    ips = [delete_and_reuse(life) for life in lives[:3]]
    serve(coming)
    if not fails:
        wait_until(lambda: not standing(world, ips), seconds, "nothing is left at the strangers' IPs")
    wait_until(lambda: time.monotonic() > since + seconds, seconds + 30, "the outage has lasted")
    if fails:
        assert len(standing(world, ips)) == 3, "who has not read the ledger knows nobody's address"
        world.start(leader)
    for replica in world.replicas():
        world.doors[replica.name]["dynamodb"].open()
    world.leader()


def several(world: FaultWorld, number: int = 2) -> list[Life]:
    """Pods of each mode that are still to come."""
    return [new_life(world, mode) for _ in range(number) for mode in ("auto", "fixed-tag", "fixed-tag-value")][:-1]


def delete_and_reuse(life: Life) -> str:
    """The Pod goes, and a stranger has its IP at once."""
    ip = life.sight.ip if life.sight else ""
    delete(life)
    cluster = life.world.clusters["a"]
    node = next(node for node in cluster.nodes if ip in node.ips)
    cluster.kube.pod("ns", f"stranger-{life.name}", ip=ip, node=node.name)
    return ip


def standing(world: FaultWorld, ips: list[str]) -> list[str]:
    """Those of these IPs that have an address."""
    addresses = world.ec2.world().addresses.values()
    return [a.association.private_ip for a in addresses if a.association and a.association.private_ip in ips]


def die_while_reads_lag(world: FaultWorld, what: str, *, limit_s: float) -> None:
    """The leader dies after this call for one Pod, while another goes; the first moves when it is served."""
    gone = new_life(world, "fixed-tag")
    play(gone, serve)
    coming = new_life(world, "auto")
    dead = serve_and_die(coming, what)
    delete(gone)
    world.start(dead)
    world.settle(limit_s)
    move(coming)


def serve_and_die(life: Life, what: str) -> Replica:
    """The Pod comes, and its leader dies after this call of EC2; the dead one, to be started again."""
    crash = Crash(life.world, CrashPoint(spot=Spot(service="ec2", what=what, number=1), side="after"))
    life.world.interfere(crash)
    serve(life)
    assert crash.struck.wait(60)
    return next(r for r in life.world.replicas() if crash.victim and r.name == crash.victim.name)


def allocations(world: FaultWorld) -> int:
    """How many addresses replicas allocated."""
    return len(Facts(world.history()).born)
