"""Traces as a receiver gets them: one trace for a Pod's serving, whoever serves; giving up is another, with a link."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping

import pytest

from controller.core.actions import Confirm, Cut
from controller.core.contract import legible
from controller.core.tracing import NoTracing, Past, trace_id
from controller.core.views import Allocation
from controller.surface import telemetry
from controller.surface.logs import Lines
from controller.surface.tracer import TraceIds
from state.errors import AlreadyAssociated
from state.model import AllocationId, AssociationId, PodUid
from tests.fakes.otlp import Receiver
from tests.web.traced import ASSOCIATE, INTEND, TELL, act, attributes, subject, tracer


def test_a_later_leader_continues_the_trace_of_a_killed_one(receiver: Receiver, env: Mapping[str, str]) -> None:
    first, second = tracer(env), tracer(env)
    kept = first.begin(subject(), "", began_s=2.0)
    act(first, subject(), kept, INTEND)
    first.shutdown()
    later = subject(kept, epoch=8)
    assert second.begin(later, kept) == kept
    act(second, later, kept, ASSOCIATE)
    second.shutdown()
    root, intend, associate = (receiver.named(name) for name in ("serve Pod", "Intend", "Associate"))
    assert intend.trace_id == associate.trace_id == root.trace_id
    assert intend.parent_span_id == associate.parent_span_id == root.span_id
    assert root.parent_span_id == b""
    assert root.end_time_unix_nano - root.start_time_unix_nano == 2_000_000_000
    assert trace_id(kept) == root.trace_id.hex()
    assert attributes(associate) == {
        "k8s.pod.uid": "pod-uid",
        "k8s.namespace.name": "games",
        "k8s.pod.name": "server-0",
        "pod_eip.mode": "auto",
        "pod_eip.pool": "amazon",
        "pod_eip.private_ip": "10.0.0.1",
        "pod_eip.epoch": 8,
        "pod_eip.attempt": 2,
        "aws.ec2.allocation_id": "eipalloc-1",
    }


def test_a_leader_that_wrote_nothing_leaves_its_spans_in_the_same_trace(
    receiver: Receiver, env: Mapping[str, str]
) -> None:
    for epoch in (7, 8):
        one = tracer(env)
        act(one, subject(epoch=epoch), one.begin(subject(epoch=epoch), ""), INTEND)
        one.shutdown()
    other = tracer(env)
    other.begin(subject(uid=PodUid("another")), "")
    other.shutdown()
    roots = [span for span in receiver.spans if span.name == "serve Pod"]
    assert [attributes(root)["pod_eip.epoch"] for root in roots] == [7, 8, 7]
    assert roots[0].trace_id == roots[1].trace_id != roots[2].trace_id
    assert len({root.span_id for root in roots}) == 3


def test_giving_up_is_a_trace_of_its_own_that_links_to_the_serving(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    served = one.begin(subject(), "")
    gone = subject(served, gone=True)
    given_up = one.begin(gone, "", link=served)
    cut = Cut(association_id=AssociationId("eipassoc-1"), allocation_id=AllocationId("eipalloc-2"))
    act(one, gone, given_up, cut)
    one.shutdown()
    plan, span, root = (receiver.named(n) for n in ("give up address", "Cut", "serve Pod"))
    assert plan.trace_id == span.trace_id != root.trace_id
    assert span.parent_span_id == plan.span_id
    assert [link.span_id for link in plan.links] == [root.span_id]
    assert attributes(span)["aws.ec2.association_id"] == "eipassoc-1"


def test_an_allocation_is_on_its_span_as_soon_as_it_is_known(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    new = Allocation(allocation_id=AllocationId("eipalloc-9"), public_ip="203.0.113.9")
    with one.action(subject(), INTEND, one.begin(subject(), "")) as note:
        note(None, (new, None))
    one.shutdown()
    known = attributes(receiver.named("Intend"))
    assert (known["aws.ec2.allocation_id"], known["pod_eip.public_ip"]) == ("eipalloc-9", "203.0.113.9")


def test_an_event_has_no_span(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    act(one, subject(), one.begin(subject(), ""), TELL)
    one.shutdown()
    assert [span.name for span in receiver.spans] == ["serve Pod"]


def test_what_is_past_lasts_as_long_as_it_did(receiver: Receiver, env: Mapping[str, str]) -> None:
    one, before = tracer(env), time.time_ns()
    parent = one.begin(subject(), "")
    past = Past(name="wait: x", began_s=3600.0, ended_s=60.0, attributes={"a": 1}, error=("Code", "said\u202e"))
    one.past(past, parent)
    one.shutdown()
    span = receiver.named("wait: x")
    assert span.end_time_unix_nano - span.start_time_unix_nano == 3_540_000_000_000
    assert before - 61_000_000_000 < span.end_time_unix_nano < time.time_ns() - 60_000_000_000
    assert span.parent_span_id == receiver.named("serve Pod").span_id
    assert (attributes(span), span.status.code) == ({"a": 1, "error.type": "Code"}, 2)
    assert span.status.message.isprintable()


def test_a_failure_is_on_the_span_and_passes(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    fault = AlreadyAssociated("it is elsewhere\u202e\x1b[31m", code="Resource.AlreadyAssociated")
    with pytest.raises(AlreadyAssociated), one.action(subject(), ASSOCIATE, one.begin(subject(), "")):
        raise fault
    one.shutdown()
    span = receiver.named("Associate")
    assert attributes(span)["error.type"] == "Resource.AlreadyAssociated"
    assert (span.status.code, span.status.message) == (2, legible(fault.explain()))
    assert span.status.message.isprintable()


def test_the_resource_says_which_replica_of_which_cluster(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    one.begin(subject(), "")
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
    with one.action(subject(), Confirm(), one.begin(subject(), "")):
        TraceIds().filter(record)
    one.shutdown()
    line = json.loads(Lines(["message"]).format(record))
    span = receiver.named("Confirm")
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
        "import time; from controller.surface import telemetry; from tests.web.traced import INTEND, act, subject\n"
        "one = telemetry.start({'OTEL_TRACES_EXPORTER': 'otlp'}, cluster='c', region=None, identity='i')\n"
        "act(one, subject(), one.begin(subject(), ''), INTEND)\n"
        "began = time.monotonic(); one.shutdown(); print(time.monotonic() - began, flush=True)\n"
        "import os; os._exit(0)"
    )
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60, capture_output=True, text=True)
    assert float(done.stdout) < 8
