"""The port `Pods`: one contract for the fake, the adapter on the sandbox, and the adapter on a real API server."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from controller.core.views import PodView
from state.errors import NotLeading, ObjectConflict, ObjectInvalid, ObjectNotFound
from state.model import PodUid
from tests.contract.adapters.kube_worlds import WORLDS, Api, FakeWorld, World, api, api_world, until

LABEL, LABEL_TYPE = "aws-pod-eip-controller-public-ip", "aws-pod-eip-controller-type"
TYPE = "aws-samples.github.com/aws-pod-eip-controller-type"
STRANGER = PodUid("11111111-2222-3333-4444-555555555555")


@pytest.fixture(scope="module", params=WORLDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api | None]:
    """An API server for all tests of this file, or None for the fake."""
    with ExitStack() as stack:
        kind = request.param
        yield None if kind == "fake" else stack.enter_context(api(kind, tmp_path_factory.mktemp(kind), request))


@pytest.fixture
def world(server: Api | None) -> Iterator[World]:
    """An empty world."""
    with ExitStack() as stack:
        yield FakeWorld() if server is None else stack.enter_context(api_world(server))


@pytest.fixture
def scoped(server: Api | None) -> Iterator[World]:
    """An empty world in which one namespace is watched."""
    with ExitStack() as stack:
        yield FakeWorld(scoped=True) if server is None else stack.enter_context(api_world(server, scoped=True))


def seen(world: World, uid: PodUid, ip: str = "") -> PodView:
    """The Pod, once the cache has it with that IP."""
    until(lambda: (pod := world.pods.get(uid)) is not None and pod.ip == ip)
    found = world.pods.get(uid)
    assert found is not None
    return found


def test_a_pod_appears_with_what_matters(world: World) -> None:
    uid = world.make("web-0", ip="10.1.0.5", annotations={TYPE: "auto"})
    pod = seen(world, uid, "10.1.0.5")
    assert (pod.namespace, pod.name, pod.annotations) == (world.namespace, "web-0", {TYPE: "auto"})
    assert (pod.gated, pod.condition, pod.finished, pod.deleting) == (True, None, False, False)
    assert pod in world.pods.annotated()
    until(lambda: uid in world.changed)


def test_a_pod_without_anything_of_ours_is_seen_but_not_annotated(world: World) -> None:
    pod = seen(world, world.make("web-0", ip="10.1.1.5", annotations={}), "10.1.1.5")
    assert pod not in world.pods.annotated()
    assert world.pods.at_ip("10.1.1.5") == (pod,) or list(world.pods.at_ip("10.1.1.5")) == [pod]


def test_only_live_pods_are_at_an_ip(world: World) -> None:
    first, second = world.make("old", ip="10.1.2.5"), world.make("new", ip="10.1.2.5")
    world.make("daemon", ip="10.1.2.5", host_network=True)
    until(lambda: {pod.uid for pod in world.pods.at_ip("10.1.2.5")} == {first, second})
    world.finish("old")
    until(lambda: {pod.uid for pod in world.pods.at_ip("10.1.2.5")} == {second})
    assert world.pods.at_ip("") == () or not list(world.pods.at_ip(""))


def test_of_two_pods_at_one_ip_the_later_has_the_greater_version(world: World) -> None:
    first = seen(world, world.make("old", ip="10.1.12.5"), "10.1.12.5")
    second = seen(world, world.make("new", ip="10.1.12.5"), "10.1.12.5")
    had = world.pods.ip_version(first.uid)
    assert 0 < had < world.pods.ip_version(second.uid)
    world.pods.patch_labels(first, {LABEL: "198.51.100.7"})
    until(lambda: (pod := world.pods.get(first.uid)) is not None and pod.labels)
    assert world.pods.ip_version(first.uid) == had, "it is the IP's, not the Pod's"


def test_a_pod_of_another_namespace_is_not_seen_but_can_be_fetched(scoped: World) -> None:
    watched, scoped.namespace = scoped.namespace, f"{scoped.namespace}-not"
    outside = scoped.make("out", ip="10.1.13.5")
    fetched = scoped.pods.fetch(scoped.namespace, "out")
    assert fetched is not None
    assert fetched.uid == outside
    assert (scoped.pods.in_scope(watched), scoped.pods.in_scope(scoped.namespace)) == (True, False)
    scoped.namespace = watched
    seen(scoped, scoped.make("in", ip="10.1.13.6"), "10.1.13.6")
    assert scoped.pods.get(outside) is None


def test_labels_are_set_and_removed_on_a_pod_without_labels(world: World) -> None:
    uid = world.make("web-0", ip="10.1.3.5")
    world.pods.patch_labels(seen(world, uid, "10.1.3.5"), {LABEL: "198.51.100.7", LABEL_TYPE: "auto"})
    assert world.labels("web-0") == {LABEL: "198.51.100.7", LABEL_TYPE: "auto"}
    assert seen(world, uid, "10.1.3.5").labels == {LABEL: "198.51.100.7", LABEL_TYPE: "auto"}
    world.pods.patch_labels(seen(world, uid, "10.1.3.5"), {LABEL: None})
    assert world.labels("web-0") == {LABEL_TYPE: "auto"}


def test_the_answer_to_a_patch_is_seen_at_once(world: World) -> None:
    pod = seen(world, world.make("web-0", ip="10.1.4.5"), "10.1.4.5")
    world.pods.patch_labels(pod, {LABEL: "198.51.100.7"})
    there = world.pods.get(pod.uid)
    assert there is not None
    assert there.labels == {LABEL: "198.51.100.7"}
    assert there in world.pods.annotated()


def test_what_is_assumed_of_a_pod_is_seen_until_the_server_shows_another_version(world: World) -> None:
    pod = seen(world, world.make("web-0", ip="10.1.20.5"), "10.1.20.5")
    assumed = replace(pod, labels={LABEL: "198.51.100.7"})
    world.pods.assume(assumed)
    assert world.pods.get(pod.uid) == assumed
    assert world.labels("web-0") == {}
    world.pods.patch_labels(pod, {LABEL_TYPE: "auto"})
    there = world.pods.get(pod.uid)
    assert there is not None
    assert there.labels == {LABEL_TYPE: "auto"}


def test_an_illegal_label_value_is_refused(world: World) -> None:
    pod = seen(world, world.make("web-0", ip="10.1.5.5"), "10.1.5.5")
    with pytest.raises(ObjectInvalid):
        world.pods.patch_labels(pod, {LABEL: "not a value"})
    assert world.labels("web-0") == {}


def test_a_pod_that_came_back_under_its_name_is_not_patched(world: World) -> None:
    pod = replace(seen(world, world.make("web-0", ip="10.1.6.5"), "10.1.6.5"), uid=STRANGER)
    with pytest.raises(ObjectConflict):
        world.pods.patch_labels(pod, {LABEL: "198.51.100.7"})
    with pytest.raises(ObjectConflict):
        world.pods.patch_condition(pod, status=True, reason="Associated", message="")
    assert world.labels("web-0") == {}


def test_a_pod_that_is_gone_is_not_patched(world: World) -> None:
    pod = seen(world, world.make("web-0", ip="10.1.7.5"), "10.1.7.5")
    world.delete("web-0")
    with pytest.raises(ObjectNotFound):
        world.pods.patch_labels(pod, {LABEL: "198.51.100.7"})
    with pytest.raises(ObjectNotFound):
        world.pods.patch_condition(pod, status=False, reason="Gone", message="")


def test_nothing_is_patched_without_leading(world: World) -> None:
    pod = seen(world, world.make("web-0", ip="10.1.8.5"), "10.1.8.5")
    world.guard.leading = False
    with pytest.raises(NotLeading):
        world.pods.patch_labels(pod, {LABEL: "198.51.100.7"})
    with pytest.raises(NotLeading):
        world.pods.patch_condition(pod, status=True, reason="Associated", message="")
    assert world.labels("web-0") == {}
    fetched = world.pods.fetch(world.namespace, "web-0")
    assert fetched is not None
    assert fetched.condition is None


def test_a_pod_that_has_changed_since_is_patched_only_without_a_version(world: World) -> None:
    pod = seen(world, world.make("web-0", ip="10.1.14.5"), "10.1.14.5")
    assert pod.version
    world.finish("web-0")
    with pytest.raises(ObjectConflict):
        world.pods.patch_labels(pod, {LABEL: "198.51.100.7"})
    with pytest.raises(ObjectConflict):
        world.pods.patch_condition(pod, status=True, reason="Associated", message="")
    assert world.labels("web-0") == {}
    world.pods.patch_labels(replace(pod, version=""), {LABEL: "198.51.100.7"})
    assert world.labels("web-0") == {LABEL: "198.51.100.7"}


def test_the_condition_is_written_and_changed(world: World) -> None:
    uid = world.make("web-0", ip="10.1.9.5")
    for status, word in ((True, "True"), (False, "False")):
        pod = seen(world, uid, "10.1.9.5")
        world.pods.patch_condition(pod, status=status, reason="Because", message="of this")
        fetched = world.pods.fetch(world.namespace, "web-0")
        assert fetched is not None
        assert fetched.condition == word
        assert fetched.ip == "10.1.9.5"


def test_a_deletion_is_seen(world: World) -> None:
    uid = world.make("web-0", ip="10.1.10.5", annotations={TYPE: "auto"})
    seen(world, uid, "10.1.10.5")
    assert not world.pods.seen_deleted(uid)
    until(lambda: uid in world.changed)
    world.changed.clear()
    world.delete("web-0")
    until(lambda: world.pods.seen_deleted(uid))
    assert world.pods.get(uid) is None
    assert not world.pods.at_ip("10.1.10.5")
    assert uid not in {pod.uid for pod in world.pods.annotated()}
    until(lambda: uid in world.changed)


def test_fetch_shows_what_is_there_now(world: World) -> None:
    assert world.pods.fetch(world.namespace, "web-0") is None
    assert world.pods.fetch("no-such-namespace", "web-0") is None
    first = world.make("web-0", ip="10.1.11.5")
    world.delete("web-0")
    second = world.make("web-0", ip="10.1.11.6")
    fetched = world.pods.fetch(world.namespace, "web-0")
    assert fetched is not None
    assert fetched.uid == second != first


def test_nodes_tell_their_instances(world: World) -> None:
    world.node(f"a-{world.namespace}", "aws:///us-west-2a/i-0123456789abcdef0")
    world.node(f"h-{world.namespace}", "eks-hybrid:///us-west-2/cluster/mi-0123")
    ours, theirs = f"a-{world.namespace}", f"h-{world.namespace}"
    assert world.pods.instance_of(ours, float("-inf")) == (False, None), "nobody is asked by that"
    for node in (ours, theirs, "nowhere"):
        world.pods.read_instance(node)
    assert world.pods.instance_of(ours, float("-inf")) == (True, "i-0123456789abcdef0")
    assert world.pods.instance_of(ours, float("inf")) == (False, None), "that was read earlier"
    assert world.pods.instance_of(theirs, float("-inf")) == (True, None)
    assert world.pods.instance_of("nowhere", float("-inf")) == (True, None)
    assert "i-0123456789abcdef0" in world.pods.own_instances()
    assert not any(instance.startswith("mi-") for instance in world.pods.own_instances())
