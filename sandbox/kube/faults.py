"""What can be broken on purpose: calls that match a fault are refused, held, cut off or answered late.

A fault names the calls it strikes (verb, resource, client and so on, `*` for any) and how often; the first that
matches a call is used up by one. Held calls wait at a gate until the fault is released or cleared.
"""

import itertools
import threading
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sandbox.kube.target import Target

FaultKind: TypeAlias = Literal["status", "close", "hang", "hold", "lose-reply", "late-reply", "delay", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    `status` answers `code` without effect; `close` cuts the connection before, `lose-reply` after the effect;
    `hang` never answers; `hold` waits before, `late-reply` after the effect; `delay` waits `seconds`; `stale`
    answers a list as of `version`.
    """

    kind: FaultKind
    verb: str = "*"
    resource: str = "*"
    namespace: str = "*"
    name: str = "*"
    subresource: str = "*"
    client: str = "*"
    """A part of the client's token or of its User-Agent."""
    times: int = 0
    """How many calls it strikes; 0 is all until it is released."""
    code: int = 503
    seconds: float = 0.0
    version: int = 0

    def strikes(self, verb: str, target: Target, clients: tuple[str, str]) -> bool:
        """Whether the call is one of those that it names."""
        asked = (self.verb, self.resource, self.namespace, self.name, self.subresource)
        real = (verb, target.resource.plural, target.namespace, target.name, target.subresource)
        same = all(a in ("*", r) for a, r in zip(asked, real, strict=True))
        return same and (self.client == "*" or any(self.client in c for c in clients))


@dataclass(slots=True, eq=False)
class ActiveFault:
    """A fault in force: how many calls it has struck, and how many wait at its gate."""

    number: int
    fault: Fault
    struck: int = 0
    waiting: int = 0
    gate: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the fault is released, at most so long."""
        self.waiting += 1
        self.gate.wait(seconds)
        self.waiting -= 1


class FaultBook:
    """The faults in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._active: dict[int, ActiveFault] = {}

    def add(self, fault: Fault) -> int:
        """Put a fault in force; its number."""
        with self._lock:
            number = next(self._numbers)
            self._active[number] = ActiveFault(number, fault)
            return number

    def strike(self, verb: str, target: Target, clients: tuple[str, str]) -> ActiveFault | None:
        """The first fault with strikes left that names this call; it has one less then."""
        with self._lock:
            for active in self._active.values():
                left = active.fault.times == 0 or active.struck < active.fault.times
                if left and active.fault.strikes(verb, target, clients):
                    active.struck += 1
                    return active
        return None

    def release(self, number: int) -> bool:
        """End a fault and let go what it holds; False where there is none of that number."""
        with self._lock:
            active = self._active.pop(number, None)
        if active:
            active.gate.set()
        return active is not None

    def clear(self) -> None:
        """End all faults."""
        for number in list(self._active):
            self.release(number)

    def active(self) -> list[ActiveFault]:
        """The faults in force, the oldest first."""
        with self._lock:
            return list(self._active.values())
