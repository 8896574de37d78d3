"""What the sandbox breaks on purpose: each order has the effect that its name says, and ends when it is told to."""

import http.client
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import urllib3

from sandbox.kube.client import MERGE, Answer, ApiClient
from sandbox.kube.faults import Fault
from sandbox.kube.server import KubeServer
from tests.contract.simulators.kube_api import LIMIT_SECONDS, KubeApi, eventually, pod_body, reason

pytest_plugins = ["tests.contract.simulators.kube_world"]


@pytest.fixture
def api(kube: KubeServer) -> Iterator[KubeApi]:
    """A client of the server under faults, by the name of `victim`."""
    client = ApiClient(kube.url, {"Authorization": "Bearer victim"})
    yield KubeApi(client, "test")
    client.close()


def _in_background(call: Callable[[], Answer]) -> Future[Answer]:
    pool = ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return future


def test_open_watches_outlive_a_compaction(kube: KubeServer, api: KubeApi) -> None:
    with api.watch(api.pods(), resourceVersion=api.version()) as watching:
        api.pod("a")
        assert watching.summary() == ("ADDED", "a")
        kube.control.compact()
        api.pod("b")
        assert watching.summary() == ("ADDED", "b")


def test_watches_are_dropped(kube: KubeServer, api: KubeApi) -> None:
    with api.watch(api.pods(), resourceVersion=api.version()) as watching:
        api.pod("a")
        assert watching.summary() == ("ADDED", "a")
        kube.control.drop_watches()
        assert watching.rest() == []


def test_watches_are_silent(kube: KubeServer, api: KubeApi) -> None:
    version = api.version()
    kube.control.silence_watches()
    with (
        api.watch(api.pods(), resourceVersion=version) as watching,
        api.watch(api.pods(), resourceVersion=version, timeoutSeconds=1) as overdue,
    ):
        first = _in_background(lambda: Answer(200, watching.next(), urllib3.HTTPHeaderDict()))
        end = _in_background(lambda: Answer(200, overdue.rest(), urllib3.HTTPHeaderDict()))
        api.pod("a")
        with pytest.raises(TimeoutError):
            first.result(timeout=1.5)
        assert not end.done()
        kube.control.silence_watches(silent=False)
        assert first.result(LIMIT_SECONDS).body["object"]["metadata"]["name"] == "a"
        end.result(LIMIT_SECONDS)


def test_one_client_is_cut_off(kube: KubeServer, api: KubeApi) -> None:
    other = KubeApi(ApiClient(kube.url, {"Authorization": "Bearer other"}), "test")
    version = api.version()
    with api.watch(api.pods(), resourceVersion=version) as cut, other.watch(api.pods(), resourceVersion=version) as up:
        kube.control.partition("victim")
        other.pod("a")
        assert up.summary() == ("ADDED", "a")
        unseen = _in_background(lambda: Answer(200, cut.next(), urllib3.HTTPHeaderDict()))
        call = _in_background(lambda: api.send("POST", api.pods(), pod_body("b")))
        eventually(lambda: kube.control.faults()[0]["waiting"])
        assert not unseen.done()
        kube.control.clear_faults()
        assert unseen.result(LIMIT_SECONDS).body["type"] == "ADDED"
        assert isinstance(call.exception(LIMIT_SECONDS), urllib3.exceptions.ProtocolError)
    assert other.names(other.pods()) == ["a"]
    other.client.close()


@pytest.mark.parametrize(("code", "said"), [(500, "InternalError"), (503, "ServiceUnavailable"), (403, "Forbidden")])
def test_refusals(kube: KubeServer, api: KubeApi, code: int, said: str) -> None:
    kube.control.inject(Fault(kind="status", code=code, verb="create", resource="pods", times=1))
    assert reason(api.send("POST", api.pods(), {})) == (code, said)
    api.pod("a")


def test_throttling_says_when_to_retry(kube: KubeServer, api: KubeApi) -> None:
    kube.control.inject(Fault(kind="status", code=429, times=1))
    answer = api.send("GET", api.pods())
    assert reason(answer) == (429, "TooManyRequests")
    assert answer.headers["Retry-After"] == "1"


def test_faults_strike_only_what_they_name(kube: KubeServer, api: KubeApi) -> None:
    kube.control.inject(Fault(kind="status", code=500, verb="update", resource="leases", name="l", client="victim"))
    lease = api.lease("l")
    assert api.send("PUT", api.leases("l"), lease).code == 500
    assert api.send("GET", api.leases("l")).code == 200
    other = ApiClient(kube.url, {"Authorization": "Bearer other"})
    assert other.send("PUT", api.leases("l"), lease).code == 200
    other.close()
    assert kube.control.faults()[0]["struck"] == 1
    kube.control.clear_faults()
    assert api.send("PUT", api.leases("l"), api.ok("GET", api.leases("l"))).code == 200


def test_connection_is_cut_without_an_effect(kube: KubeServer, api: KubeApi) -> None:
    kube.control.inject(Fault(kind="close", verb="create", times=1))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        api.pod("a")
    assert api.names(api.pods()) == []


def test_reply_is_lost_after_the_effect(kube: KubeServer, api: KubeApi) -> None:
    kube.control.inject(Fault(kind="lose-reply", verb="create", times=1))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        api.pod("a")
    assert api.names(api.pods()) == ["a"]


def test_held_call_goes_on_when_it_is_let_go(kube: KubeServer, api: KubeApi) -> None:
    number = kube.control.inject(Fault(kind="hold", verb="create", times=1))
    future = _in_background(lambda: api.send("POST", api.leases(), {"metadata": {"name": "l"}}))
    eventually(lambda: kube.control.faults()[0]["waiting"])
    assert api.names(api.leases()) == []
    kube.control.release(number)
    assert future.result(LIMIT_SECONDS).code == 201


def test_late_reply_has_its_effect_first(kube: KubeServer, api: KubeApi) -> None:
    number = kube.control.inject(Fault(kind="late-reply", verb="create", times=1))
    future = _in_background(lambda: api.send("POST", api.leases(), {"metadata": {"name": "l"}}))
    eventually(lambda: api.names(api.leases()) == ["l"])
    assert not future.done()
    kube.control.release(number)
    assert future.result(LIMIT_SECONDS).code == 201


def test_hanging_call_never_has_an_effect(kube: KubeServer, api: KubeApi) -> None:
    kube.control.inject(Fault(kind="hang", verb="create"))
    future = _in_background(lambda: api.send("POST", api.leases(), {"metadata": {"name": "l"}}))
    eventually(lambda: kube.control.faults()[0]["waiting"])
    kube.control.clear_faults()
    assert isinstance(future.exception(LIMIT_SECONDS), urllib3.exceptions.ProtocolError)
    assert api.names(api.leases()) == []


def test_stale_list(kube: KubeServer, api: KubeApi) -> None:
    api.pod("a")
    version = kube.control.version()
    api.pod("b")
    kube.control.inject(Fault(kind="stale", resource="pods", version=version, times=1))
    stale = api.list(api.pods())
    assert [item["metadata"]["name"] for item in stale["items"]] == ["a"]
    assert stale["metadata"]["resourceVersion"] == str(version)
    assert api.names(api.pods()) == ["a", "b"]


def test_latency(kube: KubeServer, api: KubeApi) -> None:
    kube.control.latency(0.2)
    began = time.monotonic()
    api.version()
    assert time.monotonic() - began >= 0.2
    kube.control.latency(60)
    kube.control.clear_faults()
    api.version()  # its client would not wait so long


def test_a_fault_that_is_none_is_refused(kube: KubeServer) -> None:
    client = ApiClient(kube.url)
    assert reason(client.send("POST", "/_sandbox/faults", {"kind": "meteor"})) == (400, "BadRequest")
    assert client.send("POST", "/_sandbox/meteor", {}).code == 404
    client.close()


def test_log(kube: KubeServer, api: KubeApi) -> None:
    api.pod("a")
    api.ok("PATCH", api.pods("a", "status"), {"status": {"phase": "Running"}}, MERGE)
    api.send("GET", api.pods("nobody"))
    entries = kube.control.log(resource="pods", client="victim")
    seen = [(e.verb, e.namespace, e.name, e.subresource, e.code) for e in entries]
    assert seen == [
        ("create", "test", "", "", 201),
        ("patch", "test", "a", "status", 200),
        ("get", "test", "nobody", "", 404),
    ]
    assert entries[1].body == {"status": {"phase": "Running"}}
    assert [e.sequence for e in entries] == sorted({e.sequence for e in entries})
    assert abs(entries[0].time - time.time()) < 60
    assert kube.control.log(after=entries[-1].sequence) == []
    assert [e.verb for e in kube.control.log(verb="patch")] == ["patch"]


def test_log_of_calls_without_an_answer(kube: KubeServer, api: KubeApi) -> None:
    kube.control.inject(Fault(kind="lose-reply", verb="create", resource="pods", times=1))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        api.pod("a")
    assert kube.control.log(verb="create", resource="pods")[0].code == 0


def test_own_hand_is_neither_logged_nor_struck(kube: KubeServer) -> None:
    kube.control.inject(Fault(kind="status", code=500))
    kube.control.pod("default", "a", ip="10.0.0.1")
    assert kube.control.log() == []


def test_open_connections_end_with_the_server(kube: KubeServer, api: KubeApi) -> None:
    with api.watch(api.pods(), resourceVersion=api.version()) as watching:
        kube.stop()
        with pytest.raises((StopIteration, urllib3.exceptions.HTTPError)):
            watching.next()
    with pytest.raises(urllib3.exceptions.HTTPError):
        api.version()
    kube.start()
    assert api.names("/api/v1/namespaces", fieldSelector="metadata.name=test") == ["test"]


def test_pipelined_requests_on_one_connection(kube: KubeServer) -> None:
    host = kube.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=LIMIT_SECONDS)
    for _ in range(3):
        connection.request("GET", "/api/v1/namespaces/kube-system")
        assert connection.getresponse().read().startswith(b'{"kind":"Namespace"')
    connection.close()
