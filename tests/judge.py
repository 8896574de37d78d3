"""The verdict on a history: every guarantee of the design, checked on what the world wrote down and on nothing else.

Pure: no controller, no clock, no network. Before it judges it doubts its own evidence: the writes that the doors saw
must end in the items that the table has, else the record has a hole and no verdict is worth anything.
"""

from collections.abc import Callable, Iterator
from itertools import chain

from tests.history import History, Item, Key
from tests.judges import ledger, outcome, placement, rights
from tests.judges.facts import Facts, Guarantee, Violation

Rule = Callable[[Facts], Iterator[Violation]]
SAFETY: tuple[Rule, ...] = (
    ledger.one_owner,
    ledger.fence,
    placement.placement,
    placement.own_machine,
    placement.labels,
    placement.no_leak,
    rights.deadline,
    rights.foreign,
    rights.foreign_cut,
    rights.right_cut,
    rights.retagged,
)
LIVENESS: tuple[Rule, ...] = (outcome.converged, outcome.failover, outcome.silence)


class IncompleteRecordError(Exception):
    """The record contradicts itself: something was not seen."""


class BrokenGuaranteesError(AssertionError):
    """What did not hold, a line each."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("\n".join(f"{v.broken}: {v.evidence}" for v in violations))
        self.broken: frozenset[Guarantee] = frozenset(v.broken for v in violations)


def judge(history: History, rules: tuple[Rule, ...] = SAFETY + LIVENESS) -> list[Violation]:
    """Everything that did not hold. Raises IncompleteRecordError."""
    check_record(history)
    facts = Facts(history)
    return list(chain.from_iterable(rule(facts) for rule in rules))


def assert_holds(history: History, rules: tuple[Rule, ...] = SAFETY + LIVENESS) -> None:
    """Raises BrokenGuaranteesError, which names the guarantees, or IncompleteRecordError."""
    violations = judge(history, rules)
    if violations:
        raise BrokenGuaranteesError(violations)


def check_record(history: History) -> None:
    """The accepted writes, played again, must give the claims that stand in the table."""
    played: dict[Key, Item] = {}
    doubtful: set[Key] = set()
    for write in history.writes:
        touched = {*write.puts, *write.deletes}
        if write.resets:
            played.clear()
        doubtful = doubtful - touched if write.sure else doubtful | touched
        for key in write.deletes:
            played.pop(key, None)
        played.update(write.puts)
    stands = {key: item for key, item in history.items.items() if key[1] == "claim" or key[1].startswith("pod#")}
    played = {key: item for key, item in played.items() if key[1] == "claim" or key[1].startswith("pod#")}
    differ = {key for key in played.keys() | stands.keys() if played.get(key) != stands.get(key)} - doubtful
    if differ:
        raise IncompleteRecordError(f"the writes that were seen do not make what stands in the table: {sorted(differ)}")
