"""A replica beside an API server that ends, forgets, and holds thousands of Pods: its cache follows what is true."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, WorldSettings
from tests.e2e.scene import MUTATIONS, STEADY, Scene, auto, running
from tests.real.cluster import RealCluster
from tests.real.host import RealHost
from tests.real.world import RealControl, RealWorld

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

PODS = 2000
PODS_PATH = "/api/v1/pods"
SLOW_S = 60.0


@pytest.fixture
def scene(real_host: RealHost, tmp_path: Path) -> Iterator[Scene]:
    """A world with one replica, which has not been started."""
    settings = WorldSettings(
        clusters=(ClusterSettings(name="a", replicas=1),), flags={**STEADY, "resync-period": "600"}
    )
    with RealWorld(settings, tmp_path, host=real_host) as world:
        yield Scene(world, world.clusters["a"], "ns")


def server(scene: Scene) -> RealCluster:
    """The real servers behind the scene."""
    assert isinstance(scene.cluster.kube, RealControl)
    return scene.cluster.kube.real


def pages(scene: Scene, since: int) -> list[dict[str, str]]:
    """The queries by which replicas have listed Pods since then, in their order."""
    asked = server(scene).requests()[since:]
    return [r.query for r in asked if r.verb == "list" and r.path == PODS_PATH]


def test_an_api_server_that_ends_and_comes_back_costs_no_address(scene: Scene) -> None:
    with running(scene.world):
        scene.run("p", auto())
        kept = scene.served("p", SLOW_S).allocation_id
        scene.mark()
        server(scene).stop_api()
        scene.stays(
            lambda: scene.at("p") and not scene.calls(*MUTATIONS), 6, "nothing is changed while nothing is known"
        )
        server(scene).start_api()
        scene.run("q", auto())
        scene.served("q", SLOW_S)
        assert scene.served("p").allocation_id == kept


def test_what_happened_in_versions_that_are_forgotten_is_found_by_a_new_list(scene: Scene) -> None:
    real = server(scene)
    with running(scene.world):
        scene.run("p", auto())
        gone = scene.served("p", SLOW_S).allocation_id
        [replica] = scene.cluster.replicas
        replica.freeze(on=True)
        scene.delete("p")
        scene.run("q", auto())
        real.stop_api()
        real.compact()
        real.start_api()
        since = len(real.requests())
        replica.freeze(on=False)
        scene.served("q", SLOW_S)
        scene.eventually(lambda: scene.address(gone) is None, "the address of the deleted Pod is released", SLOW_S)
        assert pages(scene, since)


def test_2000_pods_are_listed_in_pages(scene: Scene) -> None:
    wanted = scene.cluster.kube
    wanted.namespace("ns")
    with ThreadPoolExecutor(8) as hands:
        list(hands.map(lambda number: wanted.pod("ns", f"idle-{number:04}", node="n1"), range(PODS)))
    scene.run("p", auto())
    since = len(server(scene).requests())
    with running(scene.world):
        scene.served("p", SLOW_S)
        asked = pages(scene, since)
        assert all("limit" in query for query in asked)
        more = list(takewhile(lambda query: "continue" in query, asked[1:]))
        assert "continue" not in asked[0]
        assert sum(int(query["limit"]) for query in (asked[0], *more)) >= PODS
