"""What was called and what happened: the evidence that judges read after a run.

A record is added when its call has ended (before its answer is sent), so `seq` counts ends. An effect is in the
journal at the instant that it takes place, even if its call is still frozen; `Effect.order` counts effects. What the
control plane does is in both, with the access key "sandbox" and actions that start with "sandbox:". Holdings answer
the question that matters: who had which address, where, from when until when.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sandbox.ec2.model import Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who called, as far as a request tells: signatures are not verified."""

    access_key: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call. `code` is empty for success; times are monotonic and wall-clock seconds."""

    action: str
    caller: Caller
    params: Mapping[str, str] = field(default_factory=dict)
    started_mono: float
    started_wall: float
    ended_mono: float = 0.0
    ended_wall: float = 0.0
    code: str = ""
    status: int = 200
    throttled: bool = False
    fault: str = ""
    effects: tuple[Effect, ...] = ()
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the journal: an effect, and whose call had it."""

    effect: Effect
    caller: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """An address at one private IP of one interface from one monotonic time to another, or still (None).

    `instance_id`: what the interface was attached to at the begin; empty for none.
    """

    allocation_id: str
    public_ip: str
    association_id: str
    interface_id: str
    instance_id: str
    private_ip: str
    since: float
    until: float | None
    by: Caller
    ended_by: Caller | None
    cause: str

    @property
    def contended(self) -> bool:
        """Whether another association ended it: of the same address elsewhere, or of another address here."""
        return self.cause in ("reassociated", "displaced")


class CallLog:
    """Records in the order of their ends; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[CallRecord] = []

    def add(self, record: CallRecord) -> CallRecord:
        """Appends the record under the next sequence number, from 1."""
        with self._lock:
            numbered = replace(record, seq=len(self._records) + 1)
            self._records.append(numbered)
            return numbered

    def since(self, seq: int = 0) -> tuple[CallRecord, ...]:
        """The records after this sequence number."""
        with self._lock:
            return tuple(self._records[seq:])


def holdings(journal: Iterable[Entry]) -> tuple[Holding, ...]:
    """Every association that a complete journal tells of, by its begin."""
    found: dict[str, Holding] = {}
    for entry in journal:
        effect = entry.effect
        if effect.kind == "associated":
            found[effect.association_id] = _begin(effect, entry.caller)
        elif effect.kind == "disassociated":
            begun = found[effect.association_id]
            found[effect.association_id] = replace(begun, until=effect.mono, ended_by=entry.caller, cause=effect.cause)
    return tuple(found.values())


def _begin(effect: Effect, caller: Caller) -> Holding:
    return Holding(
        allocation_id=effect.allocation_id,
        public_ip=effect.public_ip,
        association_id=effect.association_id,
        interface_id=effect.interface_id,
        instance_id=effect.instance_id,
        private_ip=effect.private_ip,
        since=effect.mono,
        until=None,
        by=caller,
        ended_by=None,
        cause="",
    )
