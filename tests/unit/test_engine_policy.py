"""The policy stands before new claims and nowhere else: refused, waited, served in order, and nothing taken away."""

from controller.core import contract
from controller.core.policy import parse
from controller.core.tenancy import Tenancy
from state.errors import QuotaExceeded
from state.model import Phase, PodUid
from tests.unit.engine_harness import Replica, World, at, auto, fixed

DENY_POOL = "rules: [{name: ours, pools: [pool], effect: deny}]"
ALLOW = "default: allow"


def policy(world: World, text: str) -> None:
    """This is the policy from now on."""
    world.policy = parse(text)


def limited(world: World, addresses: int) -> None:
    """Namespace ns may have so many."""
    policy(world, f"limits: [{{name: few, namespaces: [ns], addresses: {addresses}}}]")


def served(world: World, pods: list[PodUid]) -> list[bool]:
    """Which of these have an address."""
    return [world.label(pod) is not None for pod in pods]


def said(world: World, pod: PodUid) -> list[str]:
    """The messages about this Pod that name the policy."""
    return [e.message for p, e in world.events.said if p.uid == pod and e.reason == contract.REFUSED]


def test_a_refused_pod_hears_the_rule_once_and_costs_nothing(world: World) -> None:
    policy(world, DENY_POOL)
    replica = Replica(world).lead()
    world.pool(1)
    pod, other = world.pod("p", fixed()), world.pod("q", auto(), ip="10.0.0.6")
    replica.run(700, step=2.0)
    assert said(world, pod) == [
        "rule 'ours' of the policy does not let Pods of namespace 'ns' use mode fixed-tag with pool 'pool'"
    ]
    assert (world.label(pod), bool(world.label(other))) == (None, True)
    assert len(world.mutations()) == 2


def test_a_pod_that_asks_rightly_while_its_refusal_is_shown_is_served_at_once(world: World) -> None:
    policy(world, DENY_POOL)
    replica = Replica(world).lead()
    world.pool(1)

    def ask_rightly(_: object) -> None:
        world.pods.amid = lambda _: None
        world.change(pod, annotations=auto())

    pod = world.pod("p", fixed())
    world.change(pod, labels={contract.LABEL_PUBLIC_IP: "192.0.2.1"})
    world.pods.stale, world.pods.amid = True, ask_rightly
    replica.settle()
    world.pods.stale = False
    world.pods.catch_up()
    replica.run(2)
    assert served(world, [pod]) == [True]


def test_another_policy_serves_the_refused_at_once(world: World) -> None:
    policy(world, DENY_POOL)
    replica = Replica(world).lead()
    world.pool(2)
    pods = [world.pod("p", fixed()), world.pod("q", fixed(), ip="10.0.0.6")]
    replica.run(3)
    policy(world, ALLOW)
    replica.loop.poke()
    assert replica.until(lambda: all(served(world, pods)), 5) < 1


def test_a_new_policy_takes_nothing_away(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(2)
    pod = world.pod("p", fixed())
    replica.settle()
    before, label = world.quiet(), world.label(pod)
    policy(world, "default: deny\nlimits: [{name: none, addresses: 0}]")
    replica.run(400, step=2.0)
    assert (world.quiet(), world.label(pod)) == (before, label)
    assert not said(world, pod)


def test_a_new_policy_survives_a_change_of_leader_without_a_cut(world: World) -> None:
    first = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    first.settle()
    first.crash()
    policy(world, "default: deny")
    label = world.label(pod)
    Replica(world).lead().run(400, step=2.0)
    assert world.label(pod) == label
    assert "DisassociateAddress" not in world.mutations()


def test_what_is_associated_already_is_adopted_whatever_the_policy(world: World) -> None:
    policy(world, "default: deny\nlimits: [{name: none, addresses: 0}]")
    [address] = world.pool(1)
    world.ec2.associate_by_hand(address, at("10.0.0.5"))
    pod = world.pod("p", fixed())
    replica = Replica(world).lead()
    replica.run(5)
    assert world.label(pod)
    assert not world.mutations()


def test_an_annotation_that_is_changed_to_something_refused_keeps_what_is_held(world: World) -> None:
    policy(world, "rules: [{name: ours, pools: [theirs], effect: deny}]")
    replica = Replica(world).lead()
    world.pool(1)
    world.pool(1, key="theirs")
    pod = world.pod("p", fixed())
    replica.settle()
    label = world.label(pod)
    world.change(pod, annotations=fixed("theirs"))
    replica.run(5)
    assert world.label(pod) == label
    assert len(said(world, pod)) == 1
    policy(world, ALLOW)
    replica.until(lambda: world.label(pod) not in (None, label), 5)


def test_an_ip_is_not_needed_to_be_refused(world: World) -> None:
    policy(world, DENY_POOL)
    replica = Replica(world).lead()
    pod = world.pod("p", fixed(), ip="")
    replica.settle()
    assert said(world, pod)


def test_a_burst_stays_within_the_limit_and_the_oldest_come_first(world: World) -> None:
    limited(world, 3)
    replica = Replica(world, threads=8).lead()
    world.pool(20)
    replica.settle()
    modes = (auto, fixed)
    pods = [world.pod(f"p{n}", modes[n % 2](), ip=f"10.0.0.{10 + n}", created=f"{900 - n}") for n in range(10)]
    elsewhere = world.pod("e", fixed(), ip="10.0.0.200", namespace="other")
    for _ in range(3):
        replica.loop.tick()
        assert len([r for r in replica.ledger.pods().values() if r.namespace == "ns"]) <= 3
    replica.run(30)
    assert served(world, pods) == [False] * 7 + [True] * 3
    assert world.label(elsewhere)
    assert "limit 'few' of the policy lets namespace 'ns' have 3 at most, and it has 3" in said(world, pods[0])[0]


def test_room_is_given_to_the_oldest_at_once(world: World) -> None:
    limited(world, 1)
    replica = Replica(world).lead()
    world.pool(3)
    first = world.pod("a", fixed(), ip="10.0.0.5", created="1")
    replica.settle()
    younger = world.pod("b", fixed(), ip="10.0.0.6", created="3")
    older = world.pod("c", fixed(), ip="10.0.0.7", created="2")
    replica.run(40)
    world.pods.delete(first)
    assert replica.until(lambda: world.label(older), 5) < 1
    replica.run(40)
    assert world.label(younger) is None


def test_one_that_cannot_be_served_does_not_keep_the_room(world: World) -> None:
    limited(world, 1)
    replica = Replica(world).lead()
    world.pool(1)
    pods = [world.pod("a", fixed("nobody"), created="1"), world.pod("b", fixed(), ip="10.0.0.6", created="2")]
    replica.run(20)
    assert served(world, pods) == [False, True]


def test_an_intent_counts(world: World) -> None:
    limited(world, 1)
    replica = Replica(world).lead()
    world.ec2.fail("AllocateAddress", QuotaExceeded("full", code="AddressLimitExceeded"), times=1000)
    world.pool(1)
    waiting = world.pod("a", auto(), created="1")
    replica.settle()
    other = world.pod("b", fixed(), ip="10.0.0.6", created="2")
    replica.run(20)
    assert [r.phase for r in replica.ledger.pods().values()] == [Phase.INTENT]
    assert served(world, [waiting, other]) == [False, False]


def test_a_higher_limit_serves_those_that_wait(world: World) -> None:
    limited(world, 0)
    replica = Replica(world).lead()
    world.pool(3)
    pods = [world.pod(f"p{n}", fixed(), ip=f"10.0.0.{10 + n}") for n in range(3)]
    replica.run(3)
    limited(world, 2)
    replica.run(3)
    assert sum(served(world, pods)) == 2


def test_refused_pods_that_are_gone_are_forgotten(world: World) -> None:
    policy(world, DENY_POOL)
    replica = Replica(world).lead()
    world.pool(1)
    pods = [world.pod("p", fixed()), world.pod("q", fixed(), ip="10.0.0.6")]
    replica.run(3)
    world.pods.delete(pods[0])
    replica.run(310, step=2.0)
    assert replica.loop.opened is not None
    assert replica.loop.opened.requeue.refused() == {pods[1]}


def test_a_refused_pod_that_is_being_deleted_hears_nothing(world: World) -> None:
    policy(world, DENY_POOL)
    replica = Replica(world).lead()
    pods = [world.pod("p", fixed()), world.pod("q", fixed(), ip="")]
    for pod in pods:
        world.change(pod, deleting=True)
    replica.run(3)
    assert not world.events.said


def test_changing_the_pool_at_the_limit_is_an_exchange(world: World) -> None:
    limited(world, 1)
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.settle()
    world.change(pod, annotations=auto())
    replica.run(5)
    assert world.label(pod)
    assert not said(world, pod)


def test_a_full_install_waits_and_serves_the_oldest_of_any_namespace(world: World) -> None:
    world.tenancy = Tenancy(most=2)
    replica = Replica(world).lead()
    world.pool(4)
    first, second = world.pod("a", fixed()), world.pod("b", auto(), ip="10.0.0.6")
    replica.settle()
    third = world.pod("c", fixed(), ip="10.0.0.7")
    replica.settle()
    assert served(world, [first, second, third]) == [True, True, False]
    assert "may have 2 addresses (maxAddresses)" in said(world, third)[0]
    before = len(world.mutations())
    replica.run(600, step=5.0)
    assert len(world.mutations()) == before
    world.pods.delete(second)
    assert replica.until(lambda: all(served(world, [third])), 60) < 30


def test_a_key_that_is_not_listed_is_refused_and_takes_nothing_away(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(2)
    before = world.pod("a", fixed())
    replica.settle()
    world.tenancy = Tenancy(pool_keys=("other",))
    after = world.pod("b", fixed(), ip="10.0.0.6")
    replica.run(60)
    assert served(world, [before, after]) == [True, False]
    assert "tag key 'pool' is not among those" in said(world, after)[0]


def test_intents_that_wait_for_quota_keep_nobody_from_a_pool(world: World) -> None:
    world.tenancy = Tenancy(most=2)
    world.ec2.fail("AllocateAddress", QuotaExceeded("no more", code="AddressLimitExceeded"), times=1000)
    replica = Replica(world).lead()
    world.pool(1)
    for number in range(3):
        world.pod(f"evil-{number}", auto(), ip=f"10.0.0.1{number}")
    replica.run(30)
    good = world.pod("good", fixed(), ip="10.0.0.6")
    assert replica.until(lambda: world.label(good), 60) < 30


def test_who_waited_with_an_intent_finds_no_more_than_there_is_room_for(world: World) -> None:
    world.tenancy = Tenancy(most=2)
    world.ec2.fail("AllocateAddress", QuotaExceeded("no more", code="AddressLimitExceeded"), times=3)
    replica = Replica(world).lead()
    pods = [world.pod(f"p{number}", auto(), ip=f"10.0.0.1{number}") for number in range(4)]
    replica.run(1500, step=5.0)
    assert sum(served(world, pods)) == 2


def test_the_oldest_of_any_namespace_gets_the_room_that_is_left(world: World) -> None:
    world.tenancy = Tenancy(most=1)
    replica = Replica(world).lead()
    world.pool(3)
    holder = world.pod("holder", auto())
    replica.settle()
    old = world.pod("old", fixed(), ip="10.0.0.6", created="2026-01-01T00:00:00Z")
    young = world.pod("young", auto(), ip="10.0.0.7", namespace="other", created="2026-01-02T00:00:00Z")
    replica.run(5)
    world.pods.delete(holder)
    replica.until(lambda: any(served(world, [old, young])), 60)
    assert served(world, [old, young]) == [True, False]
