"""One round: two clusters live through random troubles for a while, all is mended, and the judge reads the record.

The sequence of what is done comes from the seed alone; what the processes make of it depends on the machine, so a
seed that failed is likely, not certain, to fail again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from random import Random

from sandbox.world import wait_until
from tests.faults.world import FaultWorld
from tests.history import Bounds, History
from tests.judge import BrokenGuaranteesError, IncompleteRecordError
from tests.judges.facts import Facts
from tests.judges.placement import longest_misplacement, misplaced
from tests.nemesis.troubles import Active, Troubles
from tests.nemesis.users import OWN, POOL, Users
from tests.nemesis.world import NemesisWorld, nemesis_world
from tests.real.host import RealHost

# Troubles last up to 9 s and overlap, so that nobody may be able to lead for half a minute.
BOUNDS = Bounds(misplaced_s=60.0, unclaimed_s=60.0, stale_label_s=60.0, failover_s=inf, handover_s=inf)
SETTLE_S = 90.0
POOL_SIZE = 6
AT_ONCE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a round ended. `why` is empty where every guarantee held; `misplaced_s` is the longest misplacement."""

    seed: str
    story: tuple[str, ...]
    calls: int = 0
    misplaced_s: float = 0.0
    why: str = ""


def play_round(
    seed: str, seconds: float, folder: Path, host: RealHost | None, tell: Callable[[str], object]
) -> Verdict:
    """Live through troubles for so many seconds, then be judged."""
    story: list[str] = []
    begin = time.monotonic()

    def note(line: str) -> None:
        story.append(f"{time.monotonic() - begin:7.2f} {line}")
        tell(story[-1])

    with nemesis_world(folder, host) as world:
        note("the world is there")
        suffer(world, Random(seed), seconds, note)
        note("all is mended")
        why = judged(world)
        history = world.history()
        facts = Facts(history)
        (folder / "timeline.txt").write_text("\n".join([*story, "", *timeline(history), "", *astray(facts), ""]))
        seen = longest_misplacement(facts)
    return Verdict(seed=seed, story=tuple(story), calls=len(history.calls), misplaced_s=seen, why=why)


def suffer(world: NemesisWorld, rng: Random, seconds: float, note: Callable[[str], None]) -> None:
    """Do what people do, and let troubles come and go."""
    for _ in range(POOL_SIZE):
        world.ec2.add_address(tags={POOL: ""})
    crowds = [Users(world, cluster, Random(rng.random()), note) for cluster in world.clusters.values()]
    troubles, active = Troubles(world, Random(rng.random()), note), Active()
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            rng.choice(crowds).step()
            if len(active) < AT_ONCE and rng.random() < 0.25:
                active.begin(rng.choice(troubles.all())())
            active.end_due()
            time.sleep(rng.uniform(0.02, 0.5))
    finally:
        active.end_due(everything=True)
    make_well(world, crowds)


def make_well(world: NemesisWorld, crowds: list[Users]) -> None:
    """Everybody runs, every door is open, and the pool has room for all who wait."""
    world.mend()
    for replica in world.replicas():
        if not replica.alive:
            world.start(replica)
    for users in crowds:
        wait_until(users.known, 30, "the Pods are known")
    for _ in range(12):
        world.ec2.add_address(tags={POOL: ""})


def judged(world: FaultWorld) -> str:
    """What did not hold; empty where all did."""
    try:
        world.verdict(quiet_s=4, bounds=BOUNDS, limit_s=SETTLE_S)
    except (BrokenGuaranteesError, IncompleteRecordError) as error:
        return str(error)
    return ""


def astray(facts: Facts) -> list[str]:
    """Where addresses stood without right for more than a second, the longest first."""
    began = facts.history.began
    found = sorted(((seconds, h) for seconds, h in misplaced(facts) if seconds > 1), key=lambda each: -each[0])
    return [
        f"{seconds:.1f} s without right: {h.allocation_id} at {h.private_ip}, which {h.by.access_key} associated at "
        f"{h.since - began:.3f}"
        for seconds, h in found
    ]


def timeline(history: History) -> list[str]:
    """The whole record in the order of time, a line each, for whoever has to find out why."""
    began = history.began
    lines = [
        (c.began, f"{c.who} {c.what} {c.about} -> {c.status} after {c.ended - c.began:.3f}")
        for c in history.calls
        if c.changes
    ]
    lines += [(w.at, f"{w.who} wrote {dict(w.puts)} deleted {set(w.deletes)}") for w in history.writes]
    lines += [(s.at, f"{s.who} got {s.kind}") for s in history.signals]
    lines += [(p.at, f"Pod {p}") for p in history.pods]
    lines += [(e.effect.mono, f"EC2 {e.caller.access_key}: {e.effect}") for e in history.journal]
    return [f"{at - began:8.3f} {what}" for at, what in sorted(lines)]


__all__ = ["OWN", "POOL", "Verdict", "play_round", "timeline"]
