"""What is read and kept of a Pod's annotations and labels: our own by name, because others may have 256 KiB.

The decoder skips what is not named here, and makes no string of it. Values are cut at a length that no legal value has,
so a value that is cut is still judged wrong.
"""

from collections.abc import Mapping

import msgspec

from controller.core import contract
from controller.core.contract import LONGEST_READ

FARGATE_LABEL = "eks.amazonaws.com/fargate-profile"
BRANCHES = 16
LONGEST_BRANCHES, LONGEST_ENI_ID = 16 << 10, 64

_NOTHING: Mapping[str, str] = {}  # shared: most Pods have none of ours
_NO_BRANCHES: frozenset[str] = frozenset()


class Annotations(msgspec.Struct, frozen=True, gc=False):
    """Those of ours, and the VPC resource controller's."""

    type: str | None = msgspec.field(name=contract.ANNOTATION_TYPE, default=None)
    public_ipv4_pool: str | None = msgspec.field(name=contract.ANNOTATION_PUBLIC_IPV4_POOL, default=None)
    fixed_tag: str | None = msgspec.field(name=contract.ANNOTATION_FIXED_TAG, default=None)
    fixed_tag_value: str | None = msgspec.field(name=contract.ANNOTATION_FIXED_TAG_VALUE, default=None)
    pod_eni: str | None = msgspec.field(name=contract.ANNOTATION_POD_ENI, default=None)


class Labels(msgspec.Struct, frozen=True, gc=False):
    """Those of ours, and Fargate's."""

    public_ip: str | None = msgspec.field(name=contract.LABEL_PUBLIC_IP, default=None)
    type: str | None = msgspec.field(name=contract.LABEL_TYPE, default=None)
    public_ipv4_pool: str | None = msgspec.field(name=contract.LABEL_PUBLIC_IPV4_POOL, default=None)
    fixed_tag: str | None = msgspec.field(name=contract.LABEL_FIXED_TAG, default=None)
    fixed_tag_value: str | None = msgspec.field(name=contract.LABEL_FIXED_TAG_VALUE, default=None)
    fargate_profile: str | None = msgspec.field(name=FARGATE_LABEL, default=None)


class BranchInterface(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One of the interfaces that the VPC resource controller writes into an annotation of the Pod."""

    eni_id: str = ""


_BRANCHES = msgspec.json.Decoder(list[BranchInterface])
_OTHERS = frozenset({contract.ANNOTATION_POD_ENI, FARGATE_LABEL})
_OURS = {
    carried: tuple((f.name, f.encode_name) for f in msgspec.structs.fields(carried) if f.encode_name not in _OTHERS)
    for carried in (Annotations, Labels)
}


def ours(carried: Annotations | Labels | None) -> Mapping[str, str]:
    """Those of ours that are there, each cut at `LONGEST_READ`."""
    if carried is None:
        return _NOTHING
    found = ((key, getattr(carried, field)) for field, key in _OURS[type(carried)])
    return {key: value[:LONGEST_READ] for key, value in found if value is not None} or _NOTHING


def branch_interfaces(carried: Annotations | None) -> frozenset[str]:
    """The branch interfaces in the annotation; none where it cannot be read or is far too long.

    Without one the Pod's IP must be on an interface of its node.
    """
    written = carried.pod_eni if carried else None
    if not written or len(written) > LONGEST_BRANCHES:
        return _NO_BRANCHES
    try:
        named = [branch.eni_id for branch in _BRANCHES.decode(written)]
    except msgspec.DecodeError:
        return _NO_BRANCHES
    return frozenset([eni_id for eni_id in named if 0 < len(eni_id) <= LONGEST_ENI_ID][:BRANCHES])
