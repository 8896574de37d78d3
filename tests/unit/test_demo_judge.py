"""The demo's judge finds what is wrong: each test spoils a good story in one way, and one figure must say so."""

from dataclasses import replace

import pytest

from sandbox.demo.cast import Sighting
from sandbox.demo.judge import (
    Evidence,
    calls_per_pod,
    double_owned,
    failover_s,
    judge,
    leaked,
    misplaced,
    released_by_mistake,
    waits,
)
from sandbox.demo.ledger import Ledger
from sandbox.demo.scenes import AUTO, FIXED, MODES, OWN
from tests.unit.demo_evidence import (
    LEADER,
    PUBLIC,
    SANDBOX,
    STANDBY,
    address,
    call,
    died,
    entry,
    good_story,
    later,
    life,
    row,
)


def with_addresses(story: Evidence, **ips: str) -> Evidence:
    """The story with these addresses at the end, at these IPs or free, and nobody in the table."""
    found = tuple(address(f"eipalloc-{name}", ip) for name, ip in ips.items())
    return replace(story, picture=replace(story.picture, addresses=found, ledger=Ledger()))


def test_finds_nothing_in_a_good_story() -> None:
    verdict = judge(good_story())
    assert verdict.served == verdict.wanted == dict.fromkeys(MODES, 1)
    assert not verdict.leaked | verdict.misplaced | verdict.double_owned | verdict.released
    assert dict(verdict.failovers) == {"sigkill": pytest.approx(4.0)}
    assert verdict.median_s == {AUTO: pytest.approx(1.1)}


def test_a_label_before_the_association_serves_nobody() -> None:
    early = Sighting(uid="uid-auto", public_ip=PUBLIC["eipalloc-auto"], asked=1.3, answered=1.4)
    assert not waits(replace(good_story(), sightings=(early,)), AUTO)


def test_a_label_with_another_address_serves_nobody() -> None:
    wrong = Sighting(uid="uid-auto", public_ip=PUBLIC["eipalloc-pool"], asked=2.0, answered=2.1)
    assert not waits(replace(good_story(), sightings=(wrong,)), AUTO)


def test_an_allocated_address_at_no_pod_is_leaked() -> None:
    assert leaked(with_addresses(good_story(), auto="")) == {"eipalloc-auto"}


def test_an_allocated_address_at_a_pod_of_another_mode_is_leaked() -> None:
    assert leaked(with_addresses(good_story(), auto="10.0.0.12")) == {"eipalloc-auto"}


def test_a_pool_address_at_the_ip_of_a_dead_pod_is_leaked() -> None:
    story = with_addresses(died(good_story(), "uid-pool", 5.0), pool="10.0.0.12")
    assert leaked(story) == {"eipalloc-pool"}


def test_a_claim_of_a_dead_pod_is_leaked() -> None:
    story = died(good_story(), "uid-pool", 5.0)
    free = replace(story.picture, addresses=(address("eipalloc-pool"),))
    assert leaked(replace(story, picture=free)) == {"eipalloc-pool"}


def test_a_free_pool_address_is_not_leaked() -> None:
    assert not leaked(with_addresses(good_story(), pool=""))


@pytest.mark.parametrize("mode", ["", AUTO, FIXED, OWN])
def test_a_stranger_must_not_inherit_an_address_with_its_ip(mode: str) -> None:
    stranger = life("uid-new", mode, "10.0.0.12", 6.0)
    cut_late = entry("disassociated", "eipalloc-pool", 6.5, "10.0.0.12")
    story = later(died(good_story(), "uid-pool", 5.0), cut_late, more=(stranger,))
    assert (PUBLIC["eipalloc-pool"], "ns/uid-new") in misplaced(story)


def test_an_address_cut_before_the_stranger_came_is_not_misplaced() -> None:
    stranger = life("uid-new", "", "10.0.0.12", 6.0)
    cut = entry("disassociated", "eipalloc-pool", 5.5, "10.0.0.12")
    story = later(died(good_story(), "uid-pool", 5.0), cut, more=(stranger,))
    freed = tuple(a for a in story.picture.addresses if a.allocation_id != "eipalloc-pool")
    assert not misplaced(replace(story, picture=replace(story.picture, addresses=freed)))


def test_an_address_of_another_pool_is_misplaced() -> None:
    pod = life("uid-new", FIXED, "10.0.0.20", 2.0)
    story = later(good_story(), entry("associated", "eipalloc-own", 3.0, "10.0.0.20"), more=(pod,))
    assert (PUBLIC["eipalloc-own"], "ns/uid-new") in misplaced(story)


def test_the_address_set_aside_for_another_name_is_misplaced() -> None:
    pod = life("uid-new", OWN, "10.0.0.20", 2.0)
    story = later(good_story(), entry("associated", "eipalloc-own", 3.0, "10.0.0.20"), more=(pod,))
    assert (PUBLIC["eipalloc-own"], "ns/uid-new") in misplaced(story)


def test_a_label_that_ec2_does_not_confirm_is_misplaced() -> None:
    story = good_story()
    pods = (*story.picture.pods[1:], row("uid-auto", AUTO, "10.0.0.11", PUBLIC["eipalloc-own"]))
    assert misplaced(replace(story, picture=replace(story.picture, pods=pods)))


def test_an_address_of_two_pods_in_the_table_is_double_owned() -> None:
    story = good_story()
    ledger = replace(story.picture.ledger, address_of={"uid-auto": "eipalloc-own", "uid-own": "eipalloc-own"})
    assert double_owned(replace(story, picture=replace(story.picture, ledger=ledger))) == {"eipalloc-own"}


def test_two_pods_with_one_label_are_double_owned() -> None:
    story = good_story()
    pods = (*story.picture.pods, row("uid-new", FIXED, "10.0.0.20", PUBLIC["eipalloc-pool"]))
    assert double_owned(replace(story, picture=replace(story.picture, pods=pods))) == {PUBLIC["eipalloc-pool"]}


def test_a_pool_address_that_is_released_is_a_mistake() -> None:
    assert released_by_mistake(later(good_story(), entry("released", "eipalloc-pool", 9.0))) == {"eipalloc-pool"}
    assert not released_by_mistake(later(good_story(), entry("released", "eipalloc-auto", 9.0)))


def test_only_another_replica_of_the_cluster_can_take_over() -> None:
    signal = good_story().signals[0]
    nobody = (call(11.0, LEADER), call(11.0, SANDBOX), call(9.0, STANDBY))
    assert failover_s(signal, nobody) is None
    assert failover_s(signal, (*nobody, call(12.5, STANDBY))) == pytest.approx(2.5)


def test_counts_what_touched_the_stretch_and_what_touched_nothing() -> None:
    story = good_story()
    own = call(2.0, LEADER, entry("associated", "eipalloc-auto", 2.0, "10.0.0.11"), action="AssociateAddress")
    foreign = call(2.0, LEADER, entry("released", "eipalloc-other", 2.0), action="ReleaseAddress")
    calls = (own, foreign, call(2.0), call(2.0, STANDBY), call(0.5), call(5.5))
    assert calls_per_pod(story.stretches[0], replace(story, calls=calls)) == 2.0
