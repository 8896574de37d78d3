"""The port `LeaseStore`: what election relies on, for its fake, the sandbox and a real API server alike."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice

import pytest

from controller.core.contract import LEASE_EPOCH
from controller.core.lease import Lease, LeaseStore
from controller.core.values import Endpoint
from controller.kube.lease import KubeLeaseStore
from sandbox.kube.client import MERGE
from state.errors import ObjectConflict, ObjectNotFound
from tests.contract.adapters.kube_worlds import LIMIT_S, SERVERS, WORLDS, Api, api, until
from tests.fakes.lease import LeaseClient, LeaseServer

NAMESPACE = "kube-system"
PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"


@pytest.fixture(scope="module", params=WORLDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api | None]:
    """An API server for all tests of this file, or None for the fake."""
    with ExitStack() as stack:
        kind = request.param
        yield None if kind == "fake" else stack.enter_context(api(kind, tmp_path_factory.mktemp(kind), request))


@dataclass(frozen=True)
class Place:
    """A Lease that does not exist yet: its store, and somebody's hand that deletes it."""

    store: LeaseStore
    delete: Callable[[], object]


@pytest.fixture
def place(server: Api | None) -> Iterator[Place]:
    """A Lease of its own."""
    with ExitStack() as stack:
        if server is None:
            there = LeaseServer()
            yield Place(LeaseClient(server=there), there.delete)
        else:
            name, client = f"lease-{uuid.uuid4().hex}", server.client
            store = KubeLeaseStore(stack.enter_context(server.connection()), NAMESPACE, name)
            yield Place(store, lambda: client.call("DELETE", f"{PATH}/{name}"))


@pytest.fixture
def store(place: Place) -> LeaseStore:
    """The store of a Lease that does not exist yet."""
    return place.store


def lease(holder: str, epoch: int = 1) -> Lease:
    """A Lease to be written."""
    return Lease(holder=holder, duration_s=15, epoch=epoch, transitions=2, acquired="2026-01-02T03:04:05.000006Z")


def test_a_lease_is_made_once_and_read(store: LeaseStore) -> None:
    assert store.get() is None
    made = store.create(lease("a"))
    assert (made.holder, made.duration_s, made.epoch, made.transitions) == ("a", 15, 1, 2)
    assert made.acquired == "2026-01-02T03:04:05.000006Z"
    assert made.version
    assert store.get() == made
    with pytest.raises(ObjectConflict):
        store.create(lease("b"))


def test_an_update_needs_the_version_that_stands(store: LeaseStore) -> None:
    first = store.create(lease("a"))
    second = store.update(replace(first, holder="b", epoch=2))
    assert (second.holder, second.epoch) == ("b", 2)
    assert second.version != first.version
    with pytest.raises(ObjectConflict):
        store.update(replace(first, holder="c"))
    assert store.get() == second


def test_a_released_lease_has_no_holder(store: LeaseStore) -> None:
    made = store.create(lease("a"))
    assert store.update(replace(made, holder="")).holder == ""


def test_a_watch_tells_what_stands_and_what_comes(store: LeaseStore) -> None:
    made = store.create(lease("a"))
    heard: list[Lease | None] = []
    thread = threading.Thread(target=lambda: heard.extend(islice(store.watch(LIMIT_S), 2)))
    thread.start()
    until(lambda: heard == [made])
    changed = store.update(replace(made, holder="b"))
    thread.join(LIMIT_S)
    assert heard == [made, changed]


def test_a_watch_ends_with_silence(store: LeaseStore) -> None:
    made = store.create(lease("a"))
    assert list(store.watch(3.0)) == [made]


def test_a_deletion_is_watched_and_an_update_does_not_undo_it(place: Place) -> None:
    store, heard = place.store, list[Lease | None]()
    made = store.create(lease("a"))
    thread = threading.Thread(target=lambda: heard.extend(islice(store.watch(LIMIT_S), 2)))
    thread.start()
    until(lambda: heard == [made])
    place.delete()
    thread.join(LIMIT_S)
    assert heard == [made, None]
    with pytest.raises((ObjectNotFound, ObjectConflict)):
        store.update(replace(made, holder="b"))
    assert store.get() is None


@pytest.fixture(scope="module", params=SERVERS)
def real_api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API server."""
    with api(request.param, tmp_path_factory.mktemp("api"), request) as made:
        yield made


def test_what_others_wrote_survives_an_update(real_api: Api) -> None:
    name = f"lease-{uuid.uuid4().hex}"
    client = real_api.client
    metadata = {"name": name, "labels": {"team": "net"}, "annotations": {"note": "mine", LEASE_EPOCH: "garbage"}}
    client.call("POST", PATH, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata})
    with real_api.connection() as connection:
        store = KubeLeaseStore(connection, NAMESPACE, name)
        found = store.get()
        assert found is not None
        assert (found.holder, found.epoch, found.duration_s, found.renewed) == ("", 0, 0, "")
        store.update(replace(found, holder="me", duration_s=15, epoch=7))
    stored = client.call("GET", f"{PATH}/{name}")
    assert stored["metadata"]["labels"] == {"team": "net"}
    assert stored["metadata"]["annotations"] == {"note": "mine", LEASE_EPOCH: "7"}
    assert stored["spec"]["holderIdentity"] == "me"


def test_the_epoch_may_be_taken_away_by_hand(real_api: Api) -> None:
    name = f"lease-{uuid.uuid4().hex}"
    with real_api.connection() as connection:
        store = KubeLeaseStore(connection, NAMESPACE, name)
        store.create(lease("a", epoch=5))
        patch = {"metadata": {"annotations": {LEASE_EPOCH: None}}}
        real_api.client.call("PATCH", f"{PATH}/{name}", patch, MERGE)
        found = store.get()
    assert found is not None
    assert (found.holder, found.epoch) == ("a", 0)


def test_the_holders_address_stands_on_the_lease_while_it_holds_it(real_api: Api) -> None:
    name = f"lease-{uuid.uuid4().hex}"
    with real_api.connection() as connection:
        store = KubeLeaseStore(connection, NAMESPACE, name, Endpoint(host="10.0.0.9", port=8080))
        earlier_release = KubeLeaseStore(connection, NAMESPACE, name)
        made = store.create(lease("a"))
        assert made.address == Endpoint(host="10.0.0.9", port=8080)
        other = earlier_release.update(replace(made, holder="b"))
        assert other.address is None
        mine = store.update(replace(other, holder="a"))
        assert mine.address == Endpoint(host="10.0.0.9", port=8080)
        assert store.update(replace(mine, holder="")).address is None
    stored = real_api.client.call("GET", f"{PATH}/{name}")
    assert stored["metadata"]["annotations"] == {LEASE_EPOCH: "1"}
