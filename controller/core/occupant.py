"""Claims an address that is associated with a Pod's target already and has no claim: no EC2 mutation, no interruption.

It may be the Pod's own, given out by the Go controller or before the table was lost. Or the Go controller has forgotten
it there, for a Pod that had the IP before. `core/plan` decides which.
"""

from controller.core.actions import Claim, Label, Plan
from controller.core.adoption import found_tags, upstream_tags
from controller.core.desire import Serve
from controller.core.modes import SPECS, mode_of_tags
from controller.core.situation import Situation
from controller.core.views import Address
from state.model import AdoptedTags, Mode


def adopt(s: Situation, address: Address, wanted: Serve) -> Plan:
    """Claim what the Pod asks for."""
    claim = _as_it_stands(s, address, wanted.mode, wanted.pool, upstream_tags(address))
    return (claim, Label(mode=wanted.mode))


def take_leftover(s: Situation, address: Address) -> Plan:
    """Claim what the Go controller left at this IP, marked as not asked for, so that the next plan cuts it."""
    return (_as_it_stands(s, address, mode_of_tags(address.tags), "", found_tags(address)),)


def _as_it_stands(s: Situation, address: Address, mode: Mode, pool: str, tags: AdoptedTags | None) -> Claim:
    assert address.association is not None
    return Claim(
        mode=mode,
        pool=pool,
        target=address.association.target,
        address=address,
        before=s.occupant_claim,
        association_id=address.association.association_id,
        adopted=tags if SPECS[mode].releases else None,
    )
