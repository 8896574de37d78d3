"""How a Pod can end slowly: it drains, it finished, a finalizer holds its object; and a leader that dies meanwhile."""

from sandbox.kube.client import MERGE, ApiClient
from sandbox.replica import Replica
from tests.faults.lives import Life
from tests.faults.world import FaultWorld

DRAIN_S = 3600


def drain(life: Life) -> None:
    """The Pod is deleted with a long grace: it runs on, and its players with it."""
    life.world.clusters["a"].kube.delete_pod("ns", life.name, grace_seconds=DRAIN_S)


def end_containers(life: Life) -> None:
    """The last process of a Pod under deletion ends; its kubelet says so."""
    life.world.clusters["a"].kube.terminate_containers("ns", life.name)
    life.wait_seen(lambda s: s.gone)


def finish(life: Life, phase: str) -> None:
    """The Pod has done its work, or has failed for good; its object stays."""
    life.world.clusters["a"].kube.set_phase("ns", life.name, phase)
    life.wait_seen(lambda s: s.gone)


def remove(life: Life) -> None:
    """The object goes."""
    life.world.clusters["a"].kube.delete_pod("ns", life.name)
    life.wait_seen(lambda s: s.gone)


def hold_object(life: Life, *finalizers: str) -> None:
    """These finalizers, and no others, hold the object."""
    path = f"/api/v1/namespaces/ns/pods/{life.name}"
    body = {"metadata": {"finalizers": list(finalizers)}}
    api = ApiClient(f"{life.world.clusters['a'].kube.url}/_sandbox/api")
    api.call("PATCH", path, body, MERGE)
    api.close()


def lose_leader(world: FaultWorld) -> Replica:
    """The leader dies; the dead one, to be started again."""
    leader = world.leader()
    world.kill(leader)
    return leader


def fail_over(world: FaultWorld) -> None:
    """The leader dies, another leads, and the dead one is started again."""
    dead = lose_leader(world)
    world.leader()
    world.start(dead)
