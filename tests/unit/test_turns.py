"""Whose turn it is when clusters wait for one pool: nobody starves, nobody waits for one that is not there."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from controller.core import contract
from controller.core.candidates import assign_offers
from controller.core.inventory import Inventory, PoolRequest
from controller.core.situation import NoOffer, Offer
from controller.core.turns import LEFT_S, MARGIN_S, WaitingInstall, left_to_others
from controller.core.views import Address
from controller.engine.peers import QUIET_S, Peers
from state.errors import Unavailable
from state.model import AddressRecord, AllocationId, InstallKey, InstallRecord, Mode, Phase, PodUid, PoolQueue, Rev
from tests.fakes.ledger import FakeLedger
from tests.unit.engine_harness import POLL_S, HandClock, HeldLedger, Replica, World, fixed
from tests.unit.test_silent_clusters import together

ELDER = PoolQueue(pool="pool", border_group="g", waiting=1, waited_s=100)
ME, THEM = InstallKey.parse("me#n/l"), InstallKey.parse("them#n/l")
NAMES = ("eipalloc-1", "eipalloc-2", "eipalloc-3")


def inventory(*queues: PoolQueue, fresh: tuple[str, ...] = NAMES, last: str = "") -> Inventory:
    """Three free addresses of one pool."""
    addresses = [
        Address(allocation_id=AllocationId(name), public_ip="", border_group="g", tags={"pool": ""}) for name in NAMES
    ]
    records = {
        a.allocation_id: AddressRecord(allocation_id=a.allocation_id, pool="pool", rev=Rev(1)) for a in addresses
    }
    records[AllocationId("eipalloc-1")] = replace(records[AllocationId("eipalloc-1")], last_holder=last)
    return Inventory(
        addresses=addresses,
        records=records,
        reserved=(),
        install=ME,
        cluster="a",
        installs={ME},
        queues={THEM: queues},
        fresh=frozenset(map(AllocationId, fresh)),
    )


def requests(*waited_s: float, mode: Mode = Mode.FIXED_TAG) -> list[PoolRequest]:
    """Pods that have waited so long."""
    return [
        PoolRequest(uid=PodUid(f"u{n}"), holder=f"ns/p{n}", mode=mode, pool="pool", border_group="g", waited_s=waited)
        for n, waited in enumerate(waited_s)
    ]


def served(inventory: Inventory, seekers: list[PoolRequest]) -> int:
    """How many get an offer."""
    return sum(isinstance(offer, Offer) for offer in assign_offers(inventory, seekers).values())


def test_one_address_is_left_for_each_pod_that_has_waited_clearly_longer() -> None:
    assert served(inventory(ELDER), requests(0, 0, 0)) == 2
    assert served(inventory(replace(ELDER, waiting=2)), requests(0, 0, 0)) == 1
    assert served(inventory(ELDER, replace(ELDER, waiting=9)), requests(0, 0, 0)) == 0


def test_of_those_who_have_waited_about_as_long_the_one_that_has_fewest_comes_first() -> None:
    """They have none of it: they may take until they would have more than half of ours."""
    about, free = replace(ELDER, waiting=9, waited_s=40), inventory().addresses
    for held, left in ((0, 0), (1, 1), (2, 1), (3, 2), (4, 2)):
        others = [WaitingInstall(queue=about, held=0)]
        assert len(left_to_others(others, waited_s=40, held=held, free=free)) == left
        assert len(left_to_others(others, waited_s=71, held=held, free=free)) == 0
        short = [WaitingInstall(queue=replace(about, waited_s=29), held=0)]
        assert len(left_to_others(short, waited_s=29, held=held, free=free)) == 0


def test_what_is_offered_counts_as_held() -> None:
    about = replace(ELDER, waiting=9, waited_s=40)
    assert served(inventory(about), requests(40, 40, 40)) == 2


def test_within_the_margin_nothing_is_left() -> None:
    assert served(inventory(ELDER), requests(100 - MARGIN_S, 100, 200)) == 3
    assert served(inventory(ELDER), requests(200, 100 - MARGIN_S - 1, 0)) == 2


def test_nothing_is_left_of_another_pool_or_group_or_of_what_was_free_for_long() -> None:
    assert served(inventory(replace(ELDER, pool="other")), requests(0, 0, 0)) == 3
    assert served(inventory(replace(ELDER, border_group="zone")), requests(0, 0, 0)) == 3
    assert served(inventory(replace(ELDER, border_group="")), requests(0, 0, 0)) == 2
    assert served(inventory(replace(ELDER, waiting=9), fresh=NAMES[:1]), requests(0, 0, 0)) == 2


def test_the_former_holder_of_an_address_leaves_it_to_nobody() -> None:
    offers = assign_offers(inventory(replace(ELDER, waiting=9), last="ns/p1"), requests(0, 0))
    assert [type(offer) for offer in offers.values()] == [Offer, NoOffer]
    assert list(offers) == ["u1", "u0"]


def test_a_pod_that_leaves_one_hears_why() -> None:
    [offer] = assign_offers(inventory(replace(ELDER, waiting=9)), requests(0)).values()
    assert isinstance(offer, NoOffer)
    assert "Pods of other clusters, which have waited longer" in offer.why


@dataclass
class Two:
    """Two clusters and a pool of one address, which a Pod of the first one has. `ledger`: the first one's."""

    clock: HandClock = field(default_factory=HandClock)
    ledger: type[FakeLedger] = HeldLedger

    def __post_init__(self) -> None:
        self.one = World(clock=self.clock)
        self.two = World(clock=self.clock, ec2=self.one.ec2, table=self.one.table)
        self.first = Replica(self.one, cluster="c-1", ledger_type=self.ledger).lead()
        self.second = Replica(self.two, cluster="c-2").lead()
        self.one.pool(1)
        self.holder = self.one.pod("holder", fixed(), ip="10.0.0.20")
        self.run(60)

    def run(self, seconds: float) -> None:
        """Let time pass for both."""
        together([self.first, self.second], seconds, 0.5)

    def told(self) -> tuple[PoolQueue, ...]:
        """What the second cluster tells of its waiting Pods."""
        return self.one.table.installs[self.second.install].queues

    def wait_in_turn(self, younger_s: float) -> tuple[PodUid, PodUid]:
        """A Pod of the second cluster begins to wait, and so much later one of the first, which then has one free."""
        elder = self.two.pod("elder", fixed(), ip="10.0.0.50")
        self.run(younger_s)
        younger = self.one.pod("younger", fixed(), ip="10.0.0.21")
        self.run(2)
        self.one.pods.delete(self.holder)
        return elder, younger


@pytest.fixture(name="two")
def served_by(request: pytest.FixtureRequest) -> Iterator[Two]:
    """Both clusters; with the ledger that the test names, if it does."""
    made = Two(ledger=getattr(request, "param", HeldLedger))
    yield made
    made.first.loop.stop()
    made.second.loop.stop()


class DeafLedger(HeldLedger):
    """Shows other installs without those who wait there."""

    def installs(self) -> list[InstallRecord]:
        """Every install, and nobody who waits."""
        return [replace(record, queues=()) for record in super().installs()]


def test_who_has_waited_clearly_longer_elsewhere_comes_first(two: Two) -> None:
    elder, younger = two.wait_in_turn(60)
    two.run(POLL_S + 1)
    assert (bool(two.two.label(elder)), bool(two.one.label(younger))) == (True, False)


@pytest.mark.parametrize("two", [DeafLedger], indirect=True)
def test_without_the_queues_of_others_it_would_not(two: Two) -> None:
    """The control of the test above."""
    elder, younger = two.wait_in_turn(60)
    two.run(POLL_S + 1)
    assert (bool(two.two.label(elder)), bool(two.one.label(younger))) == (False, True)


def test_about_the_same_time_the_own_cluster_is_served_at_once(two: Two) -> None:
    _, younger = two.wait_in_turn(20)
    two.run(1)
    assert two.one.label(younger)


def test_one_that_does_not_come_for_it_costs_a_pause(two: Two) -> None:
    elder, younger = two.wait_in_turn(60)
    two.second.crash()
    two.second = two.first
    together([two.first], LEFT_S + POLL_S + 1, 0.5)
    assert two.one.label(younger)
    assert not two.two.label(elder)


def test_nothing_is_kept_for_a_cluster_that_has_gone_quiet(two: Two) -> None:
    two.two.pod("elder", fixed(), ip="10.0.0.50")
    two.run(60)
    two.second.crash()
    together([two.first], QUIET_S + 31, 0.5)
    younger = two.one.pod("younger", fixed(), ip="10.0.0.21")
    together([two.first], 2, 0.5)
    two.one.pods.delete(two.holder)
    together([two.first], 1, 0.5)
    assert two.one.label(younger)


def test_waiting_is_told_and_that_it_is_over_too(two: Two) -> None:
    elder = two.two.pod("elder", fixed(), ip="10.0.0.50")
    two.run(6)
    [queue] = two.told()
    assert (queue.pool, queue.waiting) == ("pool", 1)
    two.run(60)
    [queue] = two.told()
    assert queue.waited_s >= 30
    two.two.pods.delete(elder)
    two.run(6)
    assert two.told() == ()


def test_the_oldest_of_a_cluster_comes_first(two: Two) -> None:
    younger = two.one.pod("a-younger", fixed(), ip="10.0.0.21", created="2")
    two.run(5)
    older = two.one.pod("z-older", fixed(), ip="10.0.0.22", created="1")
    two.run(5)
    two.one.pods.delete(two.holder)
    two.run(1)
    assert (bool(two.one.label(older)), bool(two.one.label(younger))) == (True, False)


def test_a_waiting_pod_hears_which_clusters_hold_the_pool(two: Two) -> None:
    two.two.pod("elder", fixed(), ip="10.0.0.50")
    two.run(2)
    [said] = [event.message for _, event in two.two.events.said if event.reason == contract.WAITING]
    assert "pool 'pool' has no free address: its addresses are held by cluster 'a' (c-1); waiting" in said


@dataclass
class Crowd:
    """Five clusters; the first had all ten addresses, twenty Pods wait in each, and each second one gets free."""

    clock: HandClock = field(default_factory=HandClock)
    waiting: dict[PodUid, tuple[int, World]] = field(default_factory=dict)
    waits: dict[int, list[float]] = field(default_factory=lambda: {number: [] for number in range(5)})

    def __post_init__(self) -> None:
        first = World(clock=self.clock)
        self.worlds = [first, *(World(clock=self.clock, ec2=first.ec2, table=first.table) for _ in range(4))]
        self.replicas = [Replica(world, cluster=f"c-{n}").lead() for n, world in enumerate(self.worlds)]
        first.pool(10)
        self.holders = [(first, first.pod(f"h{n}", fixed(), ip=f"10.0.0.{10 + n}")) for n in range(10)]
        together(self.replicas, 65, 0.5)
        for number, world in enumerate(self.worlds):
            for pod in range(20):
                uid = world.pod(f"w{number}-{pod}", fixed(), ip=f"10.0.0.{30 + 20 * number + pod}")
                self.waiting[uid] = (number, world)
        together(self.replicas, 40, 0.5)
        self.began = self.clock.now

    def one_goes(self) -> None:
        """The Pod that has had an address for longest goes; a second later, who has one is noted."""
        if self.holders:
            world, uid = self.holders.pop(0)
            world.pods.delete(uid)
        together(self.replicas, 1, 0.5)
        for uid, (number, world) in list(self.waiting.items()):
            if world.label(uid):
                self.holders.append((world, uid))
                self.waits[number].append(self.clock.now - self.began)
                del self.waiting[uid]


def test_five_clusters_that_share_a_scarce_pool_wait_about_equally_long() -> None:
    crowd = Crowd()
    while crowd.waiting and crowd.clock.now < crowd.began + 400:
        crowd.one_goes()
    for replica in crowd.replicas:
        replica.loop.stop()
    assert not crowd.waiting
    last = [max(found) for found in crowd.waits.values()]
    assert max(last) - min(last) <= MARGIN_S + 2 * POLL_S


def test_a_pod_that_has_a_claim_waits_no_more_though_its_association_fails(two: Two) -> None:
    elder = two.two.pod("elder", fixed(), ip="10.0.0.50")
    two.run(10)
    assert two.told()
    two.one.pods.delete(two.holder)
    two.one.ec2.fail("AssociateAddress", Unavailable("no"), times=1000)
    two.run(40)
    assert two.one.table.pods[two.second.install.cluster_uid, elder][0].phase is Phase.CLAIMED
    assert two.told() == ()


def test_what_no_release_of_ours_would_tell_is_not_heeded(two: Two) -> None:
    """Who waited before another one, equally long and as many, is not that one: each telling has a name."""
    peers = Peers(two.clock)
    record = replace(two.one.table.installs[two.second.install], word="1", queues=(ELDER,))
    peers.saw([record])
    peers.saw([replace(record, heartbeat=record.heartbeat + 1)])
    two.clock.now += 60
    peers.saw([replace(record, heartbeat=record.heartbeat + 2, word="2")])
    [[queue]] = peers.queues(except_of=two.first.install).values()
    assert queue.waited_s == ELDER.waited_s
