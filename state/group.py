"""Sends one group of changes until each of them has an answer.

Why each answer is right: a change is answered as written only if DynamoDB said so, or if a strong read shows its items
with the nonce of that change. It is answered as lost only after its condition failed and no earlier request with it can
have been applied. Until then it is sent again: the same group under the same token, a changed group under a new token.
The conditions on rev keep an earlier request that arrives late from being applied a second time. If the outcome is not
known within the limits below, the answer is Unavailable, never a guess.
"""

import contextvars
import copy
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, assert_never
from uuid import uuid4

from state.backoff import Backoff
from state.connection import Key, Raw
from state.errors import Fenced, PodEipError, Refused, TableMissing, Throttled, Unavailable
from state.model import Change
from state.operations import Entry, ReadBack
from state.transaction import Cancelled, Committed, Failed, Verdict, WriteTerm

TOKEN_SPENT = "IdempotentParameterMismatchException"  # the token was used by another request


GROUP: contextvars.ContextVar[tuple[contextvars.Context, ...]] = contextvars.ContextVar("group", default=())
"""While a transaction is sent: the contexts of all who have a change in it, for whoever traces calls."""


class Sender(Protocol):
    """Sends one transaction."""

    def send(self, term: WriteTerm, entries: Sequence[Entry], token: str) -> Verdict:
        """Send it once and return the outcome."""
        ...


class Sink(Protocol):
    """Keeps what the table says."""

    def wrote(self, term: WriteTerm, change: Change) -> None:
        """Both sides are in the table now."""
        ...

    def saw(self, term: WriteTerm, key: Key, raw: Raw | None) -> PodEipError:
        """The table has this item, and not the expected one. Returns the error for the caller who expected another."""
        ...

    def accepted(self, term: WriteTerm, sent_at: float) -> None:
        """A write that was sent at this time was accepted under the term's epoch."""
        ...

    def fenced(self, term: WriteTerm) -> None:
        """The term is over: a newer epoch exists."""
        ...

    def missing(self, term: WriteTerm) -> None:
        """There is no table."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a group is tried: at most `tries` times and `budget_s` seconds, pauses doubling from `base_s`."""

    tries: int = 8
    budget_s: float = 8.0
    base_s: float = 0.02
    cap_s: float = 1.0

    def pause(self, tried: int) -> float:
        """Seconds before the next try: anything up to the doubled base ("full jitter")."""
        return Backoff(base_s=self.base_s, cap_s=self.cap_s, sure=0.0).after(tried, random.random())


@dataclass(slots=True, kw_only=True, eq=False)
class _Group:
    entries: list[Entry]
    started: float
    sent_at: float = 0.0
    tried: int = 0
    token: str = field(default_factory=lambda: uuid4().hex)

    def keep(self, entries: list[Entry]) -> None:
        """Go on with these entries; if they are fewer, they are another request."""
        if len(entries) != len(self.entries):
            self.entries = entries
            self.renew()

    def renew(self) -> None:
        """Make it another request, with a new token."""
        self.token, self.sent_at = uuid4().hex, 0.0


class GroupCommit:
    """Commits groups, one at a time, in the thread that calls it."""

    def __init__(
        self,
        sender: Sender,
        read: Callable[[Iterable[Key]], Mapping[Key, Raw]],
        sink: Sink,
        *,
        clock: Callable[[], float],
        patience: Patience,
    ) -> None:
        self._sender, self._read, self._sink = sender, read, sink
        self._clock, self._patience = clock, patience

    def commit(self, term: WriteTerm, entries: Sequence[Entry]) -> None:
        """Return once every entry has its answer. The keys of the entries are distinct."""
        waiting = [list(entries)]
        while waiting:
            waiting.extend(self._carry(term, _Group(entries=waiting.pop(), started=self._clock())))

    def _carry(self, term: WriteTerm, group: _Group) -> list[list[Entry]]:
        """Try until every entry has its answer; the groups that are returned must be tried by themselves."""
        while group.entries:
            group.sent_at = group.sent_at or self._clock()
            verdict = _context(group.entries).run(self._send, term, group)
            match verdict:
                case Committed():
                    self._answer_written(term, group, group.entries)
                    return []
                case Cancelled():
                    self._after_cancellation(term, group, verdict)
                case Failed(error=error) if type(error) is Refused and len(group.entries) > 1:
                    middle = len(group.entries) // 2
                    return [group.entries[middle:], group.entries[:middle]]
                case Failed(error=error):
                    self._after_failure(term, group, error)
                case _:
                    assert_never(verdict)
        return []

    def _send(self, term: WriteTerm, group: _Group) -> Verdict:
        GROUP.set(tuple(entry.context for entry in group.entries))
        return self._sender.send(term, group.entries, group.token)

    def _after_cancellation(self, term: WriteTerm, group: _Group, verdict: Cancelled) -> None:
        if verdict.fenced:
            self._close(term, group)
            return
        kept = [entry for entry in group.entries if not entry.keys & (verdict.lost.keys() | verdict.refused.keys())]
        leaving = [entry for entry in group.entries if entry not in kept]
        self._answer_unsure(term, group, [entry for entry in leaving if entry.uncertain], None)
        for entry in leaving:
            if not entry.uncertain:
                self._answer_cancelled(term, entry, verdict)
        group.keep(kept)
        if verdict.busy or not leaving:
            self._wait(term, group, verdict.busy or Throttled("cancelled without a reason", code="Cancelled"))

    def _answer_cancelled(self, term: WriteTerm, entry: Entry, verdict: Cancelled) -> None:
        errors: list[PodEipError] = [verdict.refused[key] for key in entry.keys & verdict.refused.keys()]
        errors += [
            self._sink.saw(term, operation.key, verdict.lost[operation.key])
            for operation in entry.operations
            if operation.key in verdict.lost
        ]
        entry.result.set_exception(errors[0])

    def _close(self, term: WriteTerm, group: _Group) -> None:
        """End the writes under this epoch; what an earlier request of this group wrote still counts."""
        term.fenced = True
        why = "another leader holds a newer one, or the table is another one or an older state of it"
        error = Fenced(f"Epoch {term.epoch} has passed: {why}")
        self._give_up(term, group, error)
        self._sink.fenced(term)

    def _after_failure(self, term: WriteTerm, group: _Group, error: PodEipError) -> None:
        match error:
            case Throttled():
                self._wait(term, group, error)
            case Unavailable():
                self._read_back(term, group)
                if error.code == TOKEN_SPENT:
                    group.renew()
                self._wait(term, group, error)
            case TableMissing():
                self._give_up(term, group, error)
                self._sink.missing(term)
            case _:
                self._give_up(term, group, error)

    def _read_back(self, term: WriteTerm, group: _Group) -> None:
        """The request may have been applied: read which changes are in the table; the others stay in the group."""
        for entry in group.entries:
            entry.uncertain = True
        found = self._look(group.entries)
        if found is None:
            return
        kept = [entry for entry in group.entries if _verdict(entry, found) is ReadBack.BEFORE]
        self._settle(term, group, [entry for entry in group.entries if entry not in kept], found)
        group.keep(kept)

    def _wait(self, term: WriteTerm, group: _Group, error: PodEipError) -> None:
        if not group.entries:
            return
        group.tried += 1
        spent = self._clock() - group.started > self._patience.budget_s or group.tried >= self._patience.tries
        if spent or term.ended.wait(self._patience.pause(group.tried)):
            self._give_up(term, group, error)

    def _give_up(self, term: WriteTerm, group: _Group, error: PodEipError) -> None:
        """Answer all that is left with `error`, except entries of which an earlier request may have been applied."""
        for entry in group.entries:
            if not entry.uncertain:
                entry.result.set_exception(again(error))
        self._answer_unsure(term, group, [entry for entry in group.entries if entry.uncertain], error)
        group.entries = []

    def _answer_unsure(self, term: WriteTerm, group: _Group, entries: list[Entry], error: PodEipError | None) -> None:
        """Read, and answer each entry by what the table has. If that is unchanged: `error`, or that it is not known."""
        found = self._look(entries) if entries else {}
        unsaid = error if isinstance(error, Fenced | Unavailable) else None
        unsaid = unsaid or Unavailable("It is not known whether this was written", code=error.code if error else "")
        for entry in entries:
            if found is None or _verdict(entry, found) is ReadBack.BEFORE:
                entry.result.set_exception(again(unsaid))
            else:
                self._settle(term, group, [entry], found)

    def _settle(self, term: WriteTerm, group: _Group, entries: list[Entry], found: Mapping[Key, Raw]) -> None:
        for entry in entries:
            if _verdict(entry, found) is ReadBack.WRITTEN:
                self._answer_written(term, group, [entry])
                continue
            strange = [o for o in entry.operations if o.read_back(found.get(o.key)) is not ReadBack.BEFORE]
            errors = [self._sink.saw(term, operation.key, found.get(operation.key)) for operation in strange]
            entry.result.set_exception(errors[0])

    def _answer_written(self, term: WriteTerm, group: _Group, entries: list[Entry]) -> None:
        self._sink.accepted(term, group.sent_at)
        for entry in entries:
            self._sink.wrote(term, entry.change)
            entry.result.set_result(None)

    def _look(self, entries: Iterable[Entry]) -> Mapping[Key, Raw] | None:
        """The items of these entries in the table; None if they cannot be read now."""
        try:
            return self._read([key for entry in entries for key in entry.keys])
        except PodEipError:
            return None


def _verdict(entry: Entry, found: Mapping[Key, Raw]) -> ReadBack:
    """What the items show of a change as a whole: a transaction leaves all of them written, or all as before."""
    seen = {operation.read_back(found.get(operation.key)) for operation in entry.operations}
    if seen == {ReadBack.WRITTEN}:
        return ReadBack.WRITTEN
    return ReadBack.BEFORE if seen <= {ReadBack.BEFORE} else ReadBack.OTHER


def again(error: PodEipError) -> PodEipError:
    """A copy of the error for one more caller: if several threads raised one object, their tracebacks would mix."""
    twin = copy.copy(error)
    twin.__cause__ = error.__cause__ or error
    return twin


def _context(entries: Sequence[Entry]) -> contextvars.Context:
    """Under whose context the transaction is sent: the first who changes something; a heartbeat changes nothing."""
    return next((entry for entry in entries if entry.operations), entries[0]).context
