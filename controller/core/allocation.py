"""How an `auto` address is allocated: AllocateAddress itself writes the tags that say whose it is, so none is lost."""

from controller.core import contract
from controller.core.desire import Serve
from controller.core.situation import Facts, Placed, Situation
from controller.core.views import (
    Address,
    Allocation,
    AllocationRequest,
    PodView,
)
from state.model import Mode


def request_for(s: Situation, wanted: Serve, at: Placed) -> AllocationRequest:
    assert s.pod is not None
    return AllocationRequest(
        public_ipv4_pool=wanted.pool,
        tags=allocation_tags(s.facts, s.pod, wanted.mode),
        border_group=elsewhere(s.facts, at),
    )


def elsewhere(facts: Facts, at: Placed) -> str | None:
    """The network border group that an address has to be asked for in, if that is not the Region's own."""
    return None if at.border_group == facts.home_border_group else at.border_group


def allocated_address(new: Allocation, request: AllocationRequest, facts: Facts) -> Address:
    """The address that EC2 allocated for this request, as a describe will show it."""
    return Address(
        allocation_id=new.allocation_id,
        public_ip=new.public_ip,
        border_group=request.border_group or facts.home_border_group,
        tags=request.tags,
        public_ipv4_pool=request.public_ipv4_pool,
    )


def allocation_tags(facts: Facts, pod: PodView, mode: Mode) -> dict[str, str]:
    """The tags with which an address is allocated."""
    return {
        **facts.extra_tags,
        contract.TAG_TYPE: str(mode),
        contract.TAG_CLUSTER_NAME: facts.cluster_name,
        contract.TAG_POD: contract.pod_tag(pod.namespace, pod.name),
        contract.TAG_POD_UID: pod.uid,
        contract.TAG_CLUSTER_UID: facts.cluster_uid,
    }
