"""The sandbox's own door, `/_sandbox/`: orders that no API server takes, as JSON over HTTP.

`control.KubeControl` is its client and says what each order does.
"""

from collections.abc import Callable
from dataclasses import asdict

import msgspec

from sandbox.kube.faults import ActiveFault, Fault, FaultBook
from sandbox.kube.log import RequestLog
from sandbox.kube.protocol import Call, Reply, json_reply
from sandbox.kube.resources import Json
from sandbox.kube.status import bad_request, no_such_path
from sandbox.kube.store import Store
from sandbox.kube.watch import WatchSwitch

PREFIX = "/_sandbox/"


class Door:
    """The orders, and the latency that they set."""

    def __init__(self, store: Store, switch: WatchSwitch, faults: FaultBook, log: RequestLog) -> None:
        self._store, self._switch, self._faults, self._log = store, switch, faults, log
        self.latency_seconds = 0.0
        self._orders: dict[tuple[str, str], Callable[[Call], Json]] = {
            ("POST", "compact"): self._compact,
            ("POST", "drop-watches"): self._drop_watches,
            ("POST", "silence"): self._silence,
            ("POST", "latency"): self._latency,
            ("POST", "faults"): self._add_fault,
            ("GET", "faults"): self._list_faults,
            ("DELETE", "faults"): self._end_faults,
            ("GET", "log"): self._read_log,
            ("GET", "version"): lambda _: {"version": self._store.version},
        }

    def open(self, call: Call) -> Reply:
        """Carry out an order; 404 for one that does not exist."""
        order = self._orders.get((call.method, call.path.removeprefix(PREFIX)))
        if order is None:
            raise no_such_path()
        return json_reply(order(call))

    def _compact(self, _: Call) -> Json:
        return {"version": self._store.compact()}

    def _drop_watches(self, _: Call) -> Json:
        self._switch.generation += 1
        self._store.wake()
        return {}

    def _silence(self, call: Call) -> Json:
        order = call.json()
        client = {str(order["client"])}
        muted = self._switch.muted
        self._switch.muted = muted | client if order["silent"] else muted - client
        self._store.wake()
        return {}

    def _latency(self, call: Call) -> Json:
        self.latency_seconds = float(call.json()["seconds"])
        return {}

    def _add_fault(self, call: Call) -> Json:
        try:
            fault = msgspec.json.decode(call.body, type=Fault)
        except msgspec.ValidationError as error:
            raise bad_request(f"not a fault: {error}") from error
        return {"number": self._faults.add(fault)}

    def _list_faults(self, _: Call) -> Json:
        return {"faults": [_shown(active) for active in self._faults.active()]}

    def _end_faults(self, call: Call) -> Json:
        number = call.number("number")
        if number is None:
            self._faults.clear()
            self.latency_seconds, self._switch.muted = 0.0, frozenset()
            self._store.wake()
        elif not self._faults.release(number):
            raise no_such_path()
        return {}

    def _read_log(self, call: Call) -> Json:
        return {"entries": self._log.after(call.number("after") or 0)}


def _shown(active: ActiveFault) -> Json:
    return {"number": active.number, "struck": active.struck, "waiting": active.waiting, **asdict(active.fault)}
