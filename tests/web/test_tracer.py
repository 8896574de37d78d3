"""Traces as a receiver gets them: one trace for a Pod's serving, whoever serves; giving up is another, with a link."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from controller.core.contract import legible
from controller.core.desire import Gone, Serve
from controller.core.situation import Facts, Situation
from controller.core.tracing import NoTracing, Tracing
from controller.core.views import PodView
from controller.surface import telemetry
from controller.surface.logs import Lines
from controller.surface.tracer import TraceIds
from state.errors import AlreadyAssociated
from state.model import AllocationId, InstallKey, Mode, Phase, PodRecord, PodUid
from tests.fakes.otlp import Receiver

UID = PodUid("pod-uid")
FACTS = Facts(install=InstallKey.parse("c#kube-system/eip"), cluster_name="c", home_border_group="r")
POD = PodView(uid=UID, namespace="games", name="server-0", ip="10.0.0.1")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def env(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    found = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=it"}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


def tracer(env: Mapping[str, str]) -> Tracing:
    return telemetry.start(env, cluster="games", region="eu-central-1", identity="replica-1")


def situation(traceparent: str | None = None, *, gone: bool = False) -> Situation:
    record = PodRecord(
        uid=UID,
        namespace="games",
        name="server-0",
        mode=Mode.AUTO,
        pool="amazon",
        phase=Phase.CLAIMED,
        allocation_id=AllocationId("eipalloc-1"),
        traceparent=traceparent or "",
    )
    return Situation(
        uid=UID,
        desire=Gone() if gone else Serve(mode=Mode.AUTO, pool="amazon", ip="10.0.0.1"),
        facts=FACTS,
        pod=None if gone else POD,
        record=None if traceparent is None else record,
    )


def attributes(span: Any) -> dict[str, str]:
    return {a.key: a.value.string_value for a in span.attributes}


def test_a_later_leader_continues_the_trace_of_a_killed_one(receiver: Receiver, env: Mapping[str, str]) -> None:
    first = tracer(env)
    with first.plan(situation(), serving=True) as traceparent:
        with first.action("Allocate", traceparent):
            pass
        kept = traceparent
    first.shutdown()
    second = tracer(env)
    with second.plan(situation(kept), serving=True) as traceparent:
        assert traceparent == kept
        with second.action("Associate", traceparent):
            pass
    second.shutdown()
    root, allocate, associate = (receiver.named(name) for name in ("serve Pod", "Allocate", "Associate"))
    assert allocate.trace_id == associate.trace_id == root.trace_id
    assert allocate.parent_span_id == associate.parent_span_id == root.span_id
    assert root.parent_span_id == b""
    assert kept.split("-")[1] == root.trace_id.hex()
    assert attributes(associate) == {
        "k8s.pod.uid": "pod-uid",
        "k8s.namespace.name": "games",
        "k8s.pod.name": "server-0",
        "aws.ec2.allocation_id": "eipalloc-1",
    }


def test_giving_up_is_a_trace_of_its_own_that_links_to_the_serving(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    with one.plan(situation(), serving=True) as served, one.action("Associate", served):
        pass
    with one.plan(situation(served, gone=True), serving=False) as traceparent:
        for name in ("Cut", "Release"):
            with one.action(name, traceparent):
                pass
    one.shutdown()
    plan, cut, release, root = (receiver.named(n) for n in ("give up address", "Cut", "Release", "serve Pod"))
    assert plan.trace_id == cut.trace_id == release.trace_id != root.trace_id
    assert cut.parent_span_id == release.parent_span_id == plan.span_id
    assert [link.span_id for link in plan.links] == [root.span_id]


def test_a_plan_that_only_waits_leaves_nothing(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    for gone in (False, True):
        with one.plan(situation("", gone=gone), serving=not gone) as traceparent, one.action("Tell", traceparent):
            pass
    one.shutdown()
    assert receiver.spans == []


def test_a_failure_is_on_the_span_and_passes(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    fault = AlreadyAssociated("it is elsewhere\u202e\x1b[31m", code="Resource.AlreadyAssociated")
    with (
        pytest.raises(AlreadyAssociated),
        one.plan(situation(), serving=True) as traceparent,
        one.action("Associate", traceparent),
    ):
        raise fault
    one.shutdown()
    span = receiver.named("Associate")
    assert attributes(span)["error.type"] == "Resource.AlreadyAssociated"
    assert (span.status.code, span.status.message) == (2, legible(fault.explain()))
    assert span.status.message.isprintable()


def test_the_resource_says_which_replica_of_which_cluster(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    with one.plan(situation(), serving=True) as traceparent, one.action("Allocate", traceparent):
        pass
    one.shutdown()
    expected = {
        "service.name": "aws-pod-eip-controller",
        "service.instance.id": "replica-1",
        "k8s.cluster.name": "games",
        "cloud.region": "eu-central-1",
        "deployment.environment.name": "it",
    }
    assert receiver.resources[0].items() >= expected.items()


def test_logs_within_a_span_carry_its_ids(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    record = logging.LogRecord("controller", logging.INFO, __file__, 1, "said", (), None)
    with one.plan(situation(), serving=True) as traceparent, one.action("Allocate", traceparent):
        TraceIds().filter(record)
    one.shutdown()
    line = json.loads(Lines(["message"]).format(record))
    span = receiver.named("Allocate")
    assert (line["trace_id"], line["span_id"]) == (span.trace_id.hex(), span.span_id.hex())
    assert (line["level"], line["message"], line["time"][-1]) == ("info", "said", "Z")


@pytest.mark.parametrize(
    ("variables", "on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
    ],
)
def test_the_standard_variables_turn_it_on_and_off(variables: Mapping[str, str], on: bool) -> None:
    assert telemetry.wanted(variables) is on


def test_off_nothing_is_imported() -> None:
    assert isinstance(telemetry.start({}, cluster="c", region=None, identity="i"), NoTracing)
    code = (
        "import sys; from controller.surface import telemetry;"
        "telemetry.start({}, cluster='c', region=None, identity='i');"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_receiver_that_is_not_there_does_not_hold_the_end() -> None:
    """In a process of its own, for the exporter goes on trying in a thread that is left behind."""
    code = (
        "import time; from controller.surface import telemetry; from tests.web.test_tracer import situation\n"
        "one = telemetry.start({'OTEL_TRACES_EXPORTER': 'otlp'}, cluster='c', region=None, identity='i')\n"
        "with one.plan(situation(), serving=True) as traceparent, one.action('Allocate', traceparent): pass\n"
        "began = time.monotonic(); one.shutdown(); print(time.monotonic() - began, flush=True)\n"
        "import os; os._exit(0)"
    )
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60, capture_output=True, text=True)
    assert float(done.stdout) < 8
