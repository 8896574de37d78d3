"""Asks the leader for its status, for a standby that hands it on: one short GET, bounded in time and in size.

Whoever has the leader's address now may be a stranger. It gets a fixed path and this replica's name, and nothing else.
What it sends is read up to a limit, packed and unpacked, and is a status only if it has the form of one. Its time ends
when it ends: a socket's own time limit starts anew with each byte, so an alarm closes the connection.

Who is asked does not ask others: the header says that a replica asks, and such a request gets what the asked one knows
itself (`surface/web`). So two that take each other for the leader do not ask in circles.
"""

import threading
import time
import zlib
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from socket import SHUT_RDWR, socket

import msgspec

from controller.core.explain import Explanation
from controller.core.status import Status
from controller.core.values import Endpoint
from controller.surface.pod_route import PATH as POD_PATH
from state.errors import Unavailable

ASKED_BY = "X-Pod-EIP-Asked-By"
PATH = "/api/v1/status"
LIMIT_S = 1.0
MOST_PACKED = 8 * 1024 * 1024
MOST_BYTES = 16 * 1024 * 1024
"""Ten thousand Pods take 5 MB, and 0.6 MB packed."""
_GZIP = 16 + zlib.MAX_WBITS

_STATUS = msgspec.json.Decoder(Status)
_EXPLANATION = msgspec.json.Decoder(Explanation)
_UNKNOWN = 404


class LeaderClient:
    """`identity`: ours, which the asked replica is told. Thread-safe."""

    def __init__(self, identity: str, limit_s: float = LIMIT_S) -> None:
        self._identity, self._limit_s = identity, limit_s

    def __call__(self, address: Endpoint) -> Status:
        """What the replica there knows itself. Raises Unavailable without an answer in time, or if it is no status."""
        body = self._fetch(address)
        try:
            return _STATUS.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise _no_status("this release does not understand what it answered") from fault

    def explain(self, address: Endpoint, namespace: str, name: str) -> Explanation:
        """What the replica there knows itself of this Pod. Raises Unavailable as above."""
        body = self._fetch(address, f"{POD_PATH}{namespace}/{name}", also=_UNKNOWN)
        try:
            return _EXPLANATION.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise _no_status("this release does not understand what it answered") from fault

    def _fetch(self, address: Endpoint, path: str = PATH, also: int = 200) -> bytes:
        until = time.monotonic() + self._limit_s
        connection = HTTPConnection(address.host, address.port, timeout=self._limit_s)
        alarm: threading.Timer | None = None
        with closing(connection):
            try:
                connection.connect()
                alarm = _alarm(connection.sock, until - time.monotonic())
                connection.request("GET", path, headers={"Accept-Encoding": "gzip", ASKED_BY: self._identity})
                body = _body(connection.getresponse(), also)
                if time.monotonic() >= until:  # what was cut off can look whole
                    raise TimeoutError
                return body
            except (OSError, HTTPException, ValueError, zlib.error) as fault:
                late = time.monotonic() >= until
                raise _no_status("it did not answer in time" if late else _reason(fault)) from fault
            finally:
                if alarm is not None:
                    alarm.cancel()


def _alarm(connected: socket, after_s: float) -> threading.Timer:
    """Ends what is being read once the time is over. It holds the socket: http.client lets go of it early where the
    answer ends with the connection.
    """
    alarm = threading.Timer(max(after_s, 0.0), _cut, [connected])
    alarm.daemon = True
    alarm.start()
    return alarm


def _cut(connected: socket) -> None:
    with suppress(OSError):
        connected.shutdown(SHUT_RDWR)


def _body(response: HTTPResponse, also: int) -> bytes:
    if response.status not in (200, also):
        raise ValueError(f"it answered {response.status}")
    packed = response.read(MOST_PACKED + 1)
    if len(packed) > MOST_PACKED or response.length:
        raise ValueError("it answered too much, or not all")
    if response.headers.get("Content-Encoding", "") != "gzip":
        return packed
    unpacker = zlib.decompressobj(_GZIP)
    body = unpacker.decompress(packed, MOST_BYTES)
    if not unpacker.eof:
        raise ValueError("it answered too much, or not all")
    return body


def _reason(fault: Exception) -> str:
    """In words, and none of the other side's own."""
    match fault:
        case ConnectionRefusedError():
            return "nothing listens there"
        case OSError():
            return (fault.strerror or "the connection broke").lower()
        case ValueError() if str(fault).startswith("it answered"):
            return str(fault)
    return "what it answered is no HTTP"


def _no_status(why: str) -> Unavailable:
    return Unavailable(why, code="NoStatus")
