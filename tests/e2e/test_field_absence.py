"""An absence is not for ever, a refusal is not for good, and what is done is done: kinds M, P and D of issue 12."""

from functools import partial
from pathlib import Path

import pytest

from sandbox.ec2.faults import Fault
from sandbox.ec2.model import Address
from tests.e2e.conftest import NewWorld
from tests.e2e.field import FAILED, looked, machine, node, put, warnings
from tests.e2e.scene import PREFIX, Scene, auto, fixed, fixed_value, running

UID_TAG = PREFIX + "pod-uid"
NO_ADDRESS = '<DescribeAddressesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><addressesSet/></DescribeAddressesResponse>'
FIELDS = ("publicIp", "associationId", "networkInterfaceId", "privateIpAddress")


def is_kept(scene: Scene, before: Address) -> bool:
    """The address and its association are as they were, and its Pod has got no other."""
    uid, addresses = before.tags.get(UID_TAG), scene.addresses()
    kept = any((a.allocation_id, a.association) == (before.allocation_id, before.association) for a in addresses)
    return kept and len([a for a in addresses if uid and a.tags.get(UID_TAG) == uid]) <= 1


def keeps(scene: Scene, name: str, before: Address, seconds: float) -> None:
    """The Pod's address, its association and its label stay as they are, and nobody says otherwise."""
    scene.stays(lambda: is_kept(scene, before), seconds, f"{name} keeps its address: {scene.said(name)}")
    assert scene.label(name) == before.public_ip
    assert not warnings(scene, name)


def lie_once(scene: Scene, before: Address, field: str) -> None:
    """The next answer that should show the address lacks this field of it, or lacks it."""
    if field:
        scene.world.ec2.garble_address(before.allocation_id, field=field)
    else:
        scene.world.ec2.omit_address(before.allocation_id)


def test_one_answer_that_lacks_a_claimed_address_changes_nothing(scene: Scene) -> None:
    key = f"pool-{scene.namespace}"
    scene.world.ec2.add_address(tags={key: ""})
    asked = {"pool": (fixed(key), ""), "own": (auto(), ""), **{f.lower(): (auto(), f) for f in FIELDS}}
    for name, (annotations, _) in asked.items():
        scene.run(name, annotations)
    before = {name: scene.served(name) for name in asked}
    looked(scene)
    for name, (_, field) in asked.items():
        lie_once(scene, before[name], field)
    scene.eventually(lambda: not scene.world.ec2.lies(), "those answers were given")
    scene.stays(lambda: all(is_kept(scene, a) for a in before.values()), 6, "they keep their addresses")
    for name, address in before.items():
        assert scene.label(name) == address.public_ip
        assert not [said for said in scene.said(name) if "EIPLost" in said]


def test_an_address_that_cannot_be_read_is_kept_and_given_back_later(scene: Scene) -> None:
    scene.run("p", auto())
    before = scene.served("p")
    looked(scene)
    scene.world.ec2.garble_address(before.allocation_id, None)
    keeps(scene, "p", before, 8)
    scene.delete("p")
    scene.eventually(lambda: scene.free(before.allocation_id), "it is cut")
    scene.world.ec2.clear_faults()
    scene.eventually(lambda: scene.address(before.allocation_id) is None, "it is released")


def test_a_new_leaders_first_look_shows_nothing_at_all(new_world: NewWorld) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.run("p", auto())
        before = scene.served("p")
    world.ec2.inject(Fault(kind="malformed", action="DescribeAddresses", body=NO_ADDRESS))
    with running(world):
        scene.eventually(lambda: not world.ec2.faults(), "that answer was given")
        keeps(scene, "p", before, 6)


def test_an_address_that_is_not_shown_after_its_cut_is_released_all_the_same(scene: Scene) -> None:
    scene.run("p", auto())
    before = scene.served("p")
    looked(scene)
    scene.delete("p")
    scene.eventually(lambda: scene.free(before.allocation_id), "it is cut")
    scene.world.ec2.omit_address(before.allocation_id)
    scene.eventually(lambda: scene.address(before.allocation_id) is None, "it is released")
    scene.world.ec2.clear_faults()


def test_an_address_that_is_really_gone_is_replaced_and_told(scene: Scene) -> None:
    scene.run("p", auto())
    before = scene.served("p")
    scene.world.ec2.give_away(before.allocation_id)
    scene.hears("p", "Warning EIPLost", before.public_ip)
    scene.eventually(lambda: (now := scene.at("p")) and scene.label("p") == now.public_ip, "another one")


def done_with(scene: Scene, allocation_id: str) -> int:
    """How many calls were made to give this address back."""
    return len([c for c in scene.calls("ReleaseAddress") if c.params.get("AllocationId") == allocation_id])


def test_what_is_somebody_elses_by_now_is_done_and_counts_no_more(new_world: NewWorld, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("limits: [{name: one, addresses: 1}]")
    world = new_world(policy=str(policy))
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.run("p", auto())
        before = scene.served("p").allocation_id
    scene.delete("p")
    world.ec2.give_away(before)
    scene.mark()
    with running(world):
        scene.run("q", auto())
        scene.served("q")
        tries = len(scene.calls("DisassociateAddress")), done_with(scene, before)
        assert max(tries) <= 3
        looked(scene)
        assert (len(scene.calls("DisassociateAddress")), done_with(scene, before)) == tries


def claims(scene: Scene) -> int:
    """How many Pods of this namespace have a claim or ask for one, as the status page says."""
    status = scene.cluster.replicas[0].status() or {"pods": [{"namespace": scene.namespace}]}
    return len([p for p in status["pods"] if p["namespace"] == scene.namespace])


def test_an_address_that_is_given_away_between_cut_and_release(scene: Scene) -> None:
    scene.run("p", auto())
    before = scene.served("p").allocation_id
    scene.world.ec2.inject(Fault(kind="error", action="ReleaseAddress", code="InternalError", status=500))
    scene.delete("p")
    scene.eventually(lambda: done_with(scene, before), "a release that failed")
    scene.world.ec2.give_away(before)
    scene.eventually(lambda: not claims(scene), "the claim is gone")
    assert done_with(scene, before) <= 4


def is_released(scene: Scene, allocation_id: str) -> bool:
    """Whether the address is not there any more."""
    return scene.address(allocation_id) is None


NOT_OURS = "The address with allocation id [eipalloc-1] does not belong to you."
NO_KEY = "AWS was not able to validate the provided access credentials"


@pytest.mark.parametrize("action", ["DisassociateAddress", "ReleaseAddress"])
def test_a_refusal_that_no_look_agrees_with_is_not_believed(scene: Scene, action: str) -> None:
    for name, message in {"p": NOT_OURS, "q": NO_KEY}.items():
        scene.run(name, auto())
        before = scene.served(name).allocation_id
        refusal = Fault(kind="error", action=action, code="AuthFailure", status=401, message=message, count=2)
        scene.world.ec2.inject(refusal)
        scene.delete(name)
        scene.eventually(partial(is_released, scene, before), f"it is cut and released: {message}")
        assert not scene.world.ec2.faults()


def own_address(scene: Scene, name: str) -> str:
    """The one address that is tagged for this Pod; the tag's key."""
    key = f"own-{scene.namespace}-{name}"
    scene.world.ec2.add_address(tags={key: f"{scene.namespace}/{name}"})
    return key


def test_an_instance_that_still_starts_bars_nothing(scene: Scene) -> None:
    own = machine(scene)
    scene.world.ec2.instance_state(own.instance_id, "pending")
    put(scene, "p", fixed_value(own_address(scene, "p")), on=node(scene, own), ip=own.ips[1])
    scene.hears("p", FAILED, "IncorrectInstanceState")
    scene.world.ec2.instance_state(own.instance_id, "running")
    scene.served("p", 20)
    assert not [said for said in scene.said("p") if "held" in said]


def test_a_vpc_without_an_internet_gateway_bars_nothing(scene: Scene) -> None:
    scene.world.ec2.add_address(tags={f"pool-{scene.namespace}": ""})
    scene.world.ec2.internet_gateway("vpc-1", attached=False)
    asked = {"own": fixed_value(own_address(scene, "own")), "pool": fixed(f"pool-{scene.namespace}"), "auto": auto()}
    for name, annotations in asked.items():
        scene.run(name, annotations)
    for name in asked:
        scene.hears(name, FAILED, "Gateway.NotAttached", "Internet gateway")
    scene.world.ec2.internet_gateway("vpc-1", attached=True)
    for name in asked:
        scene.served(name, 20)
        assert not [said for said in scene.said(name) if "held" in said]


REFUSALS = ("IncorrectInstanceState", "Gateway.NotAttached", "OperationNotPermitted", "NobodyKnowsThisCode")


def test_one_refusal_of_the_only_address_lasts_for_seconds(scene: Scene) -> None:
    for code in REFUSALS:
        name = code.lower().replace(".", "-")
        key = f"own-{scene.namespace}-{name}"
        address = scene.world.ec2.add_address(tags={key: f"{scene.namespace}/{name}"}).allocation_id
        scene.world.ec2.inject(Fault(kind="error", action="AssociateAddress", code=code, status=400, about=address))
        scene.run(name, fixed_value(key))
        scene.served(name, 15)
        scene.hears(name, FAILED, code)
        assert not [said for said in scene.said(name) if "held" in said]


def test_each_address_of_a_pool_is_refused_once(scene: Scene) -> None:
    pool = {scene.world.ec2.add_address(tags={f"pool-{scene.namespace}": ""}).allocation_id for _ in range(2)}
    for address in pool:
        scene.world.ec2.inject(
            Fault(kind="error", action="AssociateAddress", code="Unheard", status=400, about=address)
        )
    scene.run("p", fixed(f"pool-{scene.namespace}"))
    scene.served("p", 20)
    refused = [call for call in scene.calls("AssociateAddress") if call.code == "Unheard"]
    assert {call.params["AllocationId"] for call in refused} == pool
    assert not [said for said in scene.said("p") if "held" in said]
