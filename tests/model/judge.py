"""What must hold in the plan's model: after each move, and at rest. Read from EC2, the table and the Pods alone."""

from collections.abc import Iterator

from controller.core import contract
from controller.core.candidates import is_free
from controller.core.desire import Serve, desire, wanted_labels
from controller.core.pools import in_pool
from controller.core.views import Address, PodView
from state.model import Mode, Phase, PodUid
from tests.model.stage import ENI
from tests.model.world import World


def crimes(world: World) -> str:
    """What must never be, whatever goes wrong; empty: nothing of the kind."""
    return world.account.crimes[0] if world.account.crimes else world.table.torn()


def unsettled(world: World) -> str:
    """What must not be at rest; empty: all is well."""
    return next(_unsettled(world), "")


def overdue(world: World) -> str:
    """After a round in which nothing was changed: what news should have made a leader do, without a comparison.

    Empty: nothing. An address that is at a stranger's IP is danger, and no time is to be lost.
    """
    for (cluster, uid), record in world.table.pods.items():
        at = record.target
        if record.phase is not Phase.ASSOCIATED or at is None or not _is_free_to_act(world, cluster, uid):
            continue
        old = world.pods[cluster].get(uid)
        others = [pod for pod in world.pods[cluster].values() if pod.ip == at.private_ip and pod.uid != uid]
        stranger = any(old is None or pod.created > old.created for pod in others if not pod.finished)
        address = world.account.addresses.get(record.allocation_id) if record.allocation_id else None
        if stranger and address is not None and address.association and address.association.target == at:
            return f"nobody was woken: {address.allocation_id} of {uid} is still at {at.private_ip}, which is another's"
    return ""


def _is_free_to_act(world: World, cluster: str, uid: PodUid) -> bool:
    """Whether a leader that is not deposed hears all, knows of this claim, and has no plan for it that waits."""
    leaders = [
        leader for leader in world.leaders.values() if leader.cluster == cluster and not (leader.frozen or leader.deaf)
    ]
    awake = [leader for leader in leaders if not (world.behind(leader) or world.deposed(leader))]
    return any(uid in leader.records and uid not in leader.tasks for leader in awake)


def _unsettled(world: World) -> Iterator[str]:
    if world.flying:
        yield "a call is still on its way"
    for cluster, pods in world.pods.items():
        for pod in pods.values():
            yield from _of_pod(world, cluster, pod)
    for address in world.account.addresses.values():
        yield from _of_address(world, address)
    for (cluster, uid), record in world.table.pods.items():
        gone = uid not in world.pods[cluster] or world.pods[cluster][uid].finished
        if gone:
            yield f"the ledger still has a claim of {uid}, which is gone ({record.phase})"


def _of_pod(world: World, cluster: str, pod: PodView) -> Iterator[str]:
    wanted = desire(pod)
    labels = {key: value for key, value in pod.labels.items() if key in contract.LABELS}
    record = world.table.pods.get((cluster, pod.uid))
    at = [a for a in world.account.addresses.values() if a.association and a.association.target.private_ip == pod.ip]
    if not isinstance(wanted, Serve):
        if labels:
            yield f"{pod.uid} asks for nothing and wears labels"
        return
    if len(at) == 1 and record is not None and record.phase is Phase.ASSOCIATED:
        assert at[0].association
        if record.association_id != at[0].association.association_id:
            yield f"{pod.uid} is served, and the ledger names another association"
        if labels != wanted_labels(pod, wanted.mode, at[0].public_ip):
            yield f"{pod.uid} is served and wears {labels or 'no labels'}"
    elif len(at) != 1 and not _must_wait(world, cluster, pod, wanted):
        yield f"{pod.uid} asks for an address and has none"
    elif at and at[0].association and at[0].association.association_id in world.account.ours:
        yield f"{pod.uid} has an address that is not recorded as its own"


def _must_wait(world: World, cluster: str, pod: PodView, wanted: Serve) -> bool:
    """Whether its pool has nothing for it."""
    if wanted.mode is Mode.AUTO:
        return False
    members = [
        a
        for a in world.account.addresses.values()
        if in_pool(a, wanted.mode, wanted.pool, f"{pod.namespace}/{pod.name}", cluster)
    ]
    return not any(is_free(a, world.table.addresses.get(a.allocation_id)) for a in members)


def _is_reported(world: World, address: Address) -> bool:
    """Whether a leader tells people of it: nobody's for certain is what a table had known that was lost, or forged."""
    said = [
        report for leader in world.leaders.values() if leader.state for report in leader.state.chores.reported or ()
    ]
    return any(f"({address.allocation_id})" in report for report in said)


def _of_address(world: World, address: Address) -> Iterator[str]:
    side = world.table.addresses.get(address.allocation_id)
    owned = side is not None and side.owner is not None
    ours = contract.TAG_CLUSTER_UID in address.tags or address.association is None
    forged = address.allocation_id in world.account.forged
    lost = (world.table.ever_lost or forged) and _is_reported(world, address)
    if address.tags.get(contract.TAG_TYPE) == Mode.AUTO and ours and not owned and not lost:
        yield f"{address.allocation_id} was allocated for a Pod, and nobody owns it"
    association = address.association
    if association is None or association.association_id not in world.account.ours:
        return
    assert association.target.interface_id == ENI
    served = [
        pod
        for cluster, pods in world.pods.items()
        for pod in pods.values()
        if side is not None
        and side.owner is not None
        and (side.owner.cluster_uid, side.owner.pod_uid) == (cluster, pod.uid)
        and pod.ip == association.target.private_ip
        and isinstance(desire(pod), Serve)
    ]
    # A pool's address whose Pod died while no table knew of it carries nothing that tells it from a stranger's.
    beyond_us = world.table.ever_lost and not owned and address.tags.get(contract.TAG_TYPE) != Mode.AUTO
    if not served and not beyond_us:
        yield f"{address.allocation_id} is associated with {association.target.private_ip}, for nobody"
