"""Everything around the API: the log, the latency, the faults, and the sandbox's own door past all three.

Below `/_sandbox/` stand the controls, and `/_sandbox/api/` is the same API undisturbed and unlogged, so that a
test's own hand never counts among the requests that it examines.
"""

import threading
from dataclasses import replace

import msgspec

from sandbox.kube.api import Api
from sandbox.kube.door import PREFIX, Door
from sandbox.kube.faults import ActiveFault, FaultBook
from sandbox.kube.log import LogEntry, RequestLog
from sandbox.kube.protocol import Call, Reply, Stream, refusal_reply
from sandbox.kube.status import RefusedError, failure
from sandbox.kube.target import Target, parse_path, verb_of

_QUIET = PREFIX + "api"
_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 429: "TooManyRequests"}
_SERVER_REASONS = {500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}


class CutError(Exception):
    """The connection is to be closed without an answer."""


class Gateway:
    """From a call to its answer, or to none."""

    def __init__(self, api: Api, faults: FaultBook, log: RequestLog, door: Door) -> None:
        self._api, self._faults, self._log, self._door = api, faults, log, door
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let go of everything that waits."""
        self._stopping.set()
        self._faults.clear()

    def answer(self, call: Call) -> Reply | Stream:
        """The answer to a call; CutError where there is none."""
        try:
            return self._route(call)
        except RefusedError as error:
            return refusal_reply(error)

    def _route(self, call: Call) -> Reply | Stream:
        if call.path.startswith(_QUIET + "/"):
            return self._quiet(replace(call, path=call.path.removeprefix(_QUIET)))
        if call.path.startswith(PREFIX):
            return self._door.open(call)
        target = parse_path(call.path)
        if target is None:
            return self._api.describe(call)
        return self._logged(_verb(call, target), target, call)

    def _quiet(self, call: Call) -> Reply | Stream:
        target = parse_path(call.path)
        return self._api.perform(_verb(call, target), target, call) if target else self._api.describe(call)

    def _logged(self, verb: str, target: Target, call: Call) -> Reply | Stream:
        entry = self._log.open(verb, target, call, _body_for_log(call))
        try:
            reply = self._struck(verb, target, call)
        except RefusedError as error:
            reply = refusal_reply(error)
        except CutError:
            entry.code = 0
            raise
        return _noted(entry, reply)

    def _struck(self, verb: str, target: Target, call: Call) -> Reply | Stream:
        if seconds := self._door.latency_seconds:
            self._stopping.wait(seconds)
        active = self._faults.strike(verb, target, (call.bearer, call.agent))
        if active is None:
            return self._api.perform(verb, target, call)
        _before(active)
        stale = active.fault.kind == "stale" and verb == "list"
        if stale:
            return self._api.list_at(target, call, active.fault.version)
        reply = self._api.perform(verb, target, call)
        _after(active)
        return reply


def _before(active: ActiveFault) -> None:
    """What the fault does before the call has its effect."""
    match active.fault.kind:
        case "status":
            raise _status(active.fault.code)
        case "close":
            raise CutError
        case "hang":
            active.wait()
            raise CutError
        case "hold":
            active.wait()
        case "delay":
            active.wait(active.fault.seconds)


def _after(active: ActiveFault) -> None:
    """What the fault does once the call has had its effect."""
    if active.fault.kind == "lose-reply":
        raise CutError
    if active.fault.kind == "late-reply":
        active.wait()


def _status(code: int) -> RefusedError:
    reason = (_REASONS | _SERVER_REASONS).get(code, "InternalError")
    retry = {"retryAfterSeconds": 1} if code in (429, 503) else None
    return failure(code, reason, f"the sandbox was told to answer {code}", retry)


def _verb(call: Call, target: Target) -> str:
    watching = call.method == "GET" and call.flag("watch")
    return verb_of(call.method, target, watching=watching)


def _body_for_log(call: Call) -> object:
    if call.method not in ("POST", "PUT", "PATCH"):
        return None
    try:
        return msgspec.json.decode(call.body)
    except msgspec.DecodeError:
        return call.body.decode(errors="replace")


def _noted(entry: LogEntry, reply: Reply | Stream) -> Reply | Stream:
    entry.code = reply.code if isinstance(reply, Reply) else 200
    return reply
