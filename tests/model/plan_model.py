"""The plan's model: what leaders, EC2, the ledger and Pods may do next, and what must hold.

Out of the ordinary are: a call that is lost, or whose answer is, or that arrives much later; a call for which EC2 has
no token, so that its plan does not begin, or ends there; a thread that waits long for its turn; a leader killed,
frozen, or deposed without noticing; a describe that shows the past; a watch that is silent; a minute that passes;
somebody else going first; the next event of the scene coming early. What stands still goes on when nothing else is left
to do.
"""

from collections.abc import Iterator, Sequence

from controller.core import actions as act
from controller.core.phases import Edge
from state.model import PodUid
from tests.model.by_hand import Task
from tests.model.canon import canonical
from tests.model.explorer import Move
from tests.model.judge import crimes, overdue, unsettled
from tests.model.leader_model import LeaderModel, Rules
from tests.model.scenes import Scene
from tests.model.stage import Stage
from tests.model.world import MOMENT_S, ROUNDS, World

FAULTS = ("lost", "unknown", "late")
MINUTE_S = 61.0


class PlanModel:
    """A scene, and every way in which it may go."""

    def __init__(self, scene: Scene, rules: Rules | None = None) -> None:
        self._scene, self._rules, self._stage = scene, rules or Rules(), Stage()

    @property
    def edges(self) -> frozenset[Edge]:
        """The edges that claims have taken in what was searched so far."""
        return frozenset(self._stage.edges)

    def start(self) -> World:
        """The scene as it begins."""
        return self._scene.begin()

    def key(self, state: World) -> bytes:
        """The state without names and dates."""
        return canonical(state)

    def natural(self, state: World) -> Move | None:
        """Leaders act, then the scene goes on, then what stood still goes on, then time passes."""
        return next(self._natural(state), None)

    def others(self, state: World) -> Sequence[Move]:
        """Everything else."""
        natural = self.natural(state)
        return [move for move in self._all(state) if move != natural]

    def after(self, state: World, move: Move) -> World:
        """The world after this move."""
        return self.go_on(state.copy(), move)

    def go_on(self, state: World, move: Move) -> World:
        """This very world after this move."""
        world = state
        world.now += MOMENT_S
        self._stage.world, self._stage.fault, self._stage.late, self._stage.tokenless = world, "", False, False
        before = world.effects()
        self._do(world, move)
        if world.effects() != before:
            world.quiet = 0
        return world

    def broken(self, state: World) -> str:
        """What must never be."""
        return crimes(state)

    def unsettled(self, state: World) -> str:
        """What must not stay."""
        return unsettled(state)

    # ── which moves there are ──

    def _natural(self, world: World) -> Iterator[Move]:
        for cluster in world.pods:
            if not any(leader.cluster == cluster and not leader.frozen for leader in world.leaders.values()):
                yield ("begin", cluster)
        awake = [(name, leader) for name, leader in world.leaders.items() if not leader.frozen]
        yield from (("news", name) for name, leader in awake if not leader.deaf and world.behind(leader))
        for name, leader in awake:
            yield from (_step(name, uid, task) for uid, task in leader.tasks.items() if not task.held)
        for name, leader in awake:
            yield from _looks(world, name, leader)
        if world.script and not world.awaits_calm():
            yield ("event", world.script[0].name)
        yield from self._goes_on(world) if not world.awaits_calm() else ()
        if world.quiet < ROUNDS:
            yield ("time passes",)

    def _goes_on(self, world: World) -> Iterator[Move]:
        for number, call in enumerate(world.flying):
            yield ("arrives", str(number), call.name)
        for name, leader in world.leaders.items():
            if leader.deaf:
                yield ("hears", name)
            yield from (("turn of", name, uid) for uid, task in leader.tasks.items() if task.held)
            if leader.frozen:
                yield ("thaws", name)

    def _all(self, world: World) -> Iterator[Move]:
        for name, leader in world.leaders.items():
            if not leader.frozen:
                yield from self._of_leader(world, name, leader)
        if world.script:
            yield ("event", world.script[0].name)
        yield from self._goes_on(world)
        yield from (("begin", cluster) for cluster in world.pods if self._may_begin(world, cluster))
        if world.leaders:
            yield ("minute",)

    def _may_begin(self, world: World, cluster: str) -> bool:
        return len([leader for leader in world.leaders.values() if leader.cluster == cluster]) == 1

    def _of_leader(self, world: World, name: str, leader: LeaderModel) -> Iterator[Move]:
        yield ("killed", name)
        yield ("freezes", name)
        for uid, task in leader.tasks.items():
            yield from self._of_task(name, leader, uid, task)
        if leader.is_due:
            yield ("look", name)
            if world.account.can_be_late(world.now):
                yield ("look", name, "at the past")
            yield ("look", name, "without a token")
        if not leader.deaf and (world.script or world.behind(leader)):
            yield ("hears nothing", name)

    def _of_task(self, name: str, leader: LeaderModel, uid: PodUid, task: Task) -> Iterator[Move]:
        if task.held:
            return
        yield _step(name, uid, task)
        yield ("must wait", name, uid)
        if isinstance(task.action, act.Mutation) and not _has_ticket(leader, uid, task.action):
            yield ("has no token", name, uid)
        if not isinstance(task.action, act.Unseen):
            yield from (_step(name, uid, task, fault) for fault in FAULTS)

    # ── what they do ──

    def _do(self, world: World, move: Move) -> None:
        match move:
            case ("begin", cluster):
                world.begin(cluster, self._stage, self._rules)
            case ("event", _):
                world.happen()
                world.quiet = 0
            case ("arrives", number, _):
                world.land(int(number))
            case ("minute",):
                world.now += MINUTE_S
            case ("time passes",):
                world.rest(overdue)
            case (what, name, *rest):
                self._do_leader(world, what, name, rest)
            case _:
                raise AssertionError(move)

    def _do_leader(self, world: World, what: str, name: str, rest: Sequence[str]) -> None:
        if what in ("killed", "learns"):
            del world.leaders[name]
            return
        if what == "does":
            uid, _, *fault = rest
            self._stage.fault = fault[0] if fault else ""
            world.step(name, PodUid(uid))
            return
        leader = world.acting(name)
        match what:
            case "news":
                leader.hear(world.pods[leader.cluster])
            case "look":
                self._stage.late, self._stage.tokenless = "at the past" in rest, "without a token" in rest
                leader.look()
                world.depose(name)
            case "freezes" | "thaws":
                leader.frozen = what == "freezes"
            case "hears nothing" | "hears":
                leader.deaf = what == "hears nothing"
            case "has no token":
                self._stage.tokenless = True
                leader.step(PodUid(rest[0]))
            case "must wait" | "turn of":
                leader.tasks[PodUid(rest[0])].held = what == "must wait"
            case _:
                raise AssertionError(what)


def _looks(world: World, name: str, leader: LeaderModel) -> Iterator[Move]:
    """A leader looks at who is due; one that was deposed learns of it when it has nothing left to do."""
    if not world.deposed(leader):
        yield from (("look", name),) if leader.is_due else ()
    elif not leader.tasks:
        yield ("learns", name)


def _has_ticket(leader: LeaderModel, uid: PodUid, call: act.Mutation) -> bool:
    """Whether a token was put by for what comes next."""
    return leader.state is not None and uid in leader.state.lines.of[call.operation].tickets


def _step(name: str, uid: PodUid, task: Task, *fault: str) -> Move:
    return ("does", name, uid, type(task.action).__name__, *fault)
