"""How an `auto` address is allocated: AllocateAddress itself writes the tags that say whose it is, so none is lost."""

from collections.abc import Mapping

from controller.core import contract
from controller.core.desire import Serve
from controller.core.modes import ALLOCATING
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
        **_install_tags(facts.extra_tags, facts.cluster_name, facts.cluster_uid, mode),
        contract.TAG_POD: contract.pod_tag(pod.namespace, pod.name),
        contract.TAG_POD_UID: pod.uid,
    }


def rehearsal_tags(extra: Mapping[str, str], cluster_name: str, cluster_uid: str) -> dict[str, str]:
    """Those of them that are the same for all Pods: IAM policies ask for these, and a dry run needs no more."""
    return _install_tags(extra, cluster_name, cluster_uid, next(iter(ALLOCATING)))


def _install_tags(extra: Mapping[str, str], cluster_name: str, cluster_uid: str, mode: Mode) -> dict[str, str]:
    return {
        **extra,
        contract.TAG_TYPE: str(mode),
        contract.TAG_CLUSTER_NAME: cluster_name,
        contract.TAG_CLUSTER_UID: cluster_uid,
    }
