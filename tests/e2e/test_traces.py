"""One trace tells a Pod's serving, also when its leader dies in the middle; received as Jaeger would receive it."""

from pathlib import Path

from sandbox.ec2.faults import Fault
from sandbox.world import ClusterSettings, World, WorldSettings, wait_until
from tests.e2e.scene import QUICK, Scene, auto, running
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
    assert len({resource["service.instance.id"] for resource in receiver.resources}) == 2
    release = receiver.named("give up address")
    assert release.trace_id != serving.trace_id
    assert [link.trace_id for link in release.links] == [serving.trace_id]


def _names(receiver: Receiver) -> set[str]:
    return {span.name for span in receiver.spans}
