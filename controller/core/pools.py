"""Which addresses a pool has, and for whom: a tag's key makes the pool, its value may keep an address for one Pod.

A value `namespace/podname`, or `cluster:namespace/podname`, names a Pod. An address with such a value is kept for that
Pod, also while the Pod restarts and the address is free. Other Pods in mode `fixed-tag`, which asks for any address
with the key, are not offered it. An address that is associated with a Pod already stays there: live traffic is not cut.
"""

import re
from typing import Final

from controller.core.modes import SPECS, AddressSource, was_allocated
from controller.core.views import Address
from state.model import Mode

_NAMES_A_POD: Final = re.compile(r"(.+:)?[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-.a-z0-9]*[a-z0-9])?")


def in_pool(address: Address, mode: Mode, pool: str, holder: str, cluster: str) -> bool:
    """Whether this address is one of the pool that `holder` (namespace/podname) of `cluster` names in this mode."""
    match SPECS[mode].source:
        case AddressSource.ALLOCATED:
            return False
        case AddressSource.ANY:
            return carries(address, pool)
        case AddressSource.OWN_VALUE:
            return carries(address, pool) and address.tags[pool] in (holder, f"{cluster}:{holder}")


def carries(address: Address, key: str) -> bool:
    """Whether the address is in the pool of this tag key; one that was allocated for a Pod is in no pool."""
    return key in address.tags and not was_allocated(address.tags)


def is_kept_for_one(address: Address, mode: Mode, pool: str) -> bool:
    """Whether its value names a Pod, so that a Pod which asks for any address of the pool does not get this one."""
    return SPECS[mode].source is AddressSource.ANY and _NAMES_A_POD.fullmatch(address.tags.get(pool, "")) is not None
