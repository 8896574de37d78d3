"""What a thousand Pods at once cost the loop: its thread must wake every few seconds, or the Lease is lost."""

import time

from controller.core.candidates import assign_offers
from controller.core.inventory import Inventory, PoolRequest
from controller.core.situation import NoOffer, Offer
from controller.core.views import Address
from state.model import AddressRecord, AllocationId, Epoch, InstallKey, Mode, Owner, PodUid

SIZE = 1000
LIMIT_S = 1.5
US, THEM = InstallKey.parse("a#ns/x"), InstallKey.parse("b#ns/x")


def _inventory(*, held: bool) -> Inventory:
    addresses = [
        Address(allocation_id=AllocationId(f"eipalloc-{n}"), public_ip="", border_group="r", tags={"pool": ""})
        for n in range(SIZE)
    ]
    owner = Owner(install=THEM, pod_uid=PodUid("u"), epoch=Epoch(1))
    records = {
        a.allocation_id: AddressRecord(allocation_id=a.allocation_id, pool="pool", owner=owner) for a in addresses
    }
    return Inventory(
        addresses=addresses,
        records=records if held else {},
        reserved=(),
        install=US,
        cluster="a",
        installs={US, THEM},
    )


def _requests() -> list[PoolRequest]:
    return [
        PoolRequest(uid=PodUid(f"u{n}"), holder=f"ns/p{n}", mode=Mode.FIXED_TAG, pool="pool", border_group=None)
        for n in range(SIZE)
    ]


def test_a_thousand_pods_are_offered_addresses_at_once() -> None:
    began = time.thread_time()
    offers = assign_offers(_inventory(held=False), _requests())
    assert time.thread_time() - began < LIMIT_S
    given = {offer.address.allocation_id for offer in offers.values() if isinstance(offer, Offer)}
    assert len(given) == SIZE


def test_a_thousand_pods_are_told_at_once_that_there_is_nothing() -> None:
    began = time.thread_time()
    offers = assign_offers(_inventory(held=True), _requests())
    assert time.thread_time() - began < LIMIT_S
    assert all(isinstance(offer, NoOffer) and offer.why for offer in offers.values())
