"""How the modes differ, as one table. The rest of the program asks for a property, and never which mode it is.

So a new mode is a new row here. Names that users see stand in `contract`; which address belongs to a pool is decided in
`pools`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.core import contract
from state.model import Mode


class AddressSource(Enum):
    """Where the address of a Pod comes from."""

    ALLOCATED = "allocated for this Pod, with tags that name it"
    ANY = "any address that carries the pool's tag key"
    OWN_VALUE = "the address whose tag of the pool's key has the Pod's value"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeSpec:
    """One mode. `releases`: its address is given back to AWS after the Pod; otherwise it stays, free for the next.

    annotation, label: how a Pod names its pool, and shows it. default_pool: without that annotation; "": it must be
    there. pool_fault: what is wrong with a pool's name, in words.
    """

    source: AddressSource
    releases: bool
    annotation: str
    label: str
    default_pool: str
    pool_fault: Callable[[str], str | None]

    def __post_init__(self) -> None:
        """A row that releases what somebody else allocated is refused when the program starts."""
        if self.releases and not self.allocates:
            raise ValueError("an address of a pool is never released")

    @property
    def allocates(self) -> bool:
        """Whether its pool is a public IPv4 pool to allocate from; else it is a tag key that addresses carry."""
        return self.source is AddressSource.ALLOCATED


SPECS: Final[Mapping[Mode, ModeSpec]] = {
    Mode.AUTO: ModeSpec(
        source=AddressSource.ALLOCATED,
        releases=True,
        annotation=contract.ANNOTATION_PUBLIC_IPV4_POOL,
        label=contract.LABEL_PUBLIC_IPV4_POOL,
        default_pool=contract.AMAZON_POOL,
        pool_fault=contract.public_pool_fault,
    ),
    Mode.FIXED_TAG: ModeSpec(
        source=AddressSource.ANY,
        releases=False,
        annotation=contract.ANNOTATION_FIXED_TAG,
        label=contract.LABEL_FIXED_TAG,
        default_pool="",
        pool_fault=contract.tag_key_fault,
    ),
    Mode.FIXED_TAG_VALUE: ModeSpec(
        source=AddressSource.OWN_VALUE,
        releases=False,
        annotation=contract.ANNOTATION_FIXED_TAG_VALUE,
        label=contract.LABEL_FIXED_TAG_VALUE,
        default_pool="",
        pool_fault=contract.tag_key_fault,
    ),
}

ALLOCATING: Final = tuple(mode for mode in Mode if SPECS[mode].allocates)
RELEASING: Final = tuple(mode for mode in Mode if SPECS[mode].releases)
_OF_A_POOL: Final = Mode.FIXED_TAG


def was_allocated(tags: Mapping[str, str]) -> bool:
    """Whether an address's tags say that it was allocated for a Pod, by us or by the Go controller."""
    return tags.get(contract.TAG_TYPE) in ALLOCATING


def is_releasable(tags: Mapping[str, str]) -> bool:
    """Whether an address's tags are of a mode that gives its address back."""
    return tags.get(contract.TAG_TYPE) in RELEASING


def mode_of_tags(tags: Mapping[str, str]) -> Mode:
    """The mode for the claim of an address of which only the tags are known.

    Where the address was not allocated for a Pod any fixed mode does: it goes back to its pool in each of them.
    """
    return Mode(tags[contract.TAG_TYPE]) if was_allocated(tags) else _OF_A_POOL
