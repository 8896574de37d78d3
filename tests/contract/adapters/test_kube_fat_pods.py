"""Pods as large as an API server takes them: the adapter lists and watches them all, in pages of bounded bytes."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from controller.kube import paging
from controller.kube.decode import ListMeta, pod_page
from state.model import PodUid
from tests.contract.adapters.kube_worlds import SERVERS, Api, api, api_world, until

FAT = 24
MEGABYTE = 1_000_000


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API server with a namespace of fat Pods."""
    with ExitStack() as stack:
        made = stack.enter_context(api(request.param, tmp_path_factory.mktemp(request.param), request))
        made.cluster.namespace("fat")
        for number in range(FAT):
            fatten(made, f"fat-{number}", "x" * MEGABYTE)
        yield made


def fatten(server: Api, name: str, value: str) -> PodUid:
    """A Pod with this value in a variable of its container."""
    container = {"name": "main", "image": "none", "env": [{"name": "FAT", "value": value}]}
    body = {"metadata": {"name": name}, "spec": {"containers": [container], "nodeName": "somewhere"}}
    return PodUid(server.client.call("POST", "/api/v1/namespaces/fat/pods", body)["metadata"]["uid"])


def test_a_list_of_fat_pods_is_whole_and_its_pages_are_bounded(server: Api) -> None:
    found, uids, versions = list[int](), list[str](), set[str]()

    def decode(body: bytes) -> tuple[ListMeta, list[str]]:
        meta, page = pod_page(body)
        versions.add(meta.resource_version)
        named = [pod.metadata.uid for pod in page]
        found.append(len(body) if len(named) > 1 else 0)
        return meta, named

    with server.connection() as connection:
        for _, page in paging.pages(connection, "pods", "/api/v1/namespaces/fat/pods", decode):
            uids += page
    stored = server.client.call("GET", "/api/v1/namespaces/fat/pods")["items"]
    assert sorted(uids) == sorted(pod["metadata"]["uid"] for pod in stored)
    assert len(versions) == 1
    assert max(found) <= paging.PAGE_BYTES
    assert len(found) >= FAT * MEGABYTE // paging.PAGE_BYTES


def test_the_informer_has_them_all_and_hears_of_a_new_one(server: Api) -> None:
    with api_world(server) as world:
        stored = server.client.call("GET", "/api/v1/namespaces/fat/pods")["items"]
        assert all(world.pods.get(pod["metadata"]["uid"]) for pod in stored)
        new = fatten(server, "new", "x" * MEGABYTE)
        until(lambda: world.pods.get(new))


def test_a_pod_whose_json_is_larger_than_a_page(server: Api) -> None:
    """The API server writes `<` with six characters; the sandbox writes it as it is."""
    with api_world(server) as watching:
        escaped = fatten(server, "escaped", "<" * 1_450_000)
        until(lambda: watching.pods.get(escaped))
    with api_world(server) as listing:
        assert listing.pods.get(escaped)
