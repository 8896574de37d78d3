"""One leader in the plan's model: the product's own loop, turned by hand, and copied with all that it remembers.

Nothing is decided here; which move comes next (a turn of the loop, a step of a plan, news of the watch), and what goes
wrong with it, is the explorer's choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from controller.core.views import PodView
from controller.engine.action_runner import ActionRunner
from controller.engine.engine import Engine
from controller.engine.peers import Peers
from controller.engine.reconcile import LoopState, Reconciler
from controller.engine.term import TermState
from controller.engine.tuning import Ports, Tuning
from state.model import AddressRecord, AllocationId, ClusterUid, Epoch, PodRecord, PodUid
from tests.model.by_hand import ByHand, Task
from tests.model.doors import ports_of, tuning_of
from tests.model.stage import Stage

MOST_TURNS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The product's own that a leader runs; a test may hand over one with a bug in it."""

    engine: type[Engine] = Engine
    runner: type[ActionRunner] = ActionRunner


@dataclass(slots=True, kw_only=True)
class LeaderModel:
    """What one leader knows and is about to do.

    frozen: its process stands still. deaf: its watch says nothing. over: it was told of a newer epoch.
    """

    stage: Stage
    rules: Rules
    name: str
    cluster: ClusterUid
    epoch: Epoch
    records: dict[PodUid, PodRecord]
    sides: dict[AllocationId, AddressRecord]
    cache: Mapping[PodUid, PodView]
    restored: bool = False
    deleted: frozenset[PodUid] = frozenset()
    frozen: bool = False
    deaf: bool = False
    over: bool = False
    wrote_at: float = 0.0
    ports: Ports = field(init=False)
    tuning: Tuning = field(init=False)
    executor: ByHand = field(init=False)
    loop: Reconciler = field(init=False)
    peers: Peers = field(init=False)

    def open(self) -> None:
        """Begin with nothing remembered; its loop has not turned yet."""
        self.ports, self.tuning = ports_of(self.stage, self.name, self.cluster), tuning_of(self.cluster)
        self.wrote_at = self.stage.clock()
        self.go_on(None, None)
        self.peers.saw(self.ports.ledger.installs())

    def copy(self) -> "LeaderModel":
        """The same, to be changed by itself."""
        twin = replace(self, records=dict(self.records), sides=dict(self.sides))
        twin.ports, twin.tuning = self.ports, self.tuning
        twin.go_on(self.loop.known.copy(), self.peers.copy())
        if twin.loop.opened is not None:
            twin.executor.tasks = self.executor.copied(twin.loop.opened.parts)
        return twin

    @property
    def state(self) -> TermState | None:
        """All that it remembers of its term; None: its loop has not turned yet."""
        return self.loop.known.term

    @property
    def tasks(self) -> Mapping[PodUid, Task]:
        """Its plans that are under way."""
        return self.executor.tasks

    @property
    def is_due(self) -> bool:
        """Whether a turn of its loop would do something."""
        known, now = self.loop.known, self.stage.clock()
        waits = known.term is not None and any(line.waiting for line in known.term.lines.of.values())
        due = any(at <= now for at in known.keys.due.values())
        return known.term is None or self.loop.has_news or waits or due

    # ── moves ──

    def hear(self, pods: Mapping[PodUid, PodView]) -> None:
        """The watch has told all."""
        old, self.cache = self.cache, pods
        gone = old.keys() - pods.keys()
        self.deleted = self.deleted | gone
        self.loop.wake(sorted(gone | {uid for uid, pod in pods.items() if old.get(uid) is not pod}))

    def look(self) -> None:
        """A turn of the loop, and as many more as it takes in what that turn had looked up: that takes no time here."""
        for _ in range(MOST_TURNS):
            self.loop.tick()
            assert not self.loop.failures, "a fault of ours in a turn; the log has it"
            if not self.loop.has_news:
                return
        raise AssertionError("a hot loop: the same instant never ends")

    def rest(self, *, long: bool) -> None:
        """What the loop does while time passes: its heartbeat, and if that was long, its comparison with EC2."""
        self.executor.beats, self.executor.compares = True, long
        self.look()
        self.executor.beats = self.executor.compares = False

    def step(self, uid: PodUid) -> None:
        """The next action of this Pod's plan."""
        outcome = self.executor.step(uid)
        if outcome is not None:
            self.loop.hand_in(outcome)

    def go_on(self, known: LoopState | None, peers: Peers | None) -> None:
        """With this loop from now on: one that has not begun, or that knows this much."""
        executor = ByHand(self.ports, self.rules.runner, self.stage.accuse)
        engine = self.rules.engine(self.ports, self.tuning, executor, known, peers)
        self.executor, self.loop, self.peers = executor, engine.loop, engine.peers
