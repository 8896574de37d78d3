"""What a comparison with EC2 leaves alone, for another install or a hand in the table has to do with it, in words."""

from collections.abc import Iterable, Iterator

from controller.core.modes import was_allocated
from controller.core.ports import Ledger
from controller.core.views import Address
from controller.engine.parts import TermParts


def stranded(addresses: Iterable[Address], ledger: Ledger, parts: TermParts) -> Iterator[str]:
    """The `auto` addresses of silent installs: nobody else can use them, and they are paid for."""
    for address in addresses:
        side = ledger.address(address.allocation_id)
        owner = side.owner if side and was_allocated(address.tags) else None
        silent = parts.state.others.silent.get(owner.install) if owner else None
        if silent is not None:
            whose = f"cluster {silent.cluster_name} ({silent.key.cluster_uid})"
            what = f"held by {whose}, which is silent; if that is gone for good: release-cluster"
            yield f"{address.public_ip} ({address.allocation_id}): {what} {silent.key.cluster_uid}"


def contradicted(ledger: Ledger, parts: TermParts) -> Iterator[str]:
    """The associations that the table has for a claim, and EC2 for another address: somebody wrote to the table."""
    for uid, record in ledger.pods().items():
        address = parts.view.associated_by(record.association_id)
        if address is not None and address.allocation_id != record.allocation_id:
            named = f"association {record.association_id} stands in the claim of {record.holder} ({uid})"
            yield f"{address.public_ip} ({address.allocation_id}): its {named}; find out who writes to the table"
