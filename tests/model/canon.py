"""A state of the plan's model without names and dates: two that read the same will go on the same.

Ids are numbered by their first appearance. Of times only the order within one leader's memory counts, and which of
the thresholds they have passed. Revisions are left out: whether a cached record is the one that stands is said.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

from controller.core import contract
from controller.core.views import Address, PodView
from controller.engine.memory import PodProgress
from controller.engine.run import PlanOutcome
from controller.engine.term import TermState
from controller.engine.workqueue import Keys
from state.model import AddressRecord, AllocationId, Change, PodRecord
from tests.model.by_hand import Task
from tests.model.leader_model import LeaderModel
from tests.model.table import Table
from tests.model.world import World

_IDS = (re.compile(r"eip[a-z]+-\d+"), re.compile(r"203\.0\.113\.\d+"))
"""What EC2 names. Each pattern begins with letters that must match: such are searched for several times faster."""
_ROUNDS = (0.0, 18.0, 650.0)
_AGES = (1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 600.0, 1200.0)
Token = str | float


def canonical(world: World) -> bytes:
    """Sixteen bytes that stand for the state."""
    text = "\n".join(_text(world))
    names: dict[str, str] = {}
    for pattern in _IDS:
        text = pattern.sub(lambda found: names.setdefault(found[0], f"#{len(names)}"), text)
    return blake2b(text.encode(), digest_size=16).digest()


def _text(world: World) -> Iterator[str]:
    yield f"{len(world.script)} {world.quiet} {sorted(world.table.lost)}"
    yield _addresses(world.account.addresses)
    lag = world.now - 30.0
    for until, old in world.account.past:
        if until > lag:
            yield "past " + _addresses(old)
    yield " ".join(sorted(world.account.ours | world.account.in_order))
    shown = {address.public_ip for address in world.account.addresses.values()}
    yield str(sorted(pair for pair in world.account.served if pair[0] in shown))
    yield from _table(world.backup) if world.backup and world.script else ()
    for cluster, pods in world.pods.items():
        yield cluster + " ".join(_pod(pod) for pod in pods.values())
    yield from _table(world.table)
    for call in world.flying:
        yield f"{call.name} {_change(world, call.change) if call.change else ''}"
    for leader in sorted(world.leaders.values(), key=lambda leader: (leader.cluster, leader.epoch)):
        yield _leader(world, leader)


def _table(table: Table) -> Iterator[str]:
    for (cluster, _), record in table.pods.items():
        yield f"{cluster} {_record(record)}"
    for side in table.addresses.values():
        yield _side(side)
    for cluster, (_, queues) in table.told.items():
        yield f"{cluster} {[(queue.pool, queue.waiting) for queue in queues]}"


def _leader(world: World, leader: LeaderModel) -> str:
    tokens = list(_tokens(world, leader))
    order = sorted({token for token in tokens if isinstance(token, float)})
    rank = {at: f"{number}/{_age(world.now - at)}" for number, at in enumerate(order)}
    return " ".join(rank[token] if isinstance(token, float) else token for token in tokens)


def _age(seconds: float) -> int:
    return sum(seconds >= limit for limit in _AGES)


def _tokens(world: World, leader: LeaderModel) -> Iterator[Token]:
    yield f"{leader.cluster} {world.deposed(leader)} {leader.frozen} {leader.deaf} {leader.restored}"
    yield from _ledger(world, leader)
    if leader.cache is not world.pods[leader.cluster]:
        yield "behind " + " ".join(_pod(pod) for pod in leader.cache.values())
    yield f"{sorted(leader.deleted)} {_queue(world, leader.loop.known.keys)}"
    for task in leader.tasks.values():
        yield _task(leader, task)
    for outcome in leader.loop.known.news.outcomes:
        yield _outcome(outcome)
    if leader.state is not None:
        yield from _memory(leader, leader.state)
        yield from _chores(leader.state)


def _queue(world: World, keys: Keys) -> str:
    """Who is due, and by which round of the world's rest the others are."""
    due = sorted((uid, sum(at - world.now > limit for limit in _ROUNDS)) for uid, at in keys.due.items())
    return f"{due} {sorted(keys.held)}"


def _ledger(world: World, leader: LeaderModel) -> Iterator[Token]:
    for uid, record in leader.records.items():
        same = world.table.pods.get((leader.cluster, uid))
        yield "=" if same is not None and same.nonce == record.nonce else _record(record)
    missing = {uid for cluster, uid in world.table.pods if cluster == leader.cluster} - leader.records.keys()
    yield f"unknown {sorted(missing)}"
    for key, side in leader.sides.items():
        stands = world.table.addresses.get(key)
        yield f"{key}=" if stands is not None and stands.nonce == side.nonce else _side(side)


def _memory(leader: LeaderModel, state: TermState) -> Iterator[Token]:
    memory, seen, failures = state.memory, state.seen, leader.loop.known.keys.failures
    yield from (memory.started, seen.asked_at, memory.quota_short_until)
    yield _addresses(seen.addresses)
    for uid, mine in memory.pods.items():
        yield uid
        yield from _of_pod(mine, failed=uid in failures)
    yield from _dated(seen.missing.items())
    for allocation_id, (at, made) in seen.made.items():
        yield from (allocation_id, at, _address(made) if made else "-")
    yield from _dated(memory.made_at.items(), memory.cut_ids.items(), seen.cut.items())
    yield f"{sorted(memory.unknown_writes)} {sorted(memory.unknown_intents)} {state.claims.ip_of}"


def _of_pod(mine: PodProgress, *, failed: bool) -> Iterator[Token]:
    yield from (mine.cut_at, mine.look_after)
    yield from (at if at is not None else "-" for at in (mine.allocating_since, mine.associating_since))
    yield f"{int(failed)}{min(mine.losses, 1)}{mine.gone}{mine.waiting}{mine.poll_s}"
    yield f"{mine.claimed}{mine.proven}"
    for key, (times, until) in mine.cooldowns.items():
        yield from (f"{key}x{min(times, 3)}", until)
    yield from ("-" if at is None else at for at in (mine.foreign_since, mine.unplaced_since))


def _chores(state: TermState) -> Iterator[Token]:
    waiters, chores = state.waiters, state.chores
    for waiting in (waiters.pool, waiters.release, waiters.target):
        yield str(sorted(waiting))
    yield waiters.release_due
    for install, queues in state.others.queues.items():
        yield f"{install} {[(queue.pool, queue.waiting, min(queue.waited_s // 30, 4)) for queue in queues]}"
    yield from _dated((uid, place.since) for uid, place in state.memory.queues.places.items())
    for operation, line in state.lines.of.items():
        if line.waiting or line.tickets:
            yield f"{operation} {sorted(line.waiting)} {sorted(line.tickets)}"
    yield from _dated(state.others.read.items(), chores.unowned_since.items())
    for (named, _), at in (*chores.recent_since.items(), *chores.remembered_since.items()):
        yield from (named, at)


def _dated(*several: Iterable[tuple[str, float]]) -> Iterator[Token]:
    for dates in several:
        for name, at in dates:
            yield from (name, at)
        yield ";"


def _task(leader: LeaderModel, task: Task) -> str:
    run = task.run
    s, runner = run.so_far.situation, run.runner
    known = leader.records.get(s.uid)
    current = runner.record is None or (known is not None and known.nonce == runner.record.nonce)
    pod = _pod(s.pod) if s.pod is not None else ""
    left = run.so_far.plan[run.at :]
    return f"{s.uid} {left} {task.held} {run.so_far.did} {current} {runner.made} {s.desire} {pod}"


def _outcome(outcome: PlanOutcome) -> str:
    wait, error = outcome.wait and outcome.wait.reason, type(outcome.error).__name__
    pod = _pod(outcome.situation.pod) if outcome.situation.pod is not None else ""
    ended = f"{outcome.uid} {outcome.did} {wait} {error} {type(outcome.failed).__name__} {outcome.for_token}"
    return f"{ended} {outcome.situation.desire} {pod}"


def _change(world: World, change: Change) -> str:
    """What a transaction would write, and whether it still finds what it expects."""
    pod, side = change.pod_before, change.address_before
    standing = {record.nonce for record in world.table.pods.values()}
    standing |= {item.nonce for item in world.table.addresses.values()}
    fits = [before is None or before.nonce in standing for before in (pod, side)]
    after = (change.pod_after and _record(change.pod_after), change.address_after and _side(change.address_after))
    return f"{pod and pod.uid} {side and side.allocation_id} {fits} {after}"


def _addresses(addresses: Mapping[AllocationId, Address]) -> str:
    return " ".join(_address(address) for address in addresses.values())


def _address(address: Address) -> str:
    at = address.association
    where = f"{at.association_id}@{at.target.private_ip}" if at else ""
    return f"{address.allocation_id}{where}{address.tags.get(contract.TAG_POD_UID, '')}"


def _pod(pod: PodView) -> str:
    asks = ",".join(pod.annotations.values())
    return f"{pod.uid}@{pod.ip}:{asks}:{','.join(pod.labels.values())}:{pod.finished}{pod.deleting}{pod.condition}"


def _record(record: PodRecord) -> str:
    at = record.target.private_ip if record.target else ""
    named = f"{record.allocation_id}{record.association_id}{record.adopted is not None}"
    return f"{record.uid}:{record.mode}{record.pool}:{record.phase}:{named}@{at}"


def _side(side: AddressRecord) -> str:
    at = side.target.private_ip if side.target else ""
    recent = ",".join(target.private_ip for target in side.recent)
    owner = f"{side.owner.cluster_uid}{side.owner.pod_uid}" if side.owner else ""
    return f"{side.allocation_id}:{owner}@{at}[{recent}]{side.last_holder}{side.last_mode}"
