"""What can go wrong between a client and EC2, on demand: refusals, lost replies, frozen calls, broken answers.

A fault waits for the next calls that fit it and is used up by them. The distinction that matters to a controller is
whether the effect took place: `error` happens instead of it (or after it, if `after_effect`), `lost_call` instead
of it, `lost_reply` and `malformed` after it, and a `hold` freezes the call before it (or after it) until let go. A
lost call and a lost reply look the same to the client: the connection is closed without an answer.
"""

import itertools
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal

FaultKind = Literal["error", "lost_call", "lost_reply", "malformed", "hold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault for the next `count` calls (None: all) of this action ("*": any) and caller.

    `caller` is a part of the access key id or of the user agent; `about`, where it is set, the value of a parameter of
    the call, such as an allocation id. `code`, `status` (0: 500) and `message` are the
    refusal of an `error`; `body` and `status` (0: 200) the answer of a `malformed`.
    """

    kind: FaultKind
    action: str = "*"
    caller: str = ""
    about: str = ""
    count: int | None = 1
    code: str = "InternalError"
    status: int = 0
    message: str = "injected"
    after_effect: bool = False
    body: str = "<DescribeAddressesResponse><addressesSet><item>"
    fault_id: int = 0

    def fits(self, action: str, callers: Iterable[str], values: Collection[str] = ()) -> bool:
        """Whether a call of this action by this caller, with these values of its parameters, meets the fault."""
        named = self.action in ("*", action) and any(self.caller in name for name in callers)
        return named and (not self.about or self.about in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A call that is frozen: `since` is monotonic."""

    held_id: int
    action: str
    access_key: str
    since: float


class FaultBook:
    """The faults that are waiting and the calls that are held; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._faults: dict[int, Fault] = {}
        self._held: dict[int, tuple[Held, threading.Event]] = {}
        self._closed = False

    def inject(self, fault: Fault) -> int:
        """Adds a fault; returns its id."""
        with self._lock:
            fault_id = next(self._ids)
            self._faults[fault_id] = replace(fault, fault_id=fault_id)
            return fault_id

    def clear(self) -> None:
        """Forgets every fault that waits; calls that are held stay held."""
        with self._lock:
            self._faults.clear()

    def waiting(self) -> tuple[Fault, ...]:
        """The faults that are not used up."""
        with self._lock:
            return tuple(self._faults.values())

    def take(self, action: str, callers: Iterable[str], values: Collection[str] = ()) -> Fault | None:
        """The oldest fault that fits, with one of its counts used up."""
        names = tuple(callers)
        with self._lock:
            fault = next((f for f in self._faults.values() if f.fits(action, names, values)), None)
            if fault and fault.count is not None:
                left = fault.count - 1
                self._faults[fault.fault_id] = replace(fault, count=left)
                if left <= 0:
                    del self._faults[fault.fault_id]
            return fault

    def hold(self, action: str, access_key: str, now: float) -> bool:
        """Blocks until let go; False if the server closes instead, and then the call must have no effect."""
        released = threading.Event()
        with self._lock:
            if self._closed:
                return False
            held = Held(held_id=next(self._ids), action=action, access_key=access_key, since=now)
            self._held[held.held_id] = (held, released)
        released.wait()
        with self._lock:
            self._held.pop(held.held_id, None)
            return not self._closed

    def held(self) -> tuple[Held, ...]:
        """The calls that are frozen now."""
        with self._lock:
            return tuple(held for held, released in self._held.values() if not released.is_set())

    def let_go(self, held_id: int | None = None) -> int:
        """Lets one held call go on, or all; returns how many."""
        with self._lock:
            chosen = [event for key, (_, event) in self._held.items() if held_id in (None, key)]
        for event in chosen:
            event.set()
        return len(chosen)

    def close(self) -> None:
        """Lets every held call go without an effect, and holds none any more."""
        with self._lock:
            self._closed = True
        self.let_go()
