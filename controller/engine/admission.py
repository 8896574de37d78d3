"""Who may claim now: the policy of this tick, and how many addresses each namespace has with those on their way.

A burst of Pods is planned in one tick, before any of their claims stands in the ledger; so what was granted counts
until its plan has ended, also while it waits for a token of EC2, and from then on the ledger says whether there is a
claim.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from controller.core.desire import Pending, Serve
from controller.core.policy import Refusal, over
from controller.core.ports import Ledger
from controller.core.remembered import is_remembered
from controller.core.tenancy import Rules
from controller.engine.plain import Plain
from state.model import Phase, PodRecord, PodUid

RulesSource = Callable[[], Rules]


@dataclass(slots=True)
class Grants(Plain):
    """The rules of this tick, and who counts under them.

    granted: the namespaces of those that are acted for, or wait for a token.
    holders, standing: the claims by namespace, and those that hold; None where nobody has asked in this tick.
    """

    rules: Rules
    granted: dict[PodUid, str] = field(default_factory=dict)
    holders: dict[str, set[PodUid]] | None = None
    standing: set[PodUid] | None = None


class Admission:
    """Used by the loop's thread alone; one for each term."""

    def __init__(self, rules: RulesSource, ledger: Ledger, grants: Grants) -> None:
        self._source, self._ledger, self._grants = rules, ledger, grants

    def begin(self, busy: Collection[PodUid]) -> bool:
        """A tick begins, in which these Pods are acted for, or wait for a token; whether there are other rules now."""
        before, self._grants.rules = self._grants.rules, self._source()
        self._grants.granted = {uid: namespace for uid, namespace in self._grants.granted.items() if uid in busy}
        self._grants.holders = self._grants.standing = None
        return self._grants.rules != before

    @property
    def has_limits(self) -> bool:
        """Whether the rules limit anybody."""
        return self._grants.rules.has_limits

    def is_limited(self, namespace: str) -> bool:
        """Whether the rules limit how many addresses this namespace may have."""
        return self._grants.rules.limit(namespace) is not None

    def is_scarce(self, newcomers: int) -> bool:
        """Whether so many new claims are more than the whole install may still make."""
        most = self._grants.rules.tenancy.most
        return most is not None and self._held() + newcomers > most

    def refusal(self, uid: PodUid, namespace: str, wanted: Serve | Pending, record: PodRecord | None) -> Refusal | None:
        """What the rules have against a claim for this; a Pod that holds an address would only exchange it."""
        why = self._grants.rules.refusal(namespace, wanted.mode, wanted.pool)
        if why is not None:
            return Refusal(why=why)
        if record is None:
            return self._no_room(uid, namespace)
        return self._full(uid) if record.phase is Phase.INTENT else None

    def admit(self, uid: PodUid, namespace: str, record: PodRecord | None) -> Refusal | None:
        """The Pod is about to claim: count it, or say that there is no room left. An intent has its namespace's."""
        refusal = self._no_room(uid, namespace) if record is None else self._full(uid)
        if refusal is None:
            self.count(uid, namespace)
        return refusal

    def count(self, uid: PodUid, namespace: str) -> None:
        """The Pod is about to have a claim, whatever the limit: it holds the address already."""
        self._grants.granted[uid] = namespace
        if self._grants.holders is not None:
            self._grants.holders.setdefault(namespace, set()).add(uid)

    def granted_in(self, uid: PodUid) -> str | None:
        """The namespace in which the Pod counts although it has no claim: it is acted for, or waits for a token."""
        return self._grants.granted.get(uid)

    def _no_room(self, uid: PodUid, namespace: str) -> Refusal | None:
        limit = self._grants.rules.limit(namespace)
        if limit is not None:
            holders = self._count().get(namespace, frozenset[PodUid]())
            held = len(holders) - (uid in holders)
            if held >= limit.addresses:
                return over(limit, namespace, held)
        return self._full(uid)

    def _full(self, uid: PodUid) -> Refusal | None:
        """What the others hold decides: who waits for a token is granted what it asks for again."""
        if self._grants.rules.tenancy.most is None:
            return None
        return self._grants.rules.full(self._held() - (uid in self._grants.granted))

    def _held(self) -> int:
        """How many addresses the install has, or is about to have.

        An intent has none, and may wait for EC2's quota for ever: it counts only while it is acted for.
        """
        if self._grants.standing is None:
            claims = self._ledger.pods().items()
            self._grants.standing = {uid for uid, record in claims if record.phase is not Phase.INTENT}
        return len(self._grants.standing) + sum(uid not in self._grants.standing for uid in self._grants.granted)

    def _count(self) -> dict[str, set[PodUid]]:
        """The Pods that hold, or are about to, by namespace; read once a tick, and only where a limit asks."""
        if self._grants.holders is None:
            self._grants.holders = {}
            claims = self._ledger.pods().items()
            held = {uid: record.namespace for uid, record in claims if not is_remembered(uid)}
            for uid, namespace in {**self._grants.granted, **held}.items():
                self._grants.holders.setdefault(namespace, set()).add(uid)
        return self._grants.holders
