"""Events as `kubectl describe pod` shows them: said once, then counted, and never anybody's trouble."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from controller.core.contract import CONDITION
from controller.core.views import EventType, PodEvent, PodView
from controller.kube.budgets import BURST
from controller.kube.events import INTERVAL_S, EventRecorder
from controller.kube.patches import PodWriter
from sandbox.kube.faults import Fault
from sandbox.kube.server import KubeServer
from state.model import PodUid
from tests.contract.adapters.kube_worlds import LIMIT_S, SERVERS, Api, Switch, api, sandbox_api, until
from tests.fakes.kube import FakeEvents

QUOTA = PodEvent(type=EventType.WARNING, reason="EIPAssociationFailed", message="AddressLimitExceeded: no more")
DONE = PodEvent(type=EventType.NORMAL, reason="EIPAssociated", message="198.51.100.7")


@dataclass
class Time:
    """A clock that a test turns."""

    now: float = 100.0

    def __call__(self) -> float:
        """Now."""
        return self.now


class Ears:
    """An observer that remembers what was dropped."""

    def __init__(self) -> None:
        self.dropped: list[str] = []

    def call(self, service: str, operation: str, seconds: float, code: str) -> None:
        """Of no interest here."""

    def event_dropped(self, reason: str, count: int = 1) -> None:
        """Remember."""
        self.dropped += [reason] * count

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """Of no interest here."""


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API server."""
    with api(request.param, tmp_path_factory.mktemp("api"), request) as made:
        yield made


@pytest.fixture
def pod(server: Api) -> PodView:
    """A Pod to speak of."""
    return make(server)


def make(server: Api) -> PodView:
    """A Pod of its own namespace."""
    namespace = f"ns-{uuid.uuid4().hex[:8]}"
    uid = server.cluster.pod(namespace, "web-0", node="somewhere")
    return PodView(uid=PodUid(uid), namespace=namespace, name="web-0")


def told(server: Api, pod: PodView) -> list[dict[str, Any]]:
    """The events about the Pod."""
    return server.cluster.events(pod.namespace, pod.name)


def test_an_event_has_the_shape_that_describe_shows(server: Api, pod: PodView) -> None:
    with server.connection() as connection:
        recorder = EventRecorder(connection, instance="replica-1")
        recorder.start()
        recorder.emit(pod, DONE)
        recorder.stop(LIMIT_S)
    (event,) = told(server, pod)
    about = event["involvedObject"]
    assert (about["kind"], about["name"], about["uid"], about["apiVersion"]) == ("Pod", "web-0", pod.uid, "v1")
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "EIPAssociated", "198.51.100.7")
    assert event["source"]["component"] == event["reportingComponent"] == "aws-pod-eip-controller"
    assert (event["reportingInstance"], event["count"]) == ("replica-1", 1)
    assert event["firstTimestamp"] == event["lastTimestamp"]


def test_the_fake_hears_what_a_pods_author_reads(server: Api, pod: PodView) -> None:
    fake = FakeEvents()
    with server.connection() as connection:
        recorder = EventRecorder(connection, instance="replica-1")
        recorder.start()
        for events in (fake, recorder):
            events.emit(pod, DONE)
            events.emit(pod, QUOTA)
        recorder.stop(LIMIT_S)
    assert sorted(fake.reasons(pod.uid)) == sorted(event["reason"] for event in told(server, pod))


def test_text_of_strangers_is_legible(server: Api, pod: PodView) -> None:
    evil, shown = "evil\u202etxt\u2028\x1b[31m", r"evil\u202etxt\u2028\u001b[31m"
    with server.connection() as connection:
        recorder = EventRecorder(connection, instance="replica-1")
        recorder.start()
        recorder.emit(pod, PodEvent(type=EventType.WARNING, reason="EIPWaiting", message=evil))
        recorder.stop(LIMIT_S)
        PodWriter(connection, Switch()).condition(pod, status=False, reason="NotAssociated", message=evil)
    assert [event["message"] for event in told(server, pod)] == [shown]
    conditions = server.cluster.get_pod(pod.namespace, pod.name)["status"]["conditions"]
    assert [one["message"] for one in conditions if one["type"] == CONDITION] == [shown]


def test_what_is_said_again_is_counted_at_most_once_in_ten_seconds(server: Api, pod: PodView) -> None:
    time = Time()
    with server.connection() as connection:
        recorder = EventRecorder(connection, instance="replica-1", clock=time)
        recorder.start()
        recorder.emit(pod, QUOTA)
        until(lambda: [event["count"] for event in told(server, pod)] == [1])
        recorder.emit(pod, QUOTA)
        recorder.emit(pod, QUOTA)
        recorder.emit(pod, DONE)
        until(lambda: len(told(server, pod)) == 2)
        assert sorted(event["count"] for event in told(server, pod)) == [1, 1]
        time.now += INTERVAL_S
        recorder.emit(pod, QUOTA)
        # Four, or three and one to come: the recorder may see the new time before it gets the new event.
        until(lambda: max(event["count"] for event in told(server, pod)) >= 3)
        recorder.emit(pod, QUOTA)
        recorder.stop(LIMIT_S)
    assert sorted(event["count"] for event in told(server, pod)) == [1, 5]


def test_another_replica_counts_on(server: Api, pod: PodView) -> None:
    with server.connection() as connection:
        for replica in ("a", "b", "c"):
            recorder = EventRecorder(connection, instance=replica)
            recorder.start()
            recorder.emit(pod, QUOTA)
            recorder.stop(LIMIT_S)
    assert [event["count"] for event in told(server, pod)] == [3]


def test_an_event_that_has_expired_is_made_anew(server: Api, pod: PodView) -> None:
    time = Time()
    with server.connection() as connection:
        recorder = EventRecorder(connection, instance="replica-1", clock=time)
        recorder.start()
        recorder.emit(pod, QUOTA)
        until(lambda: told(server, pod))
        name = told(server, pod)[0]["metadata"]["name"]
        server.client.call("DELETE", f"/api/v1/namespaces/{pod.namespace}/events/{name}")
        time.now += INTERVAL_S
        recorder.emit(pod, QUOTA)
        until(lambda: told(server, pod))
        recorder.stop(LIMIT_S)
    assert told(server, pod)[0]["count"] == 1


def test_a_long_message_is_cut_between_characters(server: Api, pod: PodView) -> None:
    with server.connection() as connection:
        recorder = EventRecorder(connection, instance="replica-1")
        recorder.start()
        recorder.emit(pod, PodEvent(type=EventType.WARNING, reason="Long", message="x" + "é" * 1_000))
        recorder.stop(LIMIT_S)
    assert told(server, pod)[0]["message"] == "x" + "é" * 511


def test_a_namespace_that_is_gone_is_no_trouble(server: Api, pod: PodView) -> None:
    with server.connection() as connection:
        recorder = EventRecorder(connection, instance="replica-1")
        recorder.start()
        recorder.emit(PodView(uid=pod.uid, namespace="no-such-namespace", name="web-0"), QUOTA)
        recorder.emit(pod, DONE)
        until(lambda: told(server, pod))
        recorder.stop(LIMIT_S)


def test_what_could_not_be_said_is_said_later(tmp_path: Any) -> None:
    time = Time()
    with KubeServer() as kube:
        server = sandbox_api(kube, tmp_path)
        pod = make(server)
        kube.control.inject(Fault(kind="status", code=503, resource="events", times=1))
        with server.connection() as connection:
            recorder = EventRecorder(connection, instance="replica-1", clock=time)
            recorder.start()
            recorder.emit(pod, QUOTA)
            until(lambda: kube.control.log(resource="events"))
            time.now += 2 * INTERVAL_S
            recorder.emit(pod, QUOTA)
            # Two, or one and one to come: the recorder may see the new time before it gets the new event.
            until(lambda: told(server, pod))
            recorder.stop(LIMIT_S)
        assert [event["count"] for event in told(server, pod)] == [2]


def test_who_emits_never_waits_and_what_is_said_again_costs_no_room(server: Api, pod: PodView) -> None:
    """Nobody sends here: 3,000 of one event are one that waits, with its count."""
    with server.connection() as connection:
        recorder = EventRecorder(connection, instance="replica-1")
        for _ in range(3_000):
            recorder.emit(pod, QUOTA)
        assert recorder.dropped == {}
        recorder.start()
        recorder.stop(LIMIT_S)
    assert [event["count"] for event in told(server, pod)] == [3_000]


def test_the_flood_of_one_namespace_delays_and_drops_no_others(tmp_path: Any) -> None:
    """A Pod that says 600 things, before another says one: what is told of the first is its budget, and not first."""
    with KubeServer() as kube:
        server = sandbox_api(kube, tmp_path)
        loud, quiet = make(server), make(server)
        telemetry = Ears()
        with server.connection() as connection:
            recorder = EventRecorder(connection, instance="replica-1", telemetry=telemetry, clock=Time())
            for number in range(600):
                recorder.emit(loud, PodEvent(type=EventType.WARNING, reason="EIPWaiting", message=str(number)))
            recorder.emit(quiet, DONE)
            recorder.start()
            recorder.stop(LIMIT_S)
        sent = [call.namespace for call in kube.control.log(resource="events") if call.verb == "create"]
        assert sent.index(quiet.namespace) == 1
        assert len(told(server, loud)) == BURST
        assert recorder.dropped == {"pod": 600 - BURST}
        assert telemetry.dropped == ["pod"] * (600 - BURST)
