"""The events of a watch, for Pods and for the Lease.

A watch is one answer that does not end, with a JSON object a line. An ERROR event contains the server's Status and
becomes an exception. A line that is not JSON means that the answer is damaged, and the rest of it cannot be trusted. A
line that is longer than any object would fill the memory, so it ends the watch as an expired version does.
"""

import time
from collections.abc import Iterator
from math import inf

import msgspec

from controller.core.ports import Clock
from controller.kube.codes import Status, error_of_status
from controller.kube.connection import LARGEST_ANSWER, SILENCE, Stream
from controller.kube.decode import malformed
from state.errors import Unavailable, VersionExpired


class WatchEvent(msgspec.Struct, frozen=True):
    """`meta/v1 WatchEvent`: ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: msgspec.Raw


_EVENT = msgspec.json.Decoder(WatchEvent)
_STATUS = msgspec.json.Decoder(Status)


def batches(
    stream: Stream, doing: str, *, silence_s: float = inf, clock: Clock = time.monotonic
) -> Iterator[list[WatchEvent]]:
    """Yield the events as they arrive; those that arrive together are one batch. Raises the errors of `codes`.

    Bytes that make no event within `silence_s` are silence, as no bytes are. A line without an end is VersionExpired.
    """
    rest, heard = bytearray(), clock()
    for chunk in stream.chunks():
        lines, rest = _lines(rest, chunk)
        if len(rest) > LARGEST_ANSWER:
            raise VersionExpired(f"{doing}: a line of the watch is longer than {LARGEST_ANSWER} bytes")
        batch = [_event(line, doing) for line in lines if line and not line.isspace()]
        if batch:
            yield batch
            heard = clock()
        elif clock() - heard > silence_s:
            raise Unavailable(f"{doing}: nothing but empty bytes", code=SILENCE)


def _lines(rest: bytearray, chunk: bytes) -> tuple[list[bytes | bytearray], bytearray]:
    """The lines that end in this chunk, and what is left. `rest` is changed in place: a long line is not copied."""
    first, *more = chunk.split(b"\n")
    rest += first
    return ([rest, *more[:-1]], bytearray(more[-1])) if more else ([], rest)


def _event(line: bytes | bytearray, doing: str) -> WatchEvent:
    try:
        event = _EVENT.decode(line)
        if event.type != "ERROR":
            return event
        status = _STATUS.decode(event.object)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed("watch event", error) from error
    raise error_of_status(status, doing=doing)
