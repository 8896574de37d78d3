"""One look is no fact, a refusal is not for ever, nobody waits in silence, and what is not known is asked."""

import pytest

from controller.core import waiting
from controller.core.actions import Wait, WaitReason
from state.errors import AccessDenied, AddressForeign, TargetNotReady, Unavailable
from state.model import AddressRecord, Epoch, InstallKey, Mode, Owner, Phase, PodUid, Rev
from tests.fakes.kube import Fault
from tests.unit.engine_harness import Replica, World, at, auto, fixed, fixed_value

IP = "10.0.0.5"
LABELS = ("aws-pod-eip-controller-public-ip", "aws-pod-eip-controller-type")


@pytest.mark.parametrize("annotations", [auto(), fixed()], ids=["auto", "fixed"])
def test_an_address_that_one_describe_does_not_show_stays_claimed(world: World, annotations: dict[str, str]) -> None:
    world.pool(1)
    replica = Replica(world).lead()
    uid = world.pod("p", annotations, ip=IP)
    replica.run(200, step=2)
    [address] = world.at_ip(IP)
    world.ec2.omit_address(address.allocation_id)
    before = world.quiet()
    replica.run(400, step=2)
    assert world.quiet() == before
    assert world.label(uid) == address.public_ip
    assert "EIPLost" not in world.events.reasons(uid)


def test_an_address_that_is_really_gone_is_given_up_after_a_second_look(world: World) -> None:
    world.pool(2)
    replica = Replica(world).lead()
    uid = world.pod("p", fixed(), ip=IP)
    replica.run(200, step=2)
    [address] = world.at_ip(IP)
    world.ec2.give_away(address.allocation_id)
    replica.run(400, step=2)
    assert world.label(uid) not in (None, address.public_ip)
    assert "EIPLost" in world.events.reasons(uid)


@pytest.mark.parametrize("code", ["IncorrectInstanceState", "Gateway.NotAttached"])
def test_a_refusal_that_passes_bars_nothing(world: World, code: str) -> None:
    world.ec2.add_address(tags={"own": "ns/p"})
    world.ec2.fail("AssociateAddress", TargetNotReady("not yet", code=code))
    uid = world.pod("p", fixed_value("own"), ip=IP)
    replica = Replica(world).lead()
    replica.run(5)
    assert world.label(uid)
    assert not [event for _, event in world.events.said if "held" in event.message]


def test_what_was_refused_is_tried_again_where_there_is_nothing_else(world: World) -> None:
    world.ec2.add_address(tags={"own": "ns/p"})
    world.ec2.fail("AssociateAddress", AddressForeign("no", code="AuthFailure"), times=3)
    uid = world.pod("p", fixed_value("own"), ip=IP)
    replica = Replica(world).lead()
    replica.run(40)
    assert world.label(uid)


def test_labels_that_something_takes_off_each_time_are_put_on_less_and_less(world: World) -> None:
    replica = Replica(world).lead()
    uid = world.pod("p", auto(), ip=IP)
    replica.settle()
    for _ in range(600):
        if world.pods.pods[uid].labels:
            world.change(uid, labels={})
        replica.run(1)
    assert len(world.pods.patches) < 20
    assert "EIPLabelContested" in world.events.reasons(uid)
    replica.run(400, step=2)
    assert set(world.pods.pods[uid].labels) == set(LABELS)


def test_a_release_of_what_another_account_has_is_done_after_one_look(world: World) -> None:
    replica = Replica(world).lead()
    uid = world.pod("p", auto(), ip=IP)
    replica.run(100, step=2)
    [address] = world.at_ip(IP)
    world.pods.delete(uid)
    replica.settle()
    world.ec2.give_away(address.allocation_id)
    world.ec2.calls.clear()
    replica.run(400, step=2)
    assert not replica.ledger.pods()
    assert world.ec2.count("ReleaseAddress") <= 3


def test_not_yours_is_not_believed_of_an_address_that_is_there(world: World) -> None:
    replica = Replica(world).lead()
    uid = world.pod("p", auto(), ip=IP)
    replica.run(100, step=2)
    world.ec2.fail("DisassociateAddress", AddressForeign("a service has it", code="AuthFailure"), times=4)
    world.pods.delete(uid)
    replica.run(60)
    assert not world.ec2.addresses()
    assert world.ec2.count("DisassociateAddress") == 5


@pytest.mark.parametrize("error", [Unavailable("webhook", code="InternalError"), AccessDenied("no", code="Forbidden")])
def test_a_label_that_does_not_come_off_does_not_hold_up_the_cut(
    world: World, error: Unavailable | AccessDenied
) -> None:
    replica = Replica(world).lead()
    uid = world.pod("p", auto(), ip=IP)
    replica.settle()
    world.pods.faults.extend([Fault(operation="patch_labels", error=error)] * 50)
    world.change(uid, finished=True)
    replica.run(3)
    assert not world.at_ip(IP)
    world.pods.faults.clear()
    replica.run(60)
    assert not world.pods.pods[uid].labels


def test_an_ip_that_has_another_clusters_claim_is_told(world: World) -> None:
    theirs = world.ec2.add_address(tags={"x": ""})
    world.ec2.associate_by_hand(theirs, at(IP))
    owner = Owner(install=InstallKey.parse("c-2#ns/l"), pod_uid=PodUid("u"), epoch=Epoch(1))
    world.table.addresses[theirs] = AddressRecord(
        allocation_id=theirs, pool="x", owner=owner, target=at(IP), last_holder="ns/other", rev=Rev(1)
    )
    replica = Replica(world).lead()
    uid = world.pod("p", auto(), ip=IP)
    replica.run(65)
    assert world.events.reasons(uid) == ["EIPWaiting"]
    assert "has the address of ns/other" in world.events.said[-1][1].message
    replica.run(600, step=2)
    assert world.events.reasons(uid) == ["EIPWaiting"], "an event is counted for an hour: once is enough until then"


def test_every_reason_to_wait_has_words() -> None:
    for reason in WaitReason:
        assert waiting.words(Wait(reason=reason))
        assert waiting.words(Wait(reason=reason, detail="x")) == "x"


def test_a_claim_whose_pods_side_is_lost_is_remembered_as_its_pod_asks(world: World) -> None:
    world.ec2.add_address(tags={"own": "ns/p"})
    first = Replica(world).lead()
    uid = world.pod("p", fixed_value("own"), ip=IP)
    first.settle()
    first.crash()
    world.table.pods = {key: kept for key, kept in world.table.pods.items() if kept[0].uid != uid}
    before = world.mutations()
    second = Replica(world).lead(lease_epoch=1)
    second.run(100, step=2)
    record = second.ledger.pod(uid)
    assert record is not None
    assert (record.mode, record.pool, record.phase) == (Mode.FIXED_TAG_VALUE, "own", Phase.ASSOCIATED)
    assert [call for call in world.mutations()[len(before) :] if call != "AssociateAddress"] == []
    assert second.parts.claims.at_ip(IP) == [uid]
