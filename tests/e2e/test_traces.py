"""One trace tells a Pod's serving, also when its leader dies in the middle; received as Jaeger would receive it."""

from pathlib import Path
from typing import Any

from controller.core.spans import ATTRIBUTES, SPANS, action_names, wait_names
from sandbox.ec2.faults import Fault
from sandbox.world import ClusterSettings, World, WorldSettings, wait_until
from tests.e2e.scene import QUICK, STEADY, Scene, auto, running
from tests.fakes.otlp import Receiver


def test_a_later_leader_goes_on_in_the_trace_of_the_killed_one(tmp_path: Path) -> None:
    with Receiver() as receiver:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        clusters = (ClusterSettings(name="a", replicas=2),)
        settings = WorldSettings(clusters=clusters, dynamodb="moto", kubelet_seconds=0.5, flags=QUICK, env=env)
        with World(settings, tmp_path) as world, running(world):
            cluster = world.clusters["a"]
            scene = Scene(world, cluster, "ns")
            first = cluster.leader()
            assert first is not None
            world.ec2.inject(Fault(kind="hold", action="AssociateAddress", caller=first.name, count=None))
            scene.run("p", auto())
            wait_until(lambda: "Claim" in _names(receiver), 60, "the first leader's spans have arrived")
            first.kill()
            world.ec2.let_go()
            scene.served("p")
            wait_until(lambda: {"Record", "Label"} <= _names(receiver), 60, "the second leader's spans")
            scene.delete("p")
            wait_until(lambda: "give up address" in _names(receiver), 60, "the release's own trace")

    _hangs_together(receiver)


def _hangs_together(receiver: Receiver) -> None:
    """One trace of the serving, of both replicas' spans, and another one of the release, which points to it."""
    serving = receiver.named("serve Pod")
    mine = [span for span in receiver.spans if span.trace_id == serving.trace_id]
    assert {"Intend", "Allocate", "Claim", "Record", "Label"} <= {span.name for span in mine}
    assert all(span.parent_span_id for span in mine if span is not serving)
    assert {"seen", "queued", "patch pods/status", "EC2.AllocateAddress"} <= {span.name for span in mine}
    assert len({resource["service.instance.id"] for resource in receiver.resources}) == 2
    _says_what_is_documented(receiver.spans)
    release = receiver.named("give up address")
    assert release.trace_id != serving.trace_id
    assert [link.trace_id for link in release.links] == [serving.trace_id]


def _says_what_is_documented(spans: list[Any]) -> None:
    """Names and attributes are those of docs/traces.md; those of calls to AWS are the instrumentation's."""
    ours = [span for span in spans if span.kind == 1]  # SPAN_KIND_INTERNAL
    fixed = {name for name in SPANS if name.islower() or " Pod" in name}
    assert {span.name for span in ours} <= {*fixed, *action_names(), *wait_names()} | {
        span.name for span in ours if span.name.startswith("retry: ")
    }
    assert {attribute.key for span in ours for attribute in span.attributes} <= ATTRIBUTES.keys()


def test_an_idle_install_leaves_no_traces_and_a_busy_one_links_its_transactions(tmp_path: Path) -> None:
    """Cluster b asks for all calls: what it shows is what a does not."""
    with Receiver() as receiver:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        clusters = (
            ClusterSettings(name="a", replicas=2),
            ClusterSettings(name="b", replicas=1, flags={"trace-all-calls": "true"}),
        )
        settings = WorldSettings(clusters=clusters, dynamodb="moto", kubelet_seconds=0.5, flags=STEADY, env=env)
        with World(settings, tmp_path) as world, running(world):
            calls = {
                "DynamoDB.TransactWriteItems",
                "DynamoDB.Query",
                "EC2.DescribeAddresses",
                "update leases.coordination.k8s.io",
            }
            wait_until(lambda: calls <= _names(receiver), 90, lambda: f"idle calls of b: {_names(receiver)}")
            assert receiver.of_cluster.get("a", []) == []
            scene = Scene(world, world.clusters["a"], "ns")
            for number in range(12):
                scene.run(f"p{number}", auto())
            wait_until(lambda: _grouped(receiver), 90, "a transaction that wrote for several Pods")
    _is_linked_with_its_pods(receiver.of_cluster["a"])
    assert all(span.parent_span_id or span.name == "serve Pod" for span in receiver.of_cluster["a"])


def _grouped(receiver: Receiver) -> list[Any]:
    return [span for span in receiver.of_cluster.get("a", []) if len({link.span_id for link in span.links}) > 1]


def _is_linked_with_its_pods(spans: list[Any]) -> None:
    """A transaction that several Pods' actions share: each of them names it, and it names each, in their traces."""
    known = {span.span_id: span for span in spans}
    shared = [s for s in spans if s.name == "DynamoDB.TransactWriteItems" and len({k.trace_id for k in s.links}) > 1]
    for transaction in shared:
        for link in transaction.links:
            if link.span_id in known:  # the others had not ended when the world did
                assert transaction.span_id in {back.span_id for back in known[link.span_id].links}
    assert shared


def _names(receiver: Receiver) -> set[str]:
    return {span.name for span in receiver.spans}
