"""The stage on which the story is played: what its scenes may do, and how they wait for the world to follow.

Every wait ends when the demo is interrupted or another scene has failed, so that nothing keeps the world alive, and
every time-out says what was waited for.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.demo.cast import Cast, Life
from sandbox.demo.judge import Evidence, Signal, Stretch, taken_over
from sandbox.demo.scenes import ROW_NODE, Part
from sandbox.demo.watcher import Watcher
from sandbox.ec2.log import CallRecord
from sandbox.replica import Replica
from sandbox.world import SandboxCluster, World

Say = Callable[[str], None]


class SceneFailed(Exception):
    """What the scene waited for did not happen in time."""


class Interrupted(Exception):
    """The demo ends early, for another reason than this scene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Countdown:
    """Something that takes a known time: shown while it lasts."""

    text: str
    since: float
    limit_s: float

    def __str__(self) -> str:
        return f"{self.text} ({time.monotonic() - self.since:.0f} s; at most about {self.limit_s:.0f} s)"


class Stage:
    """Shared by the scenes of both clusters, which are played at the same time."""

    def __init__(self, world: World, watcher: Watcher, say: Say) -> None:
        self.world, self.watcher, self.say = world, watcher, say
        self.cast = Cast(world)
        self.ending = threading.Event()
        self.countdowns: set[Countdown] = set()
        self._signals: list[Signal] = []
        self._stretches: list[Stretch] = []

    # ── waiting ──

    def until(self, truth: Callable[[], object], limit_s: float, what: str, every_s: float = 0.05) -> None:
        """Return once it is true. Raises SceneFailed after `limit_s` seconds, Interrupted if the demo ends."""
        deadline = time.monotonic() + limit_s
        while not truth():
            if self.ending.wait(every_s):
                raise Interrupted
            if time.monotonic() > deadline:
                raise SceneFailed(f"not within {limit_s:g} s: {what}")

    def until_served(self, lives: Sequence[Life], limit_s: float = 60) -> None:
        """Return once all of them wear a label with an address; what it is worth, the judge finds out."""
        waiting = {life.uid: life.part.full_name for life in lives}
        cluster = next(life.part.cluster for life in lives)

        def served() -> bool:
            for row in self.watcher.look_at_pods(cluster):
                if row.label:
                    waiting.pop(row.uid, None)
            return not waiting

        try:
            self.until(served, limit_s, "every Pod has an address", 0.02)
        except SceneFailed as error:
            raise SceneFailed(f"{error}; without one: {', '.join(sorted(waiting.values()))}") from error

    def until_released(self, lives: Sequence[Life], limit_s: float = 60) -> None:
        """Return once EC2 has nothing at their places, and no address that was allocated for them."""
        self.until_cut(lives, limit_s)
        uids = {life.uid for life in lives}

        def released() -> bool:
            return all(uids.isdisjoint(a.tags.values()) for a in self.world.ec2.world().addresses.values())

        self.until(released, limit_s, "the addresses of deleted Pods are released", 0.1)

    def until_begun(self, lives: Sequence[Life], limit_s: float = 30) -> None:
        """Return once EC2 has an address for the first of them."""
        targets = {life.target for life in lives}
        self.until(lambda: targets & self._associated(), limit_s, "the leader is in the middle of its work", 0.01)

    def until_cut(self, lives: Sequence[Life], limit_s: float = 60) -> None:
        """Return once EC2 has nothing at their places."""
        targets = {life.target for life in lives}
        self.until(lambda: not targets & self._associated(), limit_s, "the addresses of deleted Pods are cut")

    def until_taken_back(self, lives: Sequence[Life], limit_s: float = 60) -> None:
        """Return once the table, too, says of all of them that nothing is associated any more."""
        uids = [life.uid for life in lives]

        def taken_back() -> bool:
            phases = self.watcher.look().ledger.phase_of
            return all(phases.get(uid, "releasing") == "releasing" for uid in uids)

        self.until(taken_back, limit_s, "what deleted Pods held is taken back", 0.2)

    def until_taken_over(self, signal: Signal, limit_s: float = 60) -> CallRecord:
        """The first EC2 call of the one who takes over, once there is one."""
        found: list[CallRecord] = []

        def taken() -> bool:
            first = taken_over(signal, self.world.ec2.log())
            found.extend([first] if first else [])
            return bool(first)

        self.until(taken, limit_s, f"somebody takes over after {signal.kind}", 0.1)
        return found[0]

    def _associated(self) -> set[tuple[str, str]]:
        found = (a.association for a in self.world.ec2.world().addresses.values())
        return {(a.interface_id, a.private_ip) for a in found if a}

    @contextmanager
    def countdown(self, text: str, limit_s: float) -> Iterator[None]:
        """Show that something takes its time, while it does."""
        shown = Countdown(text=text, since=time.monotonic(), limit_s=limit_s)
        self.countdowns.add(shown)
        try:
            yield
        finally:
            self.countdowns.discard(shown)

    # ── acting ──

    def run(self, parts: Sequence[Part]) -> list[Life]:
        """All of these Pods at once, on the nodes before the one of the row by turns."""
        return [self.cast.run(part, node=number % ROW_NODE) for number, part in enumerate(parts)]

    def delete(self, lives: Sequence[Life]) -> None:
        """Delete all of these Pods."""
        for life in lives:
            self.cast.delete(life)

    def one_by_one(self, parts: tuple[Part, ...]) -> Stretch:
        """The Pods, on a node of their own, come one after another, then go one after another.

        It lasts from before the first Pod until after the last release.
        """
        cluster = self.world.clusters[parts[0].cluster]
        since = time.monotonic()
        lives = []
        for part in parts:
            lives.append(self.cast.run(part, node=ROW_NODE))
            self.until_served(lives[-1:])
        for life in lives:
            self.cast.delete(life)
            self.until_cut([life])
        self.until_released(lives)
        names = frozenset(replica.name for replica in cluster.replicas)
        made = Stretch(
            mode=parts[0].mode,
            callers=names,
            uids=frozenset(life.uid for life in lives),
            since=since,
            until=time.monotonic(),
        )
        self._stretches.append(made)
        return made

    # ── leaders ──

    def leader(self, cluster: SandboxCluster) -> Replica:
        """The live replica that holds the Lease, once there is one."""
        found: list[Replica] = []

        def held() -> bool:
            holder = self.watcher.lease(cluster).holder
            found[:] = [r for r in cluster.replicas if r.name == holder and r.alive]
            return bool(found)

        self.until(held, 90, f"a replica of {cluster.name} leads", 0.1)
        return found[0]

    def hit(self, cluster: SandboxCluster, kind: str, hit: Callable[[Replica], None]) -> Signal:
        """Hit the leader; returns as soon as the signal is sent."""
        victim = self.leader(cluster)
        others = frozenset(r.name for r in cluster.replicas if r is not victim)
        hit(victim)
        signal = Signal(kind=kind, victim=victim.name, others=others, at=victim.signalled_at)
        self._signals.append(signal)
        return signal

    def restart(self, cluster: SandboxCluster) -> None:
        """Start the replicas that have ended, as a Deployment would."""
        hit = {signal.victim for signal in self._signals}
        ended = [replica for replica in cluster.replicas if replica.name in hit]
        self.until(lambda: not any(replica.alive for replica in ended), 30, f"{', '.join(hit)} have ended")
        for replica in ended:
            replica.start()

    def evidence(self) -> Evidence:
        """Everything that the judge needs, as the world shows it now."""
        picture = self.watcher.look()
        return Evidence(
            lives=self.cast.lives(),
            sightings=self.watcher.sightings(),
            calls=self.world.ec2.log(),
            journal=self.world.ec2.journal(),
            picture=picture,
            disputed=self.watcher.disputed(),
            signals=tuple(self._signals),
            stretches=tuple(self._stretches),
            replicas=frozenset(r.name for r in self.world.replicas()),
        )
