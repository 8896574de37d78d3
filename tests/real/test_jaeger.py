"""Traces in the real Jaeger: one for a Pod's serving although its leader was killed, and a linked one of the release.

The query API is asked, as Jaeger's page asks it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.ec2.faults import Fault
from sandbox.jaeger import Jaeger, JaegerSpan
from sandbox.world import ClusterSettings, WorldSettings, wait_until
from tests.e2e.scene import STEADY, Scene, auto, running
from tests.real.catalogue import parts
from tests.real.host import RealHost
from tests.real.world import RealWorld

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

LIMIT_S = 90.0


@pytest.fixture
def jaeger(tmp_path: Path) -> Iterator[Jaeger]:
    if not os.environ.get("CI") and parts()["jaeger"].program() is None:
        pytest.skip("Jaeger is not here; `make real` builds it")
    with Jaeger.start(tmp_path) as running_one:
        yield running_one


@pytest.fixture
def scene(real_host: RealHost, tmp_path: Path, jaeger: Jaeger) -> Iterator[Scene]:
    """Two replicas that export to Jaeger, beside a real API server and DynamoDB Local."""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": jaeger.otlp, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    settings = WorldSettings(clusters=(ClusterSettings(name="a", replicas=2),), flags=STEADY, env=env)
    with RealWorld(settings, tmp_path, host=real_host) as world:
        yield Scene(world, world.clusters["a"], "ns")


def serving(jaeger: Jaeger) -> list[JaegerSpan]:
    """The one trace in which the Pod is served; empty while there is none."""
    found = [trace for trace in jaeger.search(k8s_pod_name="p") if _named(trace, "serve Pod")]
    assert len(found) <= 1, "the serving is in several traces"
    return found[0] if found else []


def _named(trace: list[JaegerSpan], name: str) -> list[JaegerSpan]:
    return [span for span in trace if span.name == name]


def test_a_life_over_two_leaders_is_one_trace_and_its_release_another(scene: Scene, jaeger: Jaeger) -> None:
    with running(scene.world):
        first = scene.cluster.leader()
        assert first is not None
        scene.world.ec2.inject(Fault(kind="hold", action="AssociateAddress", caller=first.name, count=None))
        scene.run("p", auto())
        wait_until(lambda: _named(serving(jaeger), "Claim"), LIMIT_S, "the first leader's claim is in Jaeger")
        first.kill()
        scene.world.ec2.let_go()
        scene.served("p", LIMIT_S)
        wait_until(lambda: _named(serving(jaeger), "Label"), LIMIT_S, "the second leader's label is in Jaeger")
        scene.delete("p")
        wait_until(lambda: any(_named(t, "Forget") for t in jaeger.search()), LIMIT_S, "the release is in Jaeger")
        traces = jaeger.search()
    _is_one_life(served := serving(jaeger))
    release = next(trace for trace in traces if _named(trace, "give up address"))
    assert [span.links for span in _named(release, "give up address")] == [(served[0].trace_id,)]
    assert {"Cut", "Release", "Forget"} <= {span.name for span in release}
    known = {served[0].trace_id, release[0].trace_id}
    others = [span for trace in traces for span in trace if span.trace_id not in known]
    assert all(span.tags.get("error") for span in others), "heartbeats and reads are no traces of their own"


def _is_one_life(trace: list[JaegerSpan]) -> None:
    """In order: what the first leader did, then what the second did; the root is the first's."""
    ids = {span.span_id for span in trace}
    roots = [span for span in trace if not span.parents]
    assert [root.name for root in roots] == ["serve Pod"]
    assert all(set(span.parents) <= ids for span in trace), "a parent is missing"
    firsts = {span.replica: span.start_us for span in reversed(trace)}
    one, other = sorted(firsts, key=lambda replica: firsts[replica])
    done = {replica: [s.name for s in trace if s.replica == replica] for replica in (one, other)}
    order = [name for name in done[one] if name in ("Intend", "Allocate", "Claim")]
    assert order == ["Intend", "Allocate", "Claim"]
    assert [name for name in done[other] if name in ("Record", "Label")] == ["Record", "Label"]
    assert max(s.start_us for s in trace if s.replica == one) < firsts[other]
    epochs = [int(s.tags["pod_eip.epoch"]) for s in trace if "pod_eip.epoch" in s.tags]
    assert epochs == sorted(epochs)
    assert len(set(epochs)) == 2
    assert {"seen", "queued"} <= set(done[one])
    calls = {s.name for s in trace if s.tags.get("span.kind") == "client"}
    assert {"EC2.AllocateAddress", "DynamoDB.TransactWriteItems", "patch pods/status", "create events"} <= calls
