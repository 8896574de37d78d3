"""The story: what happens in each cluster, in the order in which a person is to see it.

Both clusters play at the same time, on one EC2, one table and one pool. Cluster `a` loses its leader twice in the
middle of the work; cluster `b` loses a node while no controller runs at all. In the end most Pods have gone, and the
world must come to rest.
"""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from sandbox.demo import ledger, scenes
from sandbox.demo.cast import Life
from sandbox.demo.judge import leaked, mislabelled
from sandbox.demo.scenes import AUTO, COOL_DOWN_S, LEASE_S, POOL_SIZE, POOL_TAG, Part
from sandbox.demo.stage import Stage
from sandbox.replica import Replica
from sandbox.world import SandboxCluster


def play(stage: Stage) -> None:
    """Everything. Raises SceneFailed if something does not come about in time."""
    prepare(stage)
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="scene") as together:
        try:
            scenes_played = [together.submit(scene, stage) for scene in (play_a, play_b)]
            done, _ = wait(scenes_played, return_when=FIRST_EXCEPTION)
            for scene in sorted(done, key=lambda s: s.exception() is None):
                scene.result()
        except BaseException:
            stage.ending.set()
            raise
    come_to_rest(stage)


def prepare(stage: Stage) -> None:
    """Tag the addresses that people have set aside, and start a replica of each cluster, then the others."""
    for _ in range(POOL_SIZE):
        stage.world.ec2.add_address(tags={POOL_TAG: "shared"})
    for tags in scenes.own_tags(scenes.EVERYBODY):
        stage.world.ec2.add_address(tags=tags)
    clusters = stage.world.clusters.values()
    for replica in [c.replicas[0] for c in clusters] + [r for c in clusters for r in c.replicas[1:]]:
        replica.start()
    stage.say("EC2, DynamoDB and both Kubernetes APIs answer; three replicas for cluster a and two for b are starting")
    ledger.warm_up(ledger.open_client(stage.world.dynamodb_url))
    for cluster in clusters:
        stage.until(cluster.leader, 90, f"a replica of {cluster.name} leads", 0.2)
        stage.say(f"{cluster.name}: {stage.leader(cluster).name} leads")


def play_a(stage: Stage) -> None:
    """Cluster `a`: Pods of all modes; SIGKILL and SIGTERM of a leader; one by one; IPs that are used again."""
    cluster = stage.world.clusters["a"]
    shop = _arrive(stage, scenes.SHOP)
    stage.until(lambda: all(r.ready() for r in cluster.replicas), 90, "all replicas of a are ready", 0.2)
    leaving = shop[::2]
    rush = _lose_leader(stage, cluster, scenes.RUSH, leaving, "sigkill")
    sale = _lose_leader(stage, cluster, scenes.SALE, rush[:2], "sigterm")
    stage.delete([*rush[2:], *sale])
    stage.say(f"a: all {len(rush) + len(sale)} Pods that came in the two fail-overs are deleted again")
    stage.restart(cluster)
    stage.until_taken_back([*leaving, *rush, *sale])
    _one_by_one(stage, scenes.ONE_BY_ONE_POOL)
    _one_by_one(stage, scenes.ONE_BY_ONE_OWN)
    _reuse_ips(stage, leaving)


def play_b(stage: Stage) -> None:
    """Cluster `b`: Pods of all modes; no controller at all, and a node is lost meanwhile; one by one."""
    cluster = stage.world.clusters["b"]
    games = _arrive(stage, scenes.GAMES)
    _stop_all(stage, cluster)
    survivors, strangers = _lose_node(stage, cluster, games)
    night = stage.run(scenes.NIGHT)
    stage.delete(survivors[:1])
    stage.say(f"b: {survivors[0].part.full_name} is deleted and {len(night)} Pods are created while nobody looks")
    for replica in cluster.replicas:
        replica.start()
    stage.until_served([*night, *(s for s in strangers if s.part.mode)], 90)
    stage.until_cut(survivors[:1])
    stage.say("b: a controller is back: new Pods are served, and what the gone ones held is taken back")
    stage.delete([*survivors[1:], *(life for life in night if life.part.mode == AUTO)])
    _one_by_one(stage, scenes.ONE_BY_ONE_AUTO)


def come_to_rest(stage: Stage) -> None:
    """Return once EC2, the table and the labels agree about everybody who lives."""
    stage.say("the story is over; waiting until EC2, the table and the labels agree")
    with stage.countdown("released addresses share a describe every 15 s", 15):
        stage.until(lambda: not _unrest(stage), 60, "EC2, the table and the labels agree", 0.5)


def _unrest(stage: Stage) -> bool:
    evidence = stage.evidence()
    labelled = {row.uid for row in evidence.picture.pods if row.label}
    unserved = any(life.part.mode and life.uid not in labelled for life in stage.cast.living())
    return unserved or bool(leaked(evidence)) or bool(mislabelled(evidence))


def _arrive(stage: Stage, parts: tuple[Part, ...]) -> list[Life]:
    began = time.monotonic()
    lives = stage.run(parts)
    stage.say(f"{parts[0].cluster}: {len(lives)} Pods of all three modes are created")
    stage.until_served(lives)
    stage.say(f"{parts[0].cluster}: all {len(lives)} have their addresses, {time.monotonic() - began:.1f} s later")
    return lives


def _one_by_one(stage: Stage, parts: tuple[Part, ...]) -> None:
    cluster, mode = parts[0].cluster, parts[0].mode
    stage.say(f"{cluster}: {len(parts)} Pods with {mode} come one after another, and go again")
    stage.one_by_one(parts)
    stage.say(f"{cluster}: the {len(parts)} Pods with {mode} have gone; EC2 has nothing left of them")


def _lose_leader(
    stage: Stage, cluster: SandboxCluster, come: tuple[Part, ...], go: list[Life], kind: str
) -> list[Life]:
    """Pods come and go, and as soon as EC2 shows that the leader is at it, the leader is hit."""
    hits: dict[str, tuple[str, float, Callable[[Replica], None]]] = {
        "sigkill": ("was KILLED (SIGKILL)", LEASE_S + 2, Replica.kill),
        "sigterm": ("is told to stop (SIGTERM)", 1, Replica.terminate),
    }
    words, limit_s, hit = hits[kind]
    stage.leader(cluster)
    lives = stage.run(come)
    stage.delete(go)
    stage.until_begun(lives)
    signal = stage.hit(cluster, kind, hit)
    stage.say(f"{cluster.name}: leader {signal.victim} {words} in the middle of the work")
    with stage.countdown(f"{cluster.name}: waiting for another replica to take the Lease", limit_s):
        first = stage.until_taken_over(signal)
    seconds = first.started_mono - signal.at
    stage.say(f"{cluster.name}: {first.caller.access_key} leads; its first EC2 call came after {seconds:.1f} s")
    stage.until_served(lives)
    stage.until_cut(go)
    stage.say(f"{cluster.name}: the {len(lives)} Pods that came are served, the {len(go)} that went are cut")
    return lives


def _reuse_ips(stage: Stage, gone: list[Life]) -> None:
    """Strangers get the IPs of Pods that died in the fail-over, as soon as the VPC CNI would give them out."""
    cooled = stage.cast.last_end(gone) + COOL_DOWN_S
    names = " and ".join(life.part.full_name for life in gone[-2:])
    with stage.countdown("a: IPs of deleted Pods cool down, as with the VPC CNI", COOL_DOWN_S):
        stage.until(lambda: time.monotonic() >= cooled, COOL_DOWN_S + 5, "IPs have cooled down")
    pairs = zip(scenes.STRANGERS_A, gone[-2:], strict=True)
    heirs = [stage.cast.run(part, place=(life.node, life.ip)) for part, life in pairs]
    stage.say(f"a: strangers get the IPs of {names}")
    stage.until_served([life for life in heirs if life.part.mode])


def _stop_all(stage: Stage, cluster: SandboxCluster) -> None:
    stage.leader(cluster)
    for replica in cluster.replicas:
        replica.terminate()
    stage.until(lambda: not any(r.alive for r in cluster.replicas), 30, "both replicas of b have ended")
    stage.say("b: both replicas are stopped: no controller runs")


def _lose_node(stage: Stage, cluster: SandboxCluster, lives: list[Life]) -> tuple[list[Life], list[Life]]:
    """A node dies with its Pods, and a new one takes over its IPs, with strangers on them: survivors and strangers."""
    lost = lives[0].node
    dead = [life for life in lives if life.node is lost]
    stage.world.lose_node(cluster, lost)
    stage.delete(dead)
    stage.say(f"b: node {lost.name} is lost with {len(dead)} Pods, and no controller sees it")
    new = stage.world.replace_node(cluster, lost)
    pairs = zip(scenes.STRANGERS_B, dead[:2], strict=True)
    strangers = [stage.cast.run(part, place=(new, life.ip)) for part, life in pairs]
    stage.say(f"b: node {new.name} takes over the IPs; strangers run on two of them")
    return [life for life in lives if life.node is not lost], strangers
