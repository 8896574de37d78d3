"""The only way to the API server, so that time limits, retries and tokens are right for every call.

The Kubernetes client library is used for kubeconfig, exec plugins, TLS, and tokens that are read anew when they expire
(its hook runs inside `param_serialize`, so every call goes through it). Its typed API is not used: it costs a hundred
times the CPU. Retries are off, since urllib3 would repeat a PUT after a read time-out. There is no limit of calls a
second on this side; the API server has its own. Importing the library still costs about 1 s of CPU and 20 MB, without
its models (version 37 loads those on first use).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import urllib3
from kubernetes import config as kubernetes_config
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from yaml import YAMLError

from controller.core.ports import Telemetry
from controller.kube.codes import LABELS, error_of
from state.errors import Misconfigured, PodEipError, Unavailable

POOL_SIZE = 64
CHUNK = 1 << 20
LARGEST_ANSWER = 32 << 20
"""Bytes. etcd holds objects of 1.5 MiB; where each of their characters is escaped, JSON has 9 MiB of that."""
LARGE_AT_ONCE = 2
TOO_LARGE = "AnswerTooLarge"  # the code of an Unavailable that is no more than that
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
SILENCE = urllib3.exceptions.ReadTimeoutError.__name__  # the code of an Unavailable that is no more than that
METHODS = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT", "patch": "PATCH"}
GARBLED = (ValueError, TypeError, LookupError, AttributeError)  # raised by the loader for a wrong file

Answer = urllib3.BaseHTTPResponse
Observer = Callable[[str, str, float, str], None]
"""Told as `Telemetry.call` is: the service, the operation, seconds, and the code, empty for success."""
log = logging.getLogger(__name__)


class Silent:
    """An observer that does nothing."""

    def call(self, service: str, operation: str, seconds: float, code: str) -> None:
        """Do nothing."""

    def event_dropped(self, reason: str, count: int = 1) -> None:
        """Do nothing."""

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `verb` and `resource` are RBAC's words, `timeout_s` overrides the connection's.

    An answer of more than `most_bytes` is not read to its end: Unavailable with the code TOO_LARGE. `before_send` is
    the last thing that runs before the request leaves.
    """

    verb: str
    resource: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    timeout_s: float | None = None
    most_bytes: int = LARGEST_ANSWER
    before_send: Callable[[], None] | None = None

    @property
    def doing(self) -> str:
        """`patch pods`: for errors, advice and telemetry."""
        return f"{self.verb} {self.resource}"


def path_of(*segments: str) -> str:
    """A path of quoted segments."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


class Stream:
    """An answer that is read while it arrives. Another thread may call `shutdown`, which ends the reading."""

    def __init__(self, answer: Answer, doing: str) -> None:
        self._answer = answer
        self._doing = doing

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes as they arrive. Raises Unavailable on silence beyond the read time-out."""
        with _translated(self._doing):
            yield from self._answer.stream(CHUNK)

    def shutdown(self) -> None:
        """End the reading, from any thread."""
        try:
            self._answer.shutdown()
        except (ValueError, OSError, RuntimeError) as error:
            log.debug("nothing to shut down in %s: %s", self._doing, error)

    def close(self) -> None:
        """Close the connection: one with a half-read answer must not go back to the pool."""
        self._answer.close()


class Connection:
    """The API server, with a time limit for each call. Thread-safe."""

    def __init__(self, client: ApiClient, *, call_timeout_s: float = 4.0, telemetry: Telemetry | None = None) -> None:
        self.call_timeout_s = call_timeout_s
        self._client = client
        self._observers: list[Observer] = [(telemetry or Silent()).call]
        self._tokens = threading.Lock()
        self._large = threading.BoundedSemaphore(LARGE_AT_ONCE)

    def observe(self, observer: Observer) -> None:
        """Tell this one, too, of each call that has ended, in the thread that made it."""
        self._observers.append(observer)

    def send(self, call: Call) -> bytes:
        """The body of a successful answer. Raises the errors of `codes`, and Unavailable without a whole answer."""
        request = self._prepared(call)
        with self._observed(call):
            limit = call.timeout_s or self.call_timeout_s
            deadline = time.monotonic() + limit
            return self._body(self._answer(call, request, limit), deadline, call)

    def open(self, call: Call, *, silence_s: float) -> Stream:
        """Begin to read an answer without an end. While it is read, `silence_s` without a byte is Unavailable.

        It must begin within the time limit of any other call: an API server answers a watch at once, and may be silent
        only then.
        """
        request = self._prepared(call)
        with self._observed(call):
            answer = self._answer(call, request, self.call_timeout_s)
            _bear_silence(answer, silence_s)
        return Stream(answer, call.doing)

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.rest_client.pool_manager.clear()

    def _prepared(self, call: Call) -> tuple[Any, ...]:
        """Headers and URL. A token may be fetched here, by one thread for all; `before_send` comes after that."""
        with _translated(call.doing), self._turn(call):
            request = self._client.param_serialize(
                METHODS[call.verb],
                call.path,
                query_params=list(call.query),
                header_params={"Accept": "application/json", "Content-Type": call.content_type},
                body=call.body,
                auth_settings=["BearerToken"],
            )
        if call.before_send is not None:
            call.before_send()
        return request

    def _answer(self, call: Call, request: tuple[Any, ...], timeout: float | tuple[float, float]) -> Answer:
        method, url, headers, body, form = request
        answer: Answer = self._client.call_api(method, url, headers, body, form, timeout).response
        if 200 <= answer.status < 300:
            return answer
        problem = self._body(answer, time.monotonic() + self.call_timeout_s, call)
        raise error_of(answer.status, problem, doing=call.doing, retry_after=answer.headers.get("Retry-After"))

    def _body(self, answer: Answer, deadline: float, call: Call) -> bytes:
        """The whole body. Only a few large ones are read at once, because every thread may get one."""
        begun = _read(answer, CHUNK, deadline, call)
        size = sum(map(len, begun))
        if size <= CHUNK:
            answer.release_conn()
            return b"".join(begun)
        if not self._large.acquire(timeout=max(0.0, deadline - time.monotonic())):
            answer.close()
            raise _late(call)
        try:
            parts = begun + _read(answer, call.most_bytes - size, deadline, call)
            return _whole(answer, parts, call)
        finally:
            self._large.release()

    @contextmanager
    def _turn(self, call: Call) -> Iterator[None]:
        if not self._tokens.acquire(timeout=self.call_timeout_s):
            raise Unavailable(f"{call.doing}: another thread still waits for a token", code="TokenTimeout")
        try:
            yield
        finally:
            self._tokens.release()

    @contextmanager
    def _observed(self, call: Call) -> Iterator[None]:
        began, code = time.perf_counter(), ""
        try:
            with _translated(call.doing):
                yield
        except PodEipError as error:
            code = error.label(LABELS)
            raise
        finally:
            for tell in self._observers:
                tell("kubernetes", call.doing, time.perf_counter() - began, code)


def connect(
    kubeconfig: str | None, *, version: str, call_timeout_s: float = 4.0, telemetry: Telemetry | None = None
) -> Connection:
    """The connection that a kubeconfig file describes, or else the Pod that we run in. Raises Misconfigured."""
    configuration = Configuration()
    _load(kubeconfig, configuration)
    configuration.retries = False
    configuration.connection_pool_maxsize = POOL_SIZE
    configuration.keep_alive = True
    client = ApiClient(configuration)
    client.user_agent = f"aws-pod-eip-controller/{version}"
    return Connection(client, call_timeout_s=call_timeout_s, telemetry=telemetry)


def _load(kubeconfig: str | None, configuration: Configuration) -> None:
    # The two loaders carry no types; naming theirs here keeps the rest of the module typed.
    from_file: Callable[..., None] = kubernetes_config.load_kube_config
    from_pod: Callable[..., None] = kubernetes_config.load_incluster_config
    try:
        if kubeconfig:
            from_file(config_file=kubeconfig, client_configuration=configuration)
        else:
            from_pod(client_configuration=configuration)
    except (ConfigException, OSError, YAMLError, *GARBLED) as error:
        what = f"kubeconfig {kubeconfig}" if kubeconfig else "no kubeconfig, and not in a Pod"
        raise Misconfigured([f"{what}: {error}"]) from error


def _read(answer: Answer, most: int, deadline: float, call: Call) -> list[bytes]:
    """The body, or its first `most` bytes and a little more, within a time limit: a socket's time-out alone would let a
    very slow answer last for ever."""
    parts, size = list[bytes](), 0
    while size <= most and (part := answer.read1(CHUNK)):
        parts.append(part)
        size += len(part)
        if time.monotonic() > deadline:
            answer.close()
            raise _late(call)
    return parts


def _whole(answer: Answer, parts: list[bytes], call: Call) -> bytes:
    if sum(map(len, parts)) > call.most_bytes:
        answer.close()
        raise Unavailable(f"{call.doing}: the answer has more than {call.most_bytes} bytes", code=TOO_LARGE)
    answer.release_conn()
    return b"".join(parts)


def _late(call: Call) -> Unavailable:
    return Unavailable(f"{call.doing}: the answer did not end in time", code=SILENCE)


def _bear_silence(answer: Answer, seconds: float) -> None:
    """Set the socket's time-out to the silence that is allowed. An answer that ends only with its connection does not
    know its socket: its time-out stays as it is."""
    if (socket := getattr(answer.connection, "sock", None)) is not None:
        socket.settimeout(seconds)


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """Turn whatever keeps an answer from us into Unavailable; its code is the name of the library's error."""
    try:
        yield
    except (urllib3.exceptions.HTTPError, ApiException, ConfigException, OSError) as error:
        raise _unavailable(doing, error) from error


def _unavailable(doing: str, error: Exception) -> Unavailable:
    return Unavailable(f"{doing}: {error}", code=type(error).__name__)
