"""The state of the plan's model: EC2, the table, the Pods, the leaders of each cluster, and calls on their way.

Leaders here are made by decree: a second one may begin while the first still believes, at any moment. No election is
as bad as that, so what holds here needs none. The deadline is not modelled either: a leader that was deposed without
noticing finishes what it has begun, unguarded but for the ledger's fence, before it learns of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from controller.core.views import PodView
from state.model import ClusterUid, PodUid
from tests.model.account import Account
from tests.model.events import Event
from tests.model.leader_model import LeaderModel, Rules
from tests.model.stage import Flying, Stage, landed
from tests.model.table import Table

MOMENT_S = 0.001
ROUND_S = 18.0
"""Longer than between two looks at a pool, and shorter than an address is left to who waits elsewhere."""
LONG_ROUND_S = 650.0
SHORT_ROUNDS = 4
MOST_LOOKS = 4
ROUNDS = 8
"""Rounds without a change after which a world is at rest: longer than anything that the controller waits for."""


@dataclass(slots=True)
class World:
    """One state. Only `copy` and the moves of `plan_model` touch it."""

    account: Account
    pods: Mapping[str, Mapping[PodUid, PodView]]
    script: tuple[Event, ...]
    table: Table = field(default_factory=Table)
    leaders: dict[str, LeaderModel] = field(default_factory=dict)
    flying: tuple[Flying, ...] = ()
    now: float = 10_000.0
    quiet: int = 0
    born: int = 0
    patient: bool = False
    backup: Table | None = None
    own: set[str] = field(default_factory=set)

    def copy(self) -> "World":
        """The same; leaders are shared until they act. `own` are those that are not shared."""
        self.own = set()
        return replace(
            self, account=self.account.copy(), table=self.table.copy(), leaders=dict(self.leaders), own=set()
        )

    # ── moves ──

    def begin(self, cluster: str, stage: Stage, rules: Rules) -> None:
        """Another replica of this cluster leads from now on, with a fresh list of Pods."""
        self.born += 1
        self.quiet = 0
        name, restored = f"{cluster}.{self.born}", cluster in self.table.lost
        epoch = self.table.begin(cluster)
        if self.table.ever_lost and not restored:
            self.account.in_order = frozenset()  # who leads after the one that noticed the loss does not know of it
        records = {uid: record for (owner, uid), record in self.table.pods.items() if owner == cluster}
        held = {record.allocation_id for record in records.values()}
        sides = {key: side for key, side in self.table.addresses.items() if key in held}
        leader = LeaderModel(
            stage=stage,
            rules=rules,
            name=name,
            cluster=ClusterUid(cluster),
            epoch=epoch,
            records=records,
            sides=sides,
            cache=self.pods[cluster],
            restored=restored,
        )
        self.leaders[name] = leader
        leader.open()

    def acting(self, name: str) -> LeaderModel:
        """This leader, to be changed in this world alone."""
        if name not in self.own:
            self.leaders[name] = self.leaders[name].copy()
            self.own.add(name)
        return self.leaders[name]

    def step(self, name: str, uid: PodUid) -> None:
        """One action of one plan."""
        self.acting(name).step(uid)
        self.depose(name)

    def depose(self, name: str) -> None:
        """A leader that was told of a newer epoch is one no more."""
        if self.leaders[name].over:
            del self.leaders[name]

    def land(self, number: int) -> None:
        """A call arrives at last."""
        call = self.flying[number]
        self.flying = self.flying[:number] + self.flying[number + 1 :]
        landed(call, self)

    def happen(self) -> None:
        """The next thing of the script."""
        self.script[0].change(self)
        self.script = self.script[1:]

    def rest(self, overdue: Callable[["World"], str]) -> None:
        """Time passes, in rounds, until somebody has something to do. What is overdue after a quiet one is a crime."""
        limit = 1 if self.awaits_calm() else ROUNDS
        while self.quiet < limit and self._idle():
            before = self.effects()
            long = self.quiet >= SHORT_ROUNDS
            self.now += LONG_ROUND_S if long else ROUND_S
            for name in [name for name, leader in self.leaders.items() if not leader.frozen]:
                self._wake(name, long=long)
            self.quiet = self.quiet + 1 if self.effects() == before else 0
            if self.quiet and self._idle() and (what := overdue(self)):
                self.account.accuse(what)

    def _idle(self) -> bool:
        """Whether somebody leads, and nobody has anything to do."""
        awake = [leader for leader in self.leaders.values() if not leader.frozen]
        return bool(awake) and all(task.held for leader in awake for task in leader.tasks.values())

    def _wake(self, name: str, *, long: bool) -> None:
        leader = self.acting(name)
        for number in range(MOST_LOOKS):
            if leader.is_due or number == 0:
                leader.rest(long=long and number == 0)
        self.depose(name)

    def effects(self) -> tuple[int, int]:
        """How much has been changed so far."""
        return self.account.mutations, self.table.written

    # ── what may be asked ──

    def behind(self, leader: LeaderModel) -> bool:
        """Whether the watch has something to tell."""
        return leader.cache is not self.pods[leader.cluster]

    def awaits_calm(self) -> bool:
        """Whether the next event of the script comes only when what can be tried again has been tried again."""
        return bool(self.script) and self.patient and self.quiet == 0

    def deposed(self, leader: LeaderModel) -> bool:
        """Whether another leads by now."""
        return self.table.epochs[leader.cluster] != leader.epoch or leader.cluster in self.table.lost
