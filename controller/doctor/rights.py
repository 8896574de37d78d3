"""Each right of the role on EC2, tried on real addresses and interfaces where there are any, as dry runs.

The role's statements have conditions: on the tags of an address, on the VPC of an interface. So a right can only be
tried on what the role is for: an address with this cluster's tags or with a pool's, and an interface of the VPC. Where
there is none, it is said, and the right is not looked at.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from controller.aws.allocations import allocation_arguments
from controller.core import contract
from controller.core.allocation import rehearsal_tags
from controller.core.diagnosis.rights import Tried, blamed
from controller.core.modes import was_allocated
from controller.core.views import Address, AllocationRequest
from controller.doctor.ec2 import Ec2Reader
from state.errors import AccessDenied, PodEipError

_NO_ADDRESS: Final = "no address is there that the role is for: one of this cluster, or of a pool that Pods ask for"
_NOT_ASSOCIATED: Final = "no address that the role is for is associated"
_NOT_OURS: Final = "this cluster has allocated no address yet"
_NO_VPC: Final = "the VPC is not known (--vpc-id)"
_NO_CLUSTER: Final = "the cluster's UID, which the role asks for in tags, is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a right is tried. `cluster`: the UID of ours; `pools`: the tag keys that Pods ask for.
    `interfaces`: of nodes; without any, one of the VPC is looked for. `extra_tags`: those of each allocation.
    `quota`: whether the role has to read it.
    """

    cluster: str
    cluster_name: str
    vpc_id: str
    pools: Collection[str]
    interfaces: Sequence[Mapping[str, Any]] = ()
    extra_tags: Mapping[str, str] = field(default_factory=dict)
    quota: bool = False


def of_ec2(ec2: Ec2Reader, addresses: Collection[Address], place: Place) -> Iterator[Tried]:
    """The answer to a try of each action of EC2."""
    own = [address for address in addresses if _is_own(address, place)]
    for_role = _for_role(addresses, place)
    yield Tried(action="ec2:DescribeAddresses")  # the addresses are there
    yield _read(ec2, "DescribeNetworkInterfaces", MaxResults=5)
    if place.quota:
        yield _read(ec2, "DescribeAccountAttributes")
    yield from _allocate(ec2, place)
    yield _associate(ec2, for_role, place)
    yield _disassociate(ec2, for_role)
    yield _release(ec2, own)


def _for_role(addresses: Collection[Address], place: Place) -> list[Address]:
    """Those that the role's statements are for: this cluster's own first, then those of pools."""
    own = [address for address in addresses if _is_own(address, place)]
    return [*own, *(address for address in addresses if _is_pooled(address, place))]


def _is_own(address: Address, place: Place) -> bool:
    return was_allocated(address.tags) and address.tags.get(contract.TAG_CLUSTER_UID) == place.cluster != ""


def _is_pooled(address: Address, place: Place) -> bool:
    return not was_allocated(address.tags) and any(key in address.tags for key in place.pools)


def _untried(verb: str, why: str) -> Tried:
    return Tried(action=f"ec2:{verb}Address", why_not=why)


def _read(ec2: Ec2Reader, operation: str, **parameters: Any) -> Tried:
    action = f"ec2:{operation}"
    try:
        ec2.ask(operation, **parameters)
    except AccessDenied as error:
        return Tried(action=action, code="UnauthorizedOperation", message=error.message, advice=error.advice)
    except PodEipError as error:
        return Tried(action=action, code=error.code, message=error.message)
    return Tried(action=action)


def _release(ec2: Ec2Reader, own: Collection[Address]) -> Tried:
    """With a free address where there is one: EC2 may say that one is in use before it says what is allowed."""
    address = min(own, key=lambda one: one.association is not None, default=None)
    if address is None:
        return _untried("Release", _NOT_OURS)
    return ec2.dry_run("ReleaseAddress", AllocationId=address.allocation_id)


def _allocate(ec2: Ec2Reader, place: Place) -> Iterator[Tried]:
    """With the tags of a birth, which are a right of their own: AWS's words name the one that is missing."""
    if not place.cluster:
        yield from (Tried(action=f"ec2:{name}", why_not=_NO_CLUSTER) for name in ("AllocateAddress", "CreateTags"))
        return
    tags = rehearsal_tags(place.extra_tags, place.cluster_name, place.cluster)
    request = AllocationRequest(public_ipv4_pool=contract.AMAZON_POOL, tags=tags)
    tried = ec2.dry_run("AllocateAddress", **allocation_arguments(request))
    yield from blamed(tried, {"ec2:CreateTags": "ec2:CreateTags"})


def _associate(ec2: Ec2Reader, addresses: Collection[Address], place: Place) -> Tried:
    free = next((address for address in addresses if address.association is None), None)
    if free is None:
        return _untried("Associate", _NO_ADDRESS)
    if not place.vpc_id:
        return _untried("Associate", _NO_VPC)
    found = place.interfaces
    if not found:
        filters = [{"Name": "vpc-id", "Values": [place.vpc_id]}]
        try:
            found = ec2.ask("DescribeNetworkInterfaces", Filters=filters, MaxResults=50).get("NetworkInterfaces", ())
        except PodEipError as error:
            return _untried("Associate", f"no interface is known ({error.code})")
    usable = [i for i in found if i.get("InterfaceType", "interface") == "interface" and not i.get("RequesterManaged")]
    return _rehearse(ec2, free, usable[0]) if usable else _untried("Associate", "there is no interface in the VPC")


def at_interface(
    ec2: Ec2Reader, addresses: Collection[Address], place: Place, interface: Mapping[str, Any]
) -> Tried | None:
    """What EC2 says of an association with this interface; None where there is no free address to try it with."""
    free = next((a for a in _for_role(addresses, place) if a.association is None), None)
    return None if free is None else _rehearse(ec2, free, interface)


def _rehearse(ec2: Ec2Reader, free: Address, interface: Mapping[str, Any]) -> Tried:
    return ec2.dry_run(
        "AssociateAddress",
        AllocationId=free.allocation_id,
        NetworkInterfaceId=interface["NetworkInterfaceId"],
        PrivateIpAddress=interface["PrivateIpAddress"],
        AllowReassociation=False,
    )


def _disassociate(ec2: Ec2Reader, addresses: Collection[Address]) -> Tried:
    held = next((address.association for address in addresses if address.association), None)
    if held is None:
        return _untried("Disassociate", _NOT_ASSOCIATED)
    return ec2.dry_run("DisassociateAddress", AssociationId=held.association_id)
