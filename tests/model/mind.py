"""One leader in the plan's model: the engine's own parts for one term, run without threads and copied by hand.

What the loop does in its thread is done here in single moves: look (observe and plan), one step of one plan, resync.
Nothing is decided here; which move comes next, and what goes wrong with it, is the explorer's choice.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.core import actions as act
from controller.core.plan import plan
from controller.core.ports import PodView, Term
from controller.core.situation import Offer, Situation
from controller.engine.engine import Engine
from controller.engine.execute import Outcome
from controller.engine.glance import Observation
from controller.engine.housekeeping import Housekeeping
from controller.engine.opening import OpenTerm
from controller.engine.outcomes import Aftermath
from controller.engine.parts import TermParts
from controller.engine.reconcile import _urgency as urgency
from controller.engine.steps import Steps
from controller.engine.term import TermState
from controller.engine.workqueue import Keys, Workqueue
from state.errors import Fenced, PodEipError
from state.model import AddressRecord, AllocationId, ClusterUid, Epoch, PodRecord, PodUid
from tests.model.doors import engine_of, install_in
from tests.model.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The product's functions that a leader runs; a test may hand over one with a bug in it."""

    plan: Callable[[Situation], act.Plan] = plan
    steps: type[Steps] = Steps


class Wakes(Workqueue):
    """The workqueue, as far as a model needs it: what is due now, and what is due later."""

    def __init__(self, stage: Stage, todo: set[PodUid], later: set[PodUid], keys: Keys | None = None) -> None:
        super().__init__(stage.clock, keys=keys)
        self.todo, self.later = todo, later

    def add(self, uids: Iterable[PodUid], after_s: float = 0.0) -> None:
        """Now, or later."""
        (self.todo if after_s <= 0 else self.later).update(uids)


@dataclass(slots=True)
class Task:
    """A plan that is under way. `held`: its thread waits long for its turn."""

    s: Situation
    plan: act.Plan
    steps: Steps
    at: int = 0
    did: bool = False
    held: bool = False

    @property
    def action(self) -> act.Action:
        """What comes next."""
        return self.plan[self.at]


@dataclass(slots=True)
class Mind:
    """What one leader knows and is about to do. `frozen`: its process stands still. `deaf`: its watch says nothing."""

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
    tasks: dict[PodUid, Task] = field(default_factory=dict)
    frozen: bool = False
    deaf: bool = False
    engine: Engine = field(init=False)
    opened: OpenTerm = field(init=False)
    queue: Wakes = field(init=False)

    @property
    def state(self) -> TermState:
        """All that it remembers."""
        return self.opened.state

    @property
    def parts(self) -> TermParts:
        """What observes and acts."""
        return self.opened.parts

    @property
    def house(self) -> Housekeeping:
        """Its chores."""
        return self.opened.housekeeping

    @property
    def after(self) -> Aftermath:
        """What follows from its plans."""
        return self.opened.aftermath

    def open(self) -> None:
        """Begin the term with nothing remembered."""
        self.engine = engine_of(self.stage, self.name, self.cluster)
        self._begin_term(Wakes(self.stage, set(), set()))
        self.queue.add(self.house.everyone())

    def copy(self) -> "Mind":
        """The same, to be changed by itself."""
        twin = Mind(
            stage=self.stage,
            rules=self.rules,
            name=self.name,
            cluster=self.cluster,
            epoch=self.epoch,
            records=dict(self.records),
            sides=dict(self.sides),
            cache=self.cache,
            restored=self.restored,
            deleted=self.deleted,
            frozen=self.frozen,
            deaf=self.deaf,
        )
        twin.engine = self.engine
        queue = Wakes(self.stage, set(self.queue.todo), set(self.queue.later), self.queue.keys.copy())
        twin._begin_term(queue, self.state.copy())
        twin.tasks = {uid: twin._task_like(task) for uid, task in self.tasks.items()}
        return twin

    # ── moves ──

    def hear(self, pods: Mapping[PodUid, PodView]) -> None:
        """The watch has told all: wake who is concerned, as the loop does."""
        old, self.cache = self.cache, pods
        gone = old.keys() - pods.keys()
        self.deleted = self.deleted | gone
        for uid in gone | {uid for uid, pod in pods.items() if old.get(uid) is not pod}:
            pod = pods.get(uid)
            found = set(self.state.claims.at_ip(pod.ip)) if pod is not None and pod.ip else set()
            if uid in self.records or (pod is not None and (pod.annotations or pod.labels)):
                found.add(uid)
            self.queue.add(found)

    def look(self) -> None:
        """Observe who is due, plan for them, and begin their plans."""
        uids = self.queue.todo - self.tasks.keys()
        self.queue.todo -= uids
        offers = [task.s.offer for task in self.tasks.values()]
        reserved = frozenset(o.address.allocation_id for o in offers if isinstance(o, Offer))
        before = self.parts.view.asked_at
        seen = self._observe(uids, reserved)
        for s in sorted(seen.situations, key=urgency):
            self._begin(s)
        if self.parts.view.asked_at != before:
            self.after.looked()

    def _observe(self, uids: Iterable[PodUid], reserved: frozenset[AllocationId]) -> Observation:
        """Observe, and have looked up at once what is needed: how long a look takes is no part of this model."""
        seen = self.parts.observer.observe(uids, reserved)
        while seen.parked:
            needs = {need.kind: need for need in seen.parked.values()}
            for kind in needs:
                self.parts.looker.look(kind, [n for n in seen.parked.values() if n.kind == kind])
            more = self.parts.observer.observe(seen.parked, reserved)
            seen = Observation(situations=[*seen.situations, *more.situations], parked=more.parked)
        return seen

    def step(self, uid: PodUid) -> None:
        """The next action of this Pod's plan. Raises Fenced: then the term is over."""
        task = self.tasks[uid]
        try:
            task.steps.do(task.action)
        except Fenced:
            raise
        except PodEipError as error:
            self._end(task, Outcome(uid=uid, epoch=self.epoch, situation=task.s, error=error, failed=task.action))
            return
        task.did = task.did or not isinstance(task.action, act.Tell)
        task.at += 1
        self._skip(task)

    def stop_for_token(self, uid: PodUid) -> None:
        """EC2 has no token for the next action: the plan ends before it, and the Pod is planned anew at its turn."""
        task = self.tasks[uid]
        assert isinstance(task.action, act.Mutation)
        stops = Outcome(
            uid=uid,
            epoch=self.epoch,
            situation=task.s,
            did=task.did,
            wait=act.Wait(reason=act.Reason.TOKEN),
            for_token=type(task.action),
        )
        self._end(task, stops)

    def resync(self) -> None:
        """A heartbeat, then the full comparison. Raises Fenced."""
        self.engine.ports.ledger.heartbeat()
        uids = self.house.resync()
        self.queue.add(uids)
        alive = {*self.house.everyone(), *uids}
        self.state.memory.tidy(alive)
        self.queue.forget_all(but=alive)
        self.after.looked()

    # ── inside ──

    def _begin(self, s: Situation) -> None:
        steps = self.rules.plan(s)
        if not steps:
            self.after.take_in(Outcome(uid=s.uid, epoch=self.epoch, situation=s))
            if s.pod is None and s.record is None:
                self.state.memory.forget(s.uid)
                self.queue.forget(s.uid)
            return
        task = Task(s=s, plan=steps, steps=self._steps(s))
        self.tasks[s.uid] = task
        self._skip(task)

    def _skip(self, task: Task) -> None:
        """Past what nobody outside can see, and to the end if that is all."""
        while task.at < len(task.plan):
            action = task.action
            if isinstance(action, act.Wait):
                outcome = Outcome(uid=task.s.uid, epoch=self.epoch, situation=task.s, did=task.did, wait=action)
                return self._end(task, outcome)
            if not isinstance(action, act.Tell):
                return None
            task.steps.do(action)
            task.at += 1
        return self._end(task, Outcome(uid=task.s.uid, epoch=self.epoch, situation=task.s, did=task.did))

    def _end(self, task: Task, outcome: Outcome) -> None:
        self.tasks.pop(task.s.uid, None)
        self.after.take_in(outcome)

    def _steps(self, s: Situation) -> Steps:
        return self.rules.steps(self.engine.ports, self.parts, s)

    def _task_like(self, task: Task) -> Task:
        steps = self._steps(task.s)
        steps.record = task.steps.record
        steps._new, steps._association_id = task.steps._new, task.steps._association_id
        return replace(task, steps=steps)

    def _begin_term(self, queue: Wakes, known: TermState | None = None) -> None:
        self.queue = queue
        self.opened = self.engine.open_term(Term(identity=self.name, epoch=self.epoch, since=""), queue, known)
        self.state.others.installs = frozenset(install_in(ClusterUid(uid)) for uid in self.stage.world.pods)
