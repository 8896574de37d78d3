"""What a cluster that is gone held: who may take it, when, and what becomes of one that was only cut off."""

from collections.abc import Iterator

import pytest

from controller.core import contract
from controller.core.candidates import assign_offers
from controller.core.inventory import Inventory, PoolRequest
from controller.core.situation import NoOffer, Offer
from controller.core.views import Address, Association
from state.model import (
    AddressRecord,
    AllocationId,
    AssociationId,
    Epoch,
    InstallKey,
    Mode,
    Owner,
    PodUid,
)
from tests.fakes.records import install_record
from tests.unit.engine_harness import SILENCE_S, Replica, World, at, auto, fixed

ME = InstallKey.parse("me#n/l")
GONE = install_record("gone", "gone", lease="n/l")
HELD_BY_GONE = Owner(install=GONE.key, pod_uid=PodUid("p"), epoch=Epoch(1))


def address(name: str, *, associated: bool = False) -> Address:
    place = Association(association_id=AssociationId("eipassoc-1"), target=at("10.9.9.9")) if associated else None
    return Address(
        allocation_id=AllocationId(name), public_ip="198.18.0.1", border_group="g", tags={"pool": ""}, association=place
    )


def inventory(*addresses: Address, free: tuple[str, ...] = (), last: str = "", silent: bool = True) -> Inventory:
    """A pool of which `free` are free, and the others the lost cluster's."""
    records = {
        a.allocation_id: AddressRecord(
            allocation_id=a.allocation_id,
            pool="pool",
            owner=None if a.allocation_id in free else HELD_BY_GONE,
            last_holder=last if a.allocation_id == "eipalloc-3" else "",
        )
        for a in addresses
    }
    lost = {GONE.key: GONE} if silent else {}
    return Inventory(
        addresses=addresses, records=records, reserved=(), install=ME, cluster="a", installs={ME}, silent=lost
    )


def offer(inventory: Inventory) -> Offer | NoOffer:
    seeker = PoolRequest(uid=PodUid("u"), holder="ns/p", mode=Mode.FIXED_TAG, pool="pool", border_group=None)
    return assign_offers(inventory, [seeker])[PodUid("u")]


def test_what_a_silent_install_holds_is_the_last_choice() -> None:
    found = offer(inventory(address("eipalloc-1"), address("eipalloc-2"), free=("eipalloc-2",)))
    assert isinstance(found, Offer)
    assert (found.address.allocation_id, found.silent) == ("eipalloc-2", None)
    found = offer(inventory(address("eipalloc-1")))
    assert isinstance(found, Offer)
    assert found.silent is GONE
    assert found.before is not None


def test_what_is_associated_or_held_by_one_that_lives_is_not_taken() -> None:
    assert isinstance(offer(inventory(address("eipalloc-1", associated=True))), NoOffer)
    assert isinstance(offer(inventory(address("eipalloc-1"), silent=False)), NoOffer)


def test_the_same_name_gets_its_address_back_from_a_lost_cluster() -> None:
    found = offer(inventory(*(address(f"eipalloc-{n}") for n in range(6)), last="ns/p"))
    assert isinstance(found, Offer)
    assert found.address.allocation_id == "eipalloc-3"


def test_a_lost_address_is_offered_once() -> None:
    seekers = [
        PoolRequest(uid=PodUid(uid), holder=f"ns/{uid}", mode=Mode.FIXED_TAG, pool="pool", border_group=None)
        for uid in ("u", "v")
    ]
    offers = assign_offers(inventory(address("eipalloc-1")), seekers)
    assert [type(found) for found in offers.values()] == [Offer, NoOffer]


@pytest.fixture
def worlds() -> Iterator[tuple[World, World]]:
    """Two clusters of one account and one table, on one clock."""
    one = World()
    other = World(clock=one.clock, ec2=one.ec2, table=one.table)
    yield one, other
    for loop in (*one.loops, *other.loops):
        loop.stop()


def together(replicas: list[Replica], seconds: float, step: float) -> None:
    """Let time pass for all of them."""
    clock = replicas[0].clock
    end = clock.now + seconds
    while clock.now < end:
        clock.now += step
        for replica in replicas:
            replica.settle()


def drop(world: World, allocation_id: AllocationId) -> None:
    """Somebody cuts the association by hand."""
    found = world.ec2.address(allocation_id)
    assert found is not None
    assert found.association is not None
    world.ec2.disassociate(found.association.association_id)


def test_a_waiting_pod_gets_what_a_lost_cluster_held(worlds: tuple[World, World]) -> None:
    ours, theirs = worlds
    lost, living = Replica(theirs, cluster="c-2"), Replica(ours, cluster="c-1")
    [pool] = ours.pool(1)
    lost.lead()
    living.lead()
    served = theirs.pod("theirs", fixed(), ip="10.0.0.50")
    lost.settle()
    assert theirs.label(served)
    waiting = ours.pod("ours", fixed(), ip="10.0.0.60")
    living.settle()
    drop(ours, pool)
    together([living], SILENCE_S - 60, 20)
    assert ours.label(waiting) is None
    together([living], 200, 5)
    assert ours.label(waiting)
    assert [a.allocation_id for a in ours.at_ip("10.0.0.60")] == [pool]
    side = ours.table.addresses[pool]
    assert side.owner is not None
    assert (side.owner.cluster_uid, at("10.0.0.50") in side.recent) == ("c-1", True)


def test_an_association_that_stands_is_never_taken(worlds: tuple[World, World]) -> None:
    ours, theirs = worlds
    lost, living = Replica(theirs, cluster="c-2").lead(), Replica(ours, cluster="c-1").lead()
    ours.pool(1)
    theirs.pod("theirs", fixed(), ip="10.0.0.50")
    lost.settle()
    waiting = ours.pod("ours", fixed(), ip="10.0.0.60")
    together([living], 2 * SILENCE_S, 30)
    assert ours.label(waiting) is None
    assert len(ours.at_ip("10.0.0.50")) == 1


def test_one_that_was_only_cut_off_serves_its_pod_another_address(worlds: tuple[World, World]) -> None:
    """It lives and leads, but DynamoDB does not answer it; EC2 has dropped its association meanwhile."""
    ours, theirs = worlds
    silent, living = Replica(theirs, cluster="c-2").lead(), Replica(ours, cluster="c-1").lead()
    [pool] = ours.pool(1)
    theirs.pod("theirs", fixed(), ip="10.0.0.50")
    silent.settle()
    waiting = ours.pod("ours", fixed(), ip="10.0.0.60")
    living.settle()
    silent.ledger.cut_off = True
    drop(theirs, pool)
    together([silent, living], SILENCE_S + 100, 20)
    assert ours.label(waiting)
    assert not theirs.at_ip("10.0.0.50")
    silent.ledger.cut_off = False
    together([silent, living], 60, 5)
    assert silent.leadership.term is None
    silent.lead()
    [spare] = ours.pool(1)
    together([silent, living], 60, 1)
    assert [a.allocation_id for a in theirs.at_ip("10.0.0.50")] == [spare]
    assert [a.allocation_id for a in ours.at_ip("10.0.0.60")] == [pool]
    assert any(event.reason == contract.LOST for _, event in theirs.events.said)


def test_its_gone_pod_takes_nothing_from_the_new_owner(worlds: tuple[World, World]) -> None:
    """It cut the association of a Pod that went while DynamoDB was out of reach; the address is another's now."""
    ours, theirs = worlds
    silent, living = Replica(theirs, cluster="c-2").lead(), Replica(ours, cluster="c-1").lead()
    ours.pool(1)
    gone = theirs.pod("theirs", fixed(), ip="10.0.0.50")
    silent.settle()
    waiting = ours.pod("ours", fixed(), ip="10.0.0.60")
    living.settle()
    silent.ledger.cut_off = True
    theirs.pods.delete(gone)
    together([silent, living], SILENCE_S + 100, 20)
    assert ours.label(waiting)
    [held] = ours.at_ip("10.0.0.60")
    silent.ledger.cut_off = False
    together([silent, living], 60, 5)
    silent.lead()
    together([silent, living], 400, 5)
    assert ours.at_ip("10.0.0.60") == [held]
    assert ours.label(waiting)
    assert not [owner for owner, _ in ours.table.pods if owner == "c-2"]


def test_one_that_beats_again_is_not_fenced(worlds: tuple[World, World]) -> None:
    """Its counter moved after our last look: the transaction is refused, and the Pod waits on."""
    ours, theirs = worlds
    other, living = Replica(theirs, cluster="c-2").lead(), Replica(ours, cluster="c-1").lead()
    [pool] = ours.pool(1)
    theirs.pod("theirs", fixed(), ip="10.0.0.50")
    other.settle()
    waiting = ours.pod("ours", fixed(), ip="10.0.0.60")
    living.settle()
    together([living], SILENCE_S + 100, 20)
    other.ledger.heartbeat()
    drop(ours, pool)
    living.settle()
    together([living], 40, 5)
    assert ours.label(waiting) is None
    other.ledger.heartbeat()
    together([other, living], 20, 1)
    assert len(theirs.at_ip("10.0.0.50")) == 1


def test_an_address_whose_item_is_newer_is_no_offer_and_stops_nobody(worlds: tuple[World, World]) -> None:
    ours, _ = worlds
    replica = Replica(ours).lead()
    newer, usual = ours.pool(2)
    ours.table.unreadable.add(newer)
    pods = [ours.pod(f"p{n}", fixed(), ip=f"10.0.0.{20 + n}") for n in range(2)]
    together([replica], 400, 10)
    assert [bool(ours.label(pod)) for pod in pods] == [True, False]
    assert [a.allocation_id for a in ours.at_ip("10.0.0.20")] == [usual]


def test_the_own_addresses_of_a_lost_cluster_are_reported(
    worlds: tuple[World, World], caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = worlds
    lost, living = Replica(theirs, cluster="c-2").lead(), Replica(ours, cluster="c-1").lead()
    theirs.pod("theirs", auto(), ip="10.0.0.50")
    lost.settle()
    together([living], SILENCE_S - 60, 60)
    assert "release-cluster" not in caplog.text
    together([living], 500, 10)
    said = [message for message in caplog.messages if "release-cluster c-2" in message]
    assert len(said) == 1
    assert len(theirs.at_ip("10.0.0.50")) == 1


def test_a_name_that_two_clusters_use_is_reported_by_both(
    worlds: tuple[World, World], caplog: pytest.LogCaptureFixture
) -> None:
    replicas = [Replica(world, cluster=uid, name="a") for world, uid in zip(worlds, ("c-1", "c-2"), strict=True)]
    for replica in replicas:
        replica.lead()
    together(replicas, 200, 5)
    said = [message for message in caplog.messages if "the cluster name a is that of cluster" in message]
    assert sorted(message.split()[-2] for message in said) == ["c-1,", "c-2,"]
    terms = [replica.loop.opened for replica in replicas]
    assert [term.housekeeping.namesakes() for term in terms if term] == [{"c-2"}, {"c-1"}]
