"""An IP is not an identity: what people with moved interfaces, remade Nodes and lost sandboxes ran into.

Kinds A, K and L of issue 12. An address that follows an IP to another machine makes a stranger public.
"""

from collections.abc import Callable
from functools import partial

import pytest

from sandbox.ec2.model import Address
from tests.e2e import go_controller
from tests.e2e.conftest import NewWorld
from tests.e2e.field import FAILED, Machine, branch, is_left_alone, machine, node, put, warnings
from tests.e2e.scene import PREFIX, Scene, auto, fixed, running


@pytest.mark.parametrize("attached", [True, False], ids=["another-instance", "nothing"])
def test_an_ip_on_a_strangers_interface_is_left_alone(scene: Scene, attached: bool) -> None:
    own, stranger = machine(scene), machine(scene, attached=attached)
    where = stranger.instance_id if attached else "no instance"
    home = node(scene, own)
    put(scene, "p", auto(), on=home, ip=stranger.ips[1])
    is_left_alone(scene, "p", stranger.interface_id, where, own.instance_id, home)


def replaced(scene: Scene, own: Machine, *, attached: bool) -> str:
    """The interface goes, and its IP comes up on another machine's, or on one that is attached to nothing."""
    scene.world.ec2.remove_interface(own.interface_id)
    return machine(scene, attached=attached, ips=(own.ips[1],)).interface_id


def given(scene: Scene, own: Machine) -> str:
    """The interface goes to another instance, with all that stands on it."""
    other = machine(scene).instance_id
    scene.world.ec2.attach(own.interface_id, other)
    return other


def moved(scene: Scene, own: Machine, *, with_address: bool) -> str:
    """The IP goes to another machine's interface."""
    other = machine(scene)
    scene.world.ec2.move_ip(own.ips[1], other.interface_id, with_address=with_address)
    return other.instance_id


THEFTS: dict[str, Callable[[Scene, Machine], str]] = {
    "replaced": partial(replaced, attached=True),
    "replaced-by-a-loose-one": partial(replaced, attached=False),
    "given": given,
    "moved": partial(moved, with_address=False),
    "moved-with-address": partial(moved, with_address=True),
}


def serve_all(scene: Scene) -> dict[str, Machine]:
    """A served Pod on a machine of its own for each theft."""
    machines = {name: machine(scene) for name in THEFTS}
    for name, own in machines.items():
        put(scene, name, auto(), on=node(scene, own, f"of-{name}"), ip=own.ips[1])
    for name in THEFTS:
        scene.served(name)
    return machines


def is_bare(scene: Scene, name: str) -> bool:
    """Whether nothing is associated with the Pod's IP."""
    return scene.at(name) is None


def all_lose(scene: Scene, thieves: dict[str, str]) -> None:
    """None keeps an address at its IP, and none gets one there again, at a resync neither."""
    for name, thief in thieves.items():
        scene.eventually(partial(is_bare, scene, name), f"nothing is associated with {name}")
        is_left_alone(scene, name, thief, seconds=0.1)
    scene.stays(lambda: not any(scene.at(name) for name in thieves), 6, "nothing is restored")


def test_a_served_ip_that_goes_to_a_strangers_machine(scene: Scene) -> None:
    machines = serve_all(scene)
    all_lose(scene, {name: steal(scene, machines[name]) for name, steal in THEFTS.items()})


def test_a_served_ip_that_goes_to_a_strangers_machine_while_no_replica_runs(new_world: NewWorld) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "ns")
    own = machine(scene)
    home = node(scene, own)
    with running(world):
        gets_its_ip_late(scene, "older", auto(), on=home)
        put(scene, "younger", auto(), on=home, ip=own.ips[1])
        scene.served("younger")
        machines = serve_all(scene)
    thieves = {name: steal(scene, machines[name]) for name, steal in THEFTS.items()}
    gets(scene, "older", own.ips[1])
    with running(world):
        scene.served("older")
        scene.hears("younger", "Warning EIPLost", own.ips[1], "ns/older")
        all_lose(scene, thieves)


def test_an_ip_that_moves_to_another_interface_of_its_own_node_keeps_its_address(scene: Scene) -> None:
    own = machine(scene)
    second = machine(scene, attached=False)
    scene.world.ec2.attach(second.interface_id, own.instance_id)
    put(scene, "p", auto(), on=node(scene, own), ip=own.ips[1])
    address = scene.served("p")
    scene.world.ec2.move_ip(own.ips[1], second.interface_id)
    scene.eventually(lambda: is_at(scene, address, second.interface_id), "it follows")
    assert scene.served("p").public_ip == address.public_ip


def is_at(scene: Scene, address: Address, interface_id: str) -> bool:
    """Whether EC2 has the address on this interface."""
    found = scene.address(address.allocation_id)
    return bool(found and found.association and found.association.interface_id == interface_id)


@pytest.mark.parametrize("exists", [True, False], ids=["without-provider-id", "without-node"])
def test_a_node_that_names_no_instance_owns_nothing_yet(scene: Scene, exists: bool) -> None:
    own = machine(scene)
    name = node(scene, None) if exists else f"{scene.namespace}-node"
    put(scene, "p", auto(), on=name, ip=own.ips[1])
    is_left_alone(scene, "p", name, "spec.providerID")
    if exists:
        scene.cluster.kube.delete_node(name)
    node(scene, own)
    scene.served("p")


def test_a_host_network_pod_whose_node_ip_is_another_instances(scene: Scene) -> None:
    own, stranger = machine(scene), machine(scene)
    put(scene, "p", auto(), on=node(scene, own), ip=stranger.ips[0], host_network=True)
    is_left_alone(scene, "p", stranger.interface_id, stranger.instance_id, own.instance_id)
    put(scene, "q", auto(), on=node(scene, own, "two"), ip=own.ips[0], host_network=True)
    scene.served("q")


def test_a_branch_interface_is_its_pods_only_if_the_pod_names_it(scene: Scene) -> None:
    own, trunk = machine(scene), machine(scene, attached=False, interface_type="branch")
    home, ip = node(scene, own), trunk.ips[0]
    put(scene, "p", auto(), on=home, ip=ip)
    is_left_alone(scene, "p", trunk.interface_id, "no instance")
    other = branch(own.interface_id, ip=ip)
    scene.cluster.kube.annotate(scene.namespace, "p", other)
    scene.stays(lambda: scene.at("p") is None, 1.5, "the annotation names another interface")
    scene.cluster.kube.annotate(scene.namespace, "p", branch(trunk.interface_id, ip=ip))
    scene.served("p")


@pytest.mark.parametrize("written", ["an-attached-one", "no-json"])
def test_an_annotation_gives_nobody_a_strangers_interface(scene: Scene, written: str) -> None:
    own, stranger = machine(scene), machine(scene)
    ip = stranger.ips[1]
    named = branch(stranger.interface_id, ip=ip)
    if written == "no-json":
        named = {key: value[:-2] for key, value in named.items()}
    put(scene, "p", {**auto(), **named}, on=node(scene, own), ip=ip)
    is_left_alone(scene, "p", stranger.interface_id, stranger.instance_id)


def test_an_ip_in_a_strangers_delegated_prefix(scene: Scene) -> None:
    own = machine(scene)
    base = own.ips[0].rpartition(".")[0]
    stranger = machine(scene, ips=(f"{base}.200",), prefixes=[f"{base}.64/28"])
    put(scene, "q", auto(), on=node(scene, stranger, "stranger"), ip=f"{base}.65")
    scene.served("q")
    put(scene, "p", auto(), on=node(scene, own), ip=f"{base}.66")
    is_left_alone(scene, "p")


def test_what_the_go_controller_left_on_a_strangers_machine_is_not_adopted(scene: Scene) -> None:
    own, stranger = machine(scene), machine(scene)
    put(scene, "p", {}, on=node(scene, own), ip=stranger.ips[1])
    scene.cluster.kube.annotate(scene.namespace, "p", {PREFIX + "public-ipv4-pool": "", PREFIX + "type": "auto"})
    go_controller.serve(scene, "p", {}, interface=stranger.interface_id)
    scene.hears("p", FAILED, stranger.interface_id, stranger.instance_id)
    scene.eventually(lambda: scene.label("p") is None, "no label says that it is associated")


def test_what_shows_late_is_no_fault(new_world: NewWorld) -> None:
    world = new_world(consistency_time="8")
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        shows_late(scene)
        leaves_for_a_moment(scene)
        comes_back_under_its_name(scene)
        put(scene, "never", auto(), on=scene.cluster.nodes[0].name, ip="172.20.1.1")
        scene.stays(lambda: not warnings(scene, "never"), 6, "no accusation before the consistency time")
        scene.hears("never", FAILED, "172.20.1.1")
        assert not [said for name in ("late", "away", "anew") for said in warnings(scene, name)]


def shows_late(scene: Scene) -> None:
    """The interface shows seconds after the Pod's IP."""
    own = machine(scene)
    scene.world.ec2.interface_lag(5)
    late = machine(scene, instance_id=own.instance_id)
    put(scene, "late", auto(), on=node(scene, own, "late"), ip=late.ips[1])
    scene.served("late", 12)
    scene.world.ec2.interface_lag(0)


def leaves_for_a_moment(scene: Scene) -> None:
    """The IP leaves its interface, and comes back."""
    own = machine(scene)
    put(scene, "away", auto(), on=node(scene, own, "away"), ip=own.ips[1])
    before = scene.served("away")
    scene.world.ec2.unassign_ips(own.interface_id, own.ips[1])
    scene.eventually(lambda: scene.label("away") is None, "it says no longer that it is associated")
    scene.world.ec2.assign_ips(own.interface_id, own.ips[1])
    assert scene.served("away").allocation_id == before.allocation_id


def comes_back_under_its_name(scene: Scene) -> None:
    """The Node is made anew under its name for another instance, whose Pod is served as any other."""
    first, second = machine(scene), machine(scene)
    home = node(scene, first, "anew")
    put(scene, "before", auto(), on=home, ip=first.ips[1])
    scene.served("before")
    scene.world.ec2.kill_instance(first.instance_id)
    scene.cluster.kube.delete_node(home)
    node(scene, second, "anew")
    put(scene, "anew", auto(), on=home, ip=second.ips[1])
    scene.served("anew", 12)


def test_a_node_that_is_made_anew_after_its_pod(scene: Scene) -> None:
    first, second = machine(scene), machine(scene)
    home = node(scene, first)
    put(scene, "p", auto(), on=home, ip=second.ips[1])
    is_left_alone(scene, "p", second.interface_id, first.instance_id)
    scene.cluster.kube.delete_node(home)
    node(scene, second)
    scene.served("p", 30)


def gets_its_ip_late(scene: Scene, name: str, annotations: dict[str, str], *, on: str) -> str:
    """A Pod that was made and has no IP yet; its UID."""
    return scene.cluster.kube.pod(scene.namespace, name, annotations=annotations, node=on)


def gets(scene: Scene, name: str, ip: str) -> None:
    """The Pod gets this IP now."""
    scene.cluster.kube.set_ip(scene.namespace, name, ip)
    scene.ips[name] = ip


def test_who_was_given_the_ip_last_has_it(scene: Scene) -> None:
    own = machine(scene)
    home, ip = node(scene, own), own.ips[1]
    gets_its_ip_late(scene, "older", auto(), on=home)
    put(scene, "younger", auto(), on=home, ip=ip)
    scene.served("younger")
    gets(scene, "older", ip)
    scene.served("older")
    scene.eventually(lambda: scene.label("younger") is None, "the younger one has no label")
    scene.hears("younger", "Warning EIPLost", ip, f"{scene.namespace}/older")
    scene.hears("older", "Normal EIPAssociated")


def test_a_stranger_who_asks_for_nothing_gets_no_address_with_the_ip(scene: Scene) -> None:
    own, key = machine(scene), f"pool-{scene.namespace}"
    pool = scene.world.ec2.add_address(tags={key: ""}).allocation_id
    home, ip = node(scene, own), own.ips[1]
    gets_its_ip_late(scene, "stranger", {}, on=home)
    put(scene, "p", fixed(key), on=home, ip=ip)
    scene.served("p")
    scene.cluster.kube.set_ip(scene.namespace, "stranger", ip)
    scene.eventually(lambda: scene.free(pool), "the address is off the stranger's IP")
    scene.hears("p", "Warning EIPLost", ip, f"{scene.namespace}/stranger")
    gets(scene, "p", own.ips[2])
    assert scene.served("p").allocation_id == pool
