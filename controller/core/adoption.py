"""Which addresses, found associated or tagged, are a Pod's own although the ledger does not know it.

There are two causes: the Go controller gave the address out before us, or the table was emptied or restored. In both
cases only the tags and the association say whose the address is. It is adopted only where the two agree.
"""

from controller.core import contract
from controller.core.modes import SPECS, is_releasable, was_allocated
from controller.core.pools import in_pool
from controller.core.situation import Facts
from controller.core.views import Address, PodView
from state.model import AdoptedTags, Mode, PodUid


def is_own_auto(address: Address, facts: Facts, uid: PodUid) -> bool:
    """Whether we allocated it for this very Pod: type, cluster UID and Pod UID."""
    tags = address.tags
    ours = was_allocated(tags) and tags.get(contract.TAG_CLUSTER_UID) == facts.cluster_uid
    return ours and tags.get(contract.TAG_POD_UID) == uid


def found_tags(address: Address) -> AdoptedTags | None:
    """Which Pod its tags say it was given to; None where they name none."""
    tags = address.tags
    if contract.TAG_POD not in tags or contract.TAG_TYPE not in tags:
        return None
    return AdoptedTags(
        cluster_name=tags.get(contract.TAG_CLUSTER_NAME, ""),
        pod=tags[contract.TAG_POD],
        pod_uid=tags.get(contract.TAG_POD_UID, ""),
    )


def upstream_tags(address: Address) -> AdoptedTags | None:
    """The Go controller's tags; None where there are none, or where the UIDs say that the address is ours."""
    found = found_tags(address)
    return found if found is not None and not found.pod_uid else None


def may_adopt(address: Address, facts: Facts, pod: PodView, mode: Mode, pool: str) -> bool:
    """Whether an address that is associated with this Pod's target is the one that it asks for."""
    if SPECS[mode].allocates:
        if is_own_auto(address, facts, pod.uid):
            return True
        upstream, named = upstream_tags(address), contract.pod_tag(pod.namespace, pod.name)
        return upstream is not None and address.tags[contract.TAG_TYPE] == mode and upstream.pod == named
    return in_pool(address, mode, pool, f"{pod.namespace}/{pod.name}", facts.cluster_name)


def may_release(address: Address, facts: Facts, uid: PodUid, adopted: AdoptedTags | None) -> bool:
    """Whether its tags, as EC2 shows them now, say that this address is this claim's to give back."""
    if not is_releasable(address.tags):
        return False
    if adopted is None:
        return is_own_auto(address, facts, uid)
    ours = address.tags.get(contract.TAG_CLUSTER_UID, facts.cluster_uid) == facts.cluster_uid
    return ours and found_tags(address) == adopted
