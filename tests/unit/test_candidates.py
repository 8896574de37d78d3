"""Which address of a pool a Pod is offered, and what it is told where there is none."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from controller.core import contract
from controller.core.allocation import request_for
from controller.core.candidates import assign_offers, wins
from controller.core.desire import Serve
from controller.core.inventory import Inventory, PoolRequest
from controller.core.situation import NoOffer, Offer, Placed
from controller.core.views import Address, Association
from state.model import (
    AddressRecord,
    AllocationId,
    AssociationId,
    ClusterUid,
    Epoch,
    InstallKey,
    Mode,
    Owner,
    PodUid,
    PoolQueue,
    Rev,
)
from tests.fakes.records import install_record
from tests.unit.plan_world import FACTS, PlanWorld, pod, target

ME = FACTS.install
LOST = install_record("c-9", lease="kube-system/l")
GONE = LOST.key
BLUE, AZURE = InstallKey.parse("c-2#kube-system/l"), InstallKey.parse("c-3#kube-system/l")
PLACED = Association(association_id=AssociationId("eipassoc-1"), target=target("10.9.9.9"))


def address(name: str, *, group: str = "g", association: Association | None = None, **tags: str) -> Address:
    """An address, of pool `k` unless its tags say otherwise."""
    return Address(
        allocation_id=AllocationId(name),
        public_ip="",
        border_group=group,
        tags=tags or {"k": ""},
        association=association,
    )


def side(name: str, owner: InstallKey | None = None, last: str = "") -> AddressRecord:
    """The ledger's side."""
    whose = Owner(install=owner, pod_uid=PodUid("u-8"), epoch=Epoch(1)) if owner else None
    return AddressRecord(allocation_id=AllocationId(name), pool="k", owner=whose, last_holder=last, rev=Rev(1))


def inventory(addresses: Sequence[Address], *sides: AddressRecord, reserved: Sequence[str] = ()) -> Inventory:
    """What there is to give."""
    return Inventory(
        addresses=addresses,
        records={record.allocation_id: record for record in sides},
        reserved=tuple(map(AllocationId, reserved)),
        install=ME,
        cluster="a",
        installs={ME},
    )


def seeker(name: str = "p", mode: Mode = Mode.FIXED_TAG, *, pool: str = "k", group: str | None = "g") -> PoolRequest:
    """A Pod that seeks an address."""
    return PoolRequest(uid=PodUid(name), holder=f"ns/{name}", mode=mode, pool=pool, border_group=group)


def given(there: Inventory, *seekers: PoolRequest) -> dict[str, str]:
    """Who is offered which address."""
    offers = assign_offers(there, seekers or (seeker(),))
    return {uid: str(offer.address.allocation_id) for uid, offer in offers.items() if isinstance(offer, Offer)}


def why(there: Inventory, asked: PoolRequest) -> str:
    """What one without an offer is told."""
    (offer,) = assign_offers(there, [asked]).values()
    assert isinstance(offer, NoOffer)
    return offer.why


def test_every_release_sees_the_same_winner_of_an_address() -> None:
    """Two releases in a row share a pool: the hash is of the text of the install, and that stays as it is."""
    others, names = (ME, BLUE, AZURE), [AllocationId(f"e-{n}") for n in range(1, 9)]
    winners = [next(install for install in others if wins(install, others, name)) for name in names]
    assert winners == [AZURE, AZURE, AZURE, ME, ME, BLUE, BLUE, AZURE]


def test_no_address_is_offered_twice() -> None:
    two = inventory([address("e-1"), address("e-2")])
    assert sorted(given(two, seeker("p"), seeker("q"), seeker("r")).values()) == ["e-1", "e-2"]
    both = [address("e-1", k="", l="")]
    assert len(given(inventory(both), seeker("p"), seeker("q", pool="l"))) == 1


@pytest.mark.parametrize(
    "there",
    [
        inventory([address("e-1", association=PLACED)]),
        inventory([address("e-1")], side("e-1", owner=BLUE)),
        inventory([address("e-1")], reserved=["e-1"]),
        inventory([address("e-1", group="other")]),
        inventory([replace(address("e-1"), tags={"k": "", contract.TAG_TYPE: "auto"})]),
        inventory([address("e-1", other="")]),
    ],
    ids=["associated", "owned", "reserved", "elsewhere", "auto's", "another pool's"],
)
def test_what_is_not_free_for_this_pod_is_not_offered(there: Inventory) -> None:
    assert given(there) == {}


def test_an_address_that_was_refused_to_this_pod_is_not_offered_again() -> None:
    cooling_down = replace(seeker(), cooling_down=frozenset({AllocationId("e-1")}))
    assert given(inventory([address("e-1"), address("e-2")]), cooling_down) == {"p": "e-2"}


def test_a_pod_whose_place_is_unknown_may_have_any_group() -> None:
    assert given(inventory([address("e-1", group="other")]), seeker(group=None)) == {"p": "e-1"}


def test_a_name_has_its_former_address_again_and_others_take_it_last() -> None:
    there = inventory([address("e-1"), address("e-2")], side("e-1", last="ns/p"))
    assert given(there, seeker("q"), seeker("p")) == {"q": "e-2", "p": "e-1"}
    assert given(there, seeker("q")) == {"q": "e-2"}
    assert given(there, seeker("q"), seeker("r")).keys() == {"q", "r"}
    elsewhere = inventory([address("e-1", group="other"), address("e-2")], side("e-1", last="ns/p"))
    assert given(elsewhere, seeker("p")) == {"p": "e-2"}


def test_who_comes_back_while_its_predecessor_gives_the_address_up_waits_for_it_and_is_told_if_that_lasts() -> None:
    there = inventory([address("e-1"), address("e-2")], side("e-1", owner=ME, last="ns/p"))
    (offer,) = assign_offers(there, [seeker("p")]).values()
    assert isinstance(offer, NoOffer)
    assert offer.soon
    assert "which ns/p had before, is still being taken" in offer.why
    others = inventory([address("e-1"), address("e-2")], side("e-1", owner=BLUE, last="ns/p"))
    assert given(others, seeker("p")) == {"p": "e-2"}


def test_the_value_of_a_tag_names_one_pod() -> None:
    there = inventory([address("e-1", k="ns/p"), address("e-2", k="ns/q")])
    values = [seeker(name, Mode.FIXED_TAG_VALUE) for name in "pqr"]
    assert given(there, *values) == {"p": "e-1", "q": "e-2"}


def test_what_a_lost_cluster_held_is_offered_last_and_to_its_former_holder_first() -> None:
    there = replace(inventory([address("e-1"), address("e-2")], side("e-1", owner=GONE)), silent={GONE: LOST})
    offers = assign_offers(there, [seeker("p"), seeker("q")])
    first, second = offers[PodUid("p")], offers[PodUid("q")]
    assert isinstance(first, Offer)
    assert isinstance(second, Offer)
    assert (first.address.allocation_id, first.silent) == ("e-2", None)
    assert (second.address.allocation_id, second.silent) == ("e-1", LOST)
    held = [side("e-1", owner=GONE), side("e-2", owner=GONE, last="ns/p"), side("e-3", owner=GONE)]
    there = replace(inventory([address(f"e-{n}") for n in (1, 2, 3)], *held), silent={GONE: LOST})
    assert given(there, seeker("p")) == {"p": "e-2"}
    standing = replace(inventory([address("e-1", association=PLACED)], side("e-1", owner=GONE)), silent={GONE: LOST})
    assert given(standing) == {}


def test_a_tags_value_is_never_left_to_another_clusters_queue() -> None:
    elder = PoolQueue(pool="k", border_group="g", waiting=9, waited_s=1000)
    for mode, count, value in ((Mode.FIXED_TAG, 0, ""), (Mode.FIXED_TAG_VALUE, 1, "ns/p")):
        there = replace(inventory([address("e-1", k=value)]), queues={BLUE: [elder]}, fresh={AllocationId("e-1")})
        assert len(given(there, seeker("p", mode))) == count


@pytest.mark.parametrize(
    ("there", "asked", "words"),
    [
        (inventory([]), seeker(), "no address carries the tag key 'k'"),
        (inventory([]), seeker(mode=Mode.FIXED_TAG_VALUE), "no address carries the tag 'k' with the value 'ns/p'"),
        (inventory([address("e-1", group="other")]), seeker(), "but of network border group other"),
        (
            inventory([address("e-1", association=PLACED)]),
            seeker(),
            "free address: its addresses are held by others; w",
        ),
        (inventory([address("e-1")], side("e-1", BLUE)), seeker(), "are held by cluster c-2; waiting"),
        (
            replace(inventory([address("e-1")], side("e-1", BLUE)), names={ClusterUid("c-2"): "blue"}),
            seeker(),
            "are held by cluster 'blue' (c-2); waiting",
        ),
        (
            inventory([address("e-1", group="other"), address("e-2", association=PLACED)]),
            seeker(),
            "has no free address: its addresses are held by others; waiting",
        ),
        (inventory([address("e-1", group="other", association=PLACED)]), seeker(group=None), "has no free address"),
    ],
)
def test_who_gets_nothing_is_told_why(there: Inventory, asked: PoolRequest, words: str) -> None:
    assert words in why(there, asked)


def test_what_a_pod_is_told_does_not_change_with_each_address_that_moves() -> None:
    """A text that differs is a new event: 300 Pods that wait would each be told of every move."""
    two = {ClusterUid("c-2"): "blue", ClusterUid("c-3"): "azure"}
    told = set()
    for mine in range(1, 9):
        sides = [side(f"e-{n}", BLUE if n < mine else AZURE) for n in range(9)]
        moved = [address(f"e-{n}") for n in range(9)] + [address("e-x", association=PLACED)]
        told.add(why(replace(inventory(moved, *sides), names=two), seeker()))
    assert told == {
        "pool 'k' has no free address: its addresses are held by cluster 'azure' (c-3), cluster 'blue' (c-2), others; "
        "waiting for one to get free"
    }


def test_what_is_just_being_given_out_here_is_held_here() -> None:
    """Else the text would say "others" for a moment, each time an address is given out."""
    there = inventory([address("e-1")], reserved=["e-1"])
    assert f"held by cluster {FACTS.cluster_uid}; waiting" in why(there, seeker())
    offers = assign_offers(inventory([address("e-1")]), [seeker("p"), seeker("q")])
    assert f"held by cluster {FACTS.cluster_uid}; waiting" in str(offers[PodUid("q")])


@pytest.mark.parametrize(
    ("group", "asked"), [(None, None), (FACTS.home_border_group, None), ("us-west-2-lax-1", "us-west-2-lax-1")]
)
def test_an_address_is_allocated_in_the_border_group_of_its_pod(group: str | None, asked: str | None) -> None:
    request = request_for(
        PlanWorld(pod=pod(Mode.AUTO)).situation(),
        Serve(mode=Mode.AUTO, pool="amazon", ip="10.0.0.5"),
        Placed(target=target("10.0.0.5"), border_group=group),
    )
    assert (request.border_group, request.public_ipv4_pool) == (asked, "amazon")


@pytest.mark.parametrize(
    "value", ["shop/web-0", "a:shop/web-0", "b:shop/web-0", "eu/prod:shop/web-0", "a:b:c/d", "x/y.z", "evil/p"]
)
def test_an_address_whose_value_names_a_pod_is_not_any_pods(value: str) -> None:
    kept, free = address("e-1", k=value), address("e-2", k="")
    assert given(inventory([kept, free])) == {"p": "e-2"}
    assert "kept for mode fixed-tag-value" in why(inventory([kept]), seeker())
    taken = replace(free, association=PLACED)
    assert "or kept for Pods that their values name" in why(inventory([kept, taken]), seeker())


@pytest.mark.parametrize("value", ["", "games", "eu/", "/x", "Shop/web", "a/b/c", ":a/b", "team blue/1"])
def test_any_other_value_keeps_an_address_for_nobody(value: str) -> None:
    assert given(inventory([address("e-1", k=value)])) == {"p": "e-1"}


def test_a_value_may_name_the_cluster_too() -> None:
    mine, theirs = address("e-1", k="a:ns/p"), address("e-2", k="b:ns/p")
    wanted = seeker("p", Mode.FIXED_TAG_VALUE)
    assert given(inventory([mine, theirs]), wanted) == {"p": "e-1"}
    assert given(inventory([theirs]), wanted) == {}
    assert "'a:ns/p'" in why(inventory([theirs]), wanted)


def test_other_clusters_are_not_named_where_tenants_do_not_trust_each_other() -> None:
    taken = address("e-1")
    there = replace(inventory([taken], side("e-1", owner=BLUE)), names={ClusterUid("c-2"): "secret"})
    assert "cluster 'secret' (c-2)" in why(there, seeker())
    assert "held by others;" in why(replace(there, discreet=True), seeker())
    own = inventory([taken], side("e-1", owner=ME))
    assert f"cluster {FACTS.cluster_uid}" in why(replace(own, discreet=True), seeker())


def test_who_the_value_names_gets_its_address_in_either_mode() -> None:
    kept = inventory([address("e-1", k="ns/p"), address("e-2", k="a:ns/q"), address("e-3", k="b:ns/r")])
    assert given(kept, seeker("p"), seeker("q"), seeker("r"), seeker("s")) == {"p": "e-1", "q": "e-2"}
    assert given(inventory([address("e-1", k="ns/p")], side("e-1", owner=BLUE)), seeker("p")) == {}
