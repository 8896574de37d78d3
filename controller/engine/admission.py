"""Who may claim now: the policy of this turn, and how many addresses each namespace has with those on their way.

A burst of Pods is planned in one turn, before any of their claims stands in the ledger; so what was granted counts
until its plan has ended, and from then on the ledger says whether there is a claim.
"""

from collections.abc import Callable, Collection

from controller.core.desire import Pending, Serve
from controller.core.policy import Policy, Refusal, over
from controller.core.ports import Ledger
from state.model import PodUid

PolicySource = Callable[[], Policy]


class Admission:
    """Used by the loop's thread alone; one for each term."""

    def __init__(self, policy: PolicySource, ledger: Ledger) -> None:
        self._source, self._ledger = policy, ledger
        self._policy = policy()
        self._granted: dict[PodUid, str] = {}
        self._holders: dict[str, set[PodUid]] | None = None

    def begin(self, busy: Collection[PodUid]) -> bool:
        """A turn begins, with these plans in flight; whether the policy is another than in the turn before."""
        before, self._policy = self._policy, self._source()
        self._granted = {uid: namespace for uid, namespace in self._granted.items() if uid in busy}
        self._holders = None
        return self._policy is not before

    def is_limited(self, namespace: str) -> bool:
        """Whether the policy limits how many addresses this namespace may have."""
        return self._policy.limit(namespace) is not None

    def refusal(self, namespace: str, wanted: Serve | Pending, *, holds: bool) -> Refusal | None:
        """What the policy has against a claim for this; a Pod that holds an address would only exchange it."""
        why = self._policy.refusal(namespace, wanted.mode, wanted.pool)
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
        limit = self._policy.limit(namespace)
        if limit is None:
            return None
        held = len(self._count().get(namespace, ()))
        return over(limit, namespace, held) if held >= limit.addresses else None

    def _count(self) -> dict[str, set[PodUid]]:
        """The Pods that hold, or are about to, by namespace; read once a turn, and only where a limit asks."""
        if self._holders is None:
            self._holders = {}
            held = {uid: record.namespace for uid, record in self._ledger.pods().items()}
            for uid, namespace in {**self._granted, **held}.items():
                self._holders.setdefault(namespace, set()).add(uid)
        return self._holders
