"""Which plan may make its next EC2 mutation: a Pod that waits for a token is an entry here, and holds no thread.

EC2 grants few mutations of a kind a second. A plan whose first call to EC2 has no token does not start. Otherwise a
burst of Pods would fill the ledger and the threads with plans that cannot go on, before those that have a token. A plan
whose later call has no token ends before that call. In both cases its Pod gets an entry. When there is a token, the
first entry gets it as a ticket, and its Pod is planned anew from its present state: a Pod that is gone by then, or asks
for something else, is not associated.

The order within one API: first what protects other Pods (the IP is another Pod's by now, or soon), then serving, then
Pods that ask again and again, then what nobody waits for. Among equals the namespace comes first that was served
longest ago, then the oldest Pod. A namespace that has had most of the last calls leaves the last few tokens to others,
so that a Pod of another namespace need not wait for the next token to come in. So does a Pod that asks again and again.
"""

import threading
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import get_args

from controller.core import actions as act
from controller.core.desire import Gone
from controller.core.situation import Situation
from controller.core.sweep import is_orphan
from controller.core.tokens import Tokens
from controller.engine.plain import Plain
from state.model import PodUid

OPERATIONS: tuple[str, ...] = tuple(kind.operation for kind in get_args(act.Mutation))


SPARE = 3
"""So many tokens of each API a busy namespace leaves to others."""
RECENT, REMEMBERED = 16, 64
"""A namespace is busy that has had more than half of the last 16 calls, and not all of the last 64."""


class Urgency(IntEnum):
    """How urgent a call is, the most urgent first."""

    DANGER = 0
    SERVING = 1
    AGAIN = 2
    RELEASE = 3
    HOUSEKEEPING = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A Pod that waits for a token."""

    uid: PodUid
    urgency: Urgency
    namespace: str
    created: str


@dataclass(slots=True)
class Line(Plain):
    """One API: the Pods that wait, those that have a ticket, when each namespace was last served, and whose the last
    calls were.
    """

    waiting: dict[PodUid, Entry] = field(default_factory=dict)
    tickets: dict[PodUid, object] = field(default_factory=dict)
    served: dict[str, int] = field(default_factory=dict)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def busy(self) -> str | None:
        """The namespace that has had most of the last calls, if others have had some."""
        last = list(self.recent)
        counted = Counter(last[-RECENT:]).most_common(1)
        if not counted or 2 * counted[0][1] <= RECENT:
            return None
        return counted[0][0] if any(name != counted[0][0] for name in last) else None

    def others(self, busy: str | None) -> list[Entry]:
        """Those that wait and need not leave tokens to others."""
        return [entry for entry in self.waiting.values() if not _leaves_some(entry, busy)]


@dataclass(slots=True)
class Lines(Plain):
    """The Pods that wait for each API, and how many were served."""

    of: dict[str, Line] = field(default_factory=lambda: {operation: Line() for operation in OPERATIONS})
    turns: int = 0


class CallQueue:
    """One term's entries and tickets. Thread-safe; calls no API."""

    def __init__(self, tokens: Tokens, lines: Lines | None = None) -> None:
        self._tokens, self._lock, self._lines = tokens, threading.Lock(), lines or Lines()

    def admit(self, action: act.Mutation, s: Situation) -> object | None:
        """A grant to send this call now; None: the Pod has an entry, and will be planned anew when it is its turn."""
        grant = self._grant(action.operation, entry_of(action, s))
        if grant is not None:
            self._tokens.sends(action.operation, grant)
        return grant

    def _grant(self, operation: str, entry: Entry) -> object | None:
        with self._lock:
            line = self._lines.of[operation]
            ticket = line.tickets.pop(entry.uid, None)
            if ticket is not None:
                return ticket
            line.waiting[entry.uid] = entry
            busy = line.busy
            leaves = _leaves_some(entry, busy)
            probes = entry.urgency is not Urgency.AGAIN
            got = self._tokens.take(operation, SPARE if leaves else 0, probes=probes)
            if isinstance(got, float):
                return None
            # The first is found only where there is a token, for in a burst there are thousands of entries.
            rivals = line.waiting.values() if leaves else line.others(busy)
            if self._first(line, rivals) != entry:
                self._tokens.give_back(operation, got)
                return None
            return self._serve(line, entry, got)

    def reserve(self, action: act.Mutation, s: Situation) -> bool:
        """Whether a plan that begins with this call may start. If so its Pod has a ticket, else an entry."""
        grant = self._grant(action.operation, entry_of(action, s))
        if grant is not None:
            with self._lock:
                self._lines.of[action.operation].tickets[s.uid] = grant
        return grant is not None

    def due(self) -> tuple[list[PodUid], float]:
        """The Pods whose turn it is now, each with a ticket, and the seconds until the next try makes sense."""
        turns: list[PodUid] = []
        again_s = float("inf")
        with self._lock:
            for operation, line in self._lines.of.items():
                while line.waiting:
                    turn = self._turn(operation, line)
                    if isinstance(turn, float):
                        again_s = min(again_s, turn)
                        break
                    first, got = turn
                    line.tickets[first.uid] = self._serve(line, first, got)
                    turns.append(first.uid)
        return turns, again_s

    def _turn(self, operation: str, line: Line) -> tuple[Entry, object] | float:
        """Whose turn it is, with a grant; or the seconds until the next try makes sense."""
        probes = any(entry.urgency is not Urgency.AGAIN for entry in line.waiting.values())
        got = self._tokens.take(operation, SPARE, probes=probes)
        if not isinstance(got, float):
            return self._first(line, line.waiting.values()), got
        others = line.others(line.busy)
        got = self._tokens.take(operation) if others else got
        return got if isinstance(got, float) else (self._first(line, others), got)

    def leave(self, uid: PodUid, *, but: type[act.Mutation] | None = None) -> None:
        """The Pod needs no token any more, except for this kind of call: remove its entries, give back its tickets.

        Its ticket for that kind may be there before the loop has seen that the plan which asked for it has ended.
        """
        kept = but.operation if but is not None else None
        with self._lock:
            for operation, line in self._lines.of.items():
                if operation != kept:
                    self._give_back(operation, line, [uid])
                    line.waiting.pop(uid, None)

    def close(self) -> None:
        """The term is over: all tickets are given back."""
        with self._lock:
            for operation, line in self._lines.of.items():
                self._give_back(operation, line, list(line.tickets))
                line.waiting.clear()

    def settle(self, action: act.Mutation, grant: object, *, answered: bool, throttled: bool) -> None:
        """The granted call was made, with or without an answer; or it was not made."""
        if answered:
            self._tokens.settle(action.operation, grant, throttled=throttled)
        else:
            self._tokens.cancel(action.operation, grant)

    def waits(self, uid: PodUid) -> bool:
        """Whether the Pod has an entry or a ticket."""
        with self._lock:
            return any(uid in line.waiting or uid in line.tickets for line in self._lines.of.values())

    def waits_for(self, uid: PodUid, kind: type[act.Mutation]) -> bool:
        """Whether the Pod has an entry or a ticket for this kind of call."""
        with self._lock:
            line = self._lines.of[kind.operation]
            return uid in line.waiting or uid in line.tickets

    @property
    def uids(self) -> set[PodUid]:
        """The Pods that have an entry or a ticket."""
        with self._lock:
            return {uid for line in self._lines.of.values() for held in (line.waiting, line.tickets) for uid in held}

    @property
    def waiting(self) -> dict[str, int]:
        """How many Pods wait for a token of each API."""
        with self._lock:
            return {operation: len(line.waiting) for operation, line in self._lines.of.items()}

    def _first(self, line: Line, among: Iterable[Entry]) -> Entry:
        def rank(entry: Entry) -> tuple[int, int, str, str]:
            return entry.urgency, line.served.get(entry.namespace, 0), entry.created, entry.uid

        return min(among, key=rank)

    def _serve(self, line: Line, entry: Entry, grant: object) -> object:
        del line.waiting[entry.uid]
        self._lines.turns += 1
        line.served[entry.namespace] = self._lines.turns
        line.recent.append(entry.namespace)
        return grant

    def _give_back(self, operation: str, line: Line, uids: Iterable[PodUid]) -> None:
        for uid in uids:
            ticket = line.tickets.pop(uid, None)
            if ticket is not None:
                self._tokens.give_back(operation, ticket)


def _leaves_some(entry: Entry, busy: str | None) -> bool:
    """Whether it leaves the last tokens to others: what can wait does so, too, where a namespace is busy."""
    if entry.urgency is Urgency.AGAIN:
        return True
    waits = entry.namespace == busy or entry.urgency > Urgency.SERVING
    return busy is not None and waits and entry.urgency is not Urgency.DANGER


def first_call(plan: act.Plan) -> act.Mutation | None:
    """The call to EC2 that this plan begins with; its writes to the ledger before that are useless without the call."""
    for action in plan:
        if isinstance(action, act.Mutation):
            return action
        if not isinstance(action, act.Preparing):
            return None
    return None


def entry_of(action: act.Mutation, s: Situation) -> Entry:
    """The Pod's entry: what its place in the order depends on."""
    namespace = s.record.namespace if s.record else s.pod.namespace if s.pod else ""
    return Entry(s.uid, _urgency(action, s), namespace, s.pod.created if s.pod else "")


def _urgency(action: act.Mutation, s: Situation) -> Urgency:
    orphan = is_orphan(s.uid)
    if isinstance(action, act.Cut) and (orphan or s.strayed or isinstance(s.desire, Gone)):
        return Urgency.DANGER  # an orphan's IP may be another Pod's already
    if orphan:
        return Urgency.HOUSEKEEPING
    if isinstance(action, act.Release):
        return Urgency.RELEASE
    return Urgency.AGAIN if s.again and not isinstance(action, act.Cut) else Urgency.SERVING
