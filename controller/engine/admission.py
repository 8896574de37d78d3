"""Who may claim now: the policy of this turn, and how many addresses each namespace has with those on their way.

A burst of Pods is planned in one turn, before any of their claims stands in the ledger; so what was granted counts
until its plan has ended, and from then on the ledger says whether there is a claim.
"""

from collections.abc import Callable, Collection

from controller.core.desire import Pending, Serve
from controller.core.policy import Refusal, over
from controller.core.ports import Ledger
from controller.core.tenancy import Rules
from state.model import PodUid

RulesSource = Callable[[], Rules]


class Admission:
    """Used by the loop's thread alone; one for each term."""

    def __init__(self, rules: RulesSource, ledger: Ledger) -> None:
        self._source, self._ledger = rules, ledger
        self._rules = rules()
        self._granted: dict[PodUid, str] = {}
        self._holders: dict[str, set[PodUid]] | None = None

    def begin(self, busy: Collection[PodUid]) -> bool:
        """A turn begins, with these plans in flight; whether the rules are others than in the turn before."""
        before, self._rules = self._rules, self._source()
        self._granted = {uid: namespace for uid, namespace in self._granted.items() if uid in busy}
        self._holders = None
        return self._rules != before

    def is_limited(self, namespace: str) -> bool:
        """Whether the rules limit how many addresses this namespace, or everybody, may have."""
        return self._rules.tenancy.most is not None or self._rules.limit(namespace) is not None

    def refusal(self, namespace: str, wanted: Serve | Pending, *, holds: bool) -> Refusal | None:
        """What the rules have against a claim for this; a Pod that holds an address would only exchange it."""
        why = self._rules.refusal(namespace, wanted.mode, wanted.pool)
        if why is not None:
            return Refusal(why=why)
        return None if holds else self._no_room(namespace)

    def admit(self, uid: PodUid, namespace: str) -> Refusal | None:
        """The Pod is about to claim: count it, or say that its namespace has no room left."""
        refusal = self._no_room(namespace)
        if refusal is None:
            self.count(uid, namespace)
        return refusal

    def count(self, uid: PodUid, namespace: str) -> None:
        """The Pod is about to have a claim, whatever the limit: it holds the address already."""
        self._granted[uid] = namespace
        if self._holders is not None:
            self._holders.setdefault(namespace, set()).add(uid)

    def _no_room(self, namespace: str) -> Refusal | None:
        limit = self._rules.limit(namespace)
        if limit is None and self._rules.tenancy.most is None:
            return None
        count = self._count()
        held = len(count.get(namespace, ()))
        if limit is not None and held >= limit.addresses:
            return over(limit, namespace, held)
        return self._rules.full(sum(map(len, count.values())))

    def _count(self) -> dict[str, set[PodUid]]:
        """The Pods that hold, or are about to, by namespace; read once a turn, and only where a limit asks."""
        if self._holders is None:
            self._holders = {}
            held = {uid: record.namespace for uid, record in self._ledger.pods().items()}
            for uid, namespace in {**self._granted, **held}.items():
                self._holders.setdefault(namespace, set()).add(uid)
        return self._holders
