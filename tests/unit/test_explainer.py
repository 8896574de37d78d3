"""What a replica explains of its own accord: from its caches and the loop's notes, in whatever thread asks.

Each story is played by the product's own engine on fakes. The explainer has ports that refuse every call that leaves
the process, so an explanation that called somebody would fail.
"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from controller.core.explain import Explanation, Verdict
from controller.core.policy import Effect, Policy, Rule
from controller.core.ports import Ledger, Pods
from controller.core.status import LeaderStatus
from controller.core.tenancy import Rules, Tenancy
from controller.core.views import Interface
from controller.engine.explainer import NAMES_KEPT_S, Explainer
from state.errors import QuotaExceeded
from state.model import InterfaceId
from tests.unit.engine_harness import IPS, Replica, World, auto, fixed, fixed_value
from tests.unit.test_looker import ReadOnly
from tests.unit.test_loop_calls_nobody import LEDGER_CALLS, POD_CALLS


def explainer(one: Replica, trouble: str = "") -> Explainer:
    """The replica's own."""

    def leader() -> LeaderStatus:
        return LeaderStatus(identity="me", is_me=one.leadership.term is not None)

    return Explainer(
        facts=one.engine.tuning.facts,
        identity="me",
        pods=cast("Pods", ReadOnly(one.world.pods, POD_CALLS)),
        ledger=cast("Ledger", ReadOnly(one.ledger, LEDGER_CALLS)),
        loop=one.loop,
        leader=leader,
        rules=lambda: Rules(policy=one.world.policy, tenancy=one.world.tenancy),
        trouble=lambda: trouble,
        clock=one.clock,
    )


def asked(one: Replica, name: str = "a", namespace: str = "ns") -> Explanation:
    """What it says of this Pod, in a thread of its own; it is plain enough for JSON."""
    before = len(one.world.ec2.calls)
    with ThreadPoolExecutor(1) as other:
        found = other.submit(explainer(one).explain, namespace, name).result(20.0)
    assert len(one.world.ec2.calls) == before, "EC2 was asked"
    assert json.dumps(found.to_json())
    return found


def test_a_served_pod(world: World) -> None:
    world.pod("a", auto())
    one = Replica(world).lead()
    one.settle()
    found = asked(one)
    assert (found.verdict, found.reason, found.plan, found.remedy) == (Verdict.SERVED, "", (), ())
    ip = world.label(world.pod("a", auto()))
    assert found.answered_by.leads
    assert any("its private IP is 10.0.0.5" in said for said in found.asks)
    assert any(said.startswith("EC2 shows the address") for said in found.ec2)
    assert ip is None or ip in found.summary


def test_a_pool_without_addresses_says_what_to_tag_and_when_it_is_looked_at(world: World) -> None:
    world.pod("a", fixed("game"))
    one = Replica(world).lead()
    one.run(40.0)
    found = asked(one)
    assert (found.verdict, found.reason) == (Verdict.WAITING, "POOL")
    assert "no address carries the tag key 'game'" in found.summary
    assert found.remedy[0].startswith("Tag an Elastic IP of this account and Region")
    assert found.next_try_s is not None
    assert 0 <= found.next_try_s <= 15.1
    assert "sooner by a look at EC2" in found.next_try
    assert any(said.startswith("It has waited for this for ") for said in found.tried)
    assert any("EIPWaiting" in said for said in found.tried)


def test_the_accounts_quota_is_named_with_its_code_and_a_remedy(world: World) -> None:
    world.ec2.fail("AllocateAddress", QuotaExceeded("the maximum is reached", code="AddressLimitExceeded"), times=99)
    world.pod("a", auto())
    one = Replica(world).lead()
    one.settle()
    first = asked(one)
    assert (first.verdict, first.reason, first.attempts) == (Verdict.FAILING, "AddressLimitExceeded", 1)
    assert "Service Quotas" in first.remedy[0]
    assert first.plan[0] == "Allocate"
    assert any("AddressLimitExceeded" in said for said in first.tried)
    one.run(10.0)
    world.pod("b", auto(), ip="10.0.0.6", created="2")
    one.settle()
    second = asked(one, "b")
    assert (second.verdict, second.reason) == (Verdict.WAITING, "BREAKER")
    assert "AddressLimitExceeded" in second.summary


def test_what_is_kept_of_an_error_are_its_words(world: World) -> None:
    """Its traceback would keep the frames and the answer of the call, for each of thousands of Pods."""
    one = Replica(world).lead()
    world.ec2.fail("AllocateAddress", QuotaExceeded("The limit", code="AddressLimitExceeded"), times=1000)
    uid = world.pod("a", auto(), name="a")
    one.settle()
    note = one.loop.opened.parts.notes.get(uid) if one.loop.opened else None
    assert note is not None
    assert note.error is not None
    assert note.error.code == "AddressLimitExceeded"
    assert (note.error.__traceback__, note.error.__cause__, note.error.__context__) == (None, None, None)


def test_the_policy_is_named_by_its_rule(world: World) -> None:
    world.policy = Policy(rules=(Rule(name="no-games", effect=Effect.DENY),))
    world.pod("a", auto())
    one = Replica(world).lead()
    one.settle()
    found = asked(one)
    assert (found.verdict, found.reason) == (Verdict.REFUSED, "REFUSED")
    assert "rule 'no-games'" in found.policy[0]
    assert "for a rule that allows it" in found.remedy[0]


def test_room_in_what_all_may_have(world: World) -> None:
    world.tenancy = Tenancy(most=1)
    world.pod("a", auto())
    world.pod("b", auto(), ip="10.0.0.6", created="2")
    one = Replica(world).lead()
    one.settle()
    found = asked(one, "b")
    assert (found.verdict, found.reason) == (Verdict.WAITING, "FULL")
    assert "--max-addresses" in found.remedy[0]


def test_a_node_without_an_instance(world: World) -> None:
    world.pods.instances["node-1"] = None
    world.pod("a", auto())
    one = Replica(world).lead()
    one.run(90.0)
    found = asked(one)
    assert (found.verdict, found.reason) == (Verdict.WAITING, "PLACEMENT")
    assert "spec.providerID" in found.remedy[0]
    assert any("names no EC2 instance" in said for said in found.ec2)


def test_wrong_annotations(world: World) -> None:
    world.pod("a", fixed_value(""))
    one = Replica(world).lead()
    one.settle()
    found = asked(one)
    assert (found.verdict, found.reason) == (Verdict.INVALID, "NO_POOL")
    assert found.remedy


def test_a_pod_without_an_ip(world: World) -> None:
    world.pod("a", auto(), ip="")
    one = Replica(world).lead()
    one.settle()
    assert asked(one).reason == "NO_IP"


def test_who_does_not_lead_says_so_and_claims_nothing_about_the_leaders_work(world: World) -> None:
    world.pod("a", auto())
    Replica(world).lead().settle()
    other = Replica(world)
    found = explainer(other, trouble="no credentials").explain("ns", "a")
    assert not found.answered_by.leads
    assert any("This replica cannot lead: no credentials" in note for note in found.answered_by.notes)
    assert found.next_try == "Only the leader knows when it tries next"


def test_nobody_of_this_name(world: World) -> None:
    one = Replica(world).lead()
    one.settle()
    found = asked(one, "nobody")
    assert (found.verdict, found.uid) == (Verdict.UNKNOWN, "")
    assert "asks by the annotation" in found.summary


def test_the_live_pod_is_meant_and_the_earlier_one_is_mentioned(world: World) -> None:
    uid = world.pod("old", auto(), name="a")
    one = Replica(world).lead()
    one.settle()
    held = one.ledger.pods()[uid].public_ip
    one.lose()
    world.pods.delete(uid)
    world.pod("new", auto(), name="a", ip="10.0.0.6", created="2")
    one.clock.now += NAMES_KEPT_S + 1.0
    found = explainer(one).explain("ns", "a")
    assert found.uid == "new"
    assert any(f"has the address {held} still" in note for note in found.answered_by.notes)


def test_what_is_gone_is_forgotten(world: World) -> None:
    uid = world.pod("a", auto())
    one = Replica(world).lead()
    one.settle()
    assert one.parts.notes.get(uid) is not None
    world.pods.delete(uid)
    one.run(700.0, step=5.0)
    assert one.parts.notes.get(uid) is None


def test_asking_while_the_loop_turns_never_fails(world: World) -> None:
    one = Replica(world).lead()
    ips = sorted(IPS)
    asks, stop, faults = explainer(one), threading.Event(), list[Exception]()
    world.ec2.add_interface(Interface(interface_id=InterfaceId("eni-2"), private_ips=frozenset({"10.9.0.1"})))

    def ask() -> None:
        while not stop.is_set():
            for number in range(20):
                try:
                    assert asks.explain("ns", f"p{number}").to_json()["summary"]
                except Exception as fault:  # noqa: BLE001  (the thread hands it to the test)
                    faults.append(fault)
                    return

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    for turn in range(6):
        for number in range(20):
            uid = world.pod(f"p{number}", auto() if turn % 2 else {}, ip=ips[number])
            world.change(uid, annotations=auto() if turn % 2 == 0 else {})
        one.run(2.0)
    stop.set()
    for thread in asking:
        thread.join(20.0)
    assert not faults


@pytest.fixture
def world() -> World:
    """A cluster."""
    return World()
