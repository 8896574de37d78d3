"""What people are told: by values of any length and kind, in words that show the fault, with advice that fits.

Kinds E, F, G, H, I, J and N of issue 12.
"""

import pytest

from sandbox.ec2.faults import Fault
from sandbox.kube.client import STRATEGIC
from sandbox.kube.cluster import Cluster
from sandbox.kube.faults import Fault as KubeFault
from sandbox.world import ClusterSettings
from tests.e2e.conftest import WORLDS, NewWorld
from tests.e2e.denial import denied
from tests.e2e.field import FAILED, looked, machine, node, put, refused, warnings
from tests.e2e.scene import PREFIX, PUBLIC_IP, TYPE, Scene, auto, fixed, fixed_value, running

GATE = "aws-samples.github.com/eip-associated"
WRONG_IP = "203.0.113.9"
POOL = PREFIX + "public-ipv4-pool"


# ── E: success without a brake ──


def takes_off(scene: Scene, name: str) -> bool:
    """Another controller takes the label off, if it is there; whether it was."""
    if scene.label(name) is None:
        return False
    scene.cluster.kube.set_labels(scene.namespace, name, {PUBLIC_IP: None})
    return True


def writes_over(scene: Scene, name: str) -> bool:
    """Another controller writes its own value over the label, or puts it where there is none."""
    if scene.label(name) == WRONG_IP:
        return False
    scene.cluster.kube.set_labels(scene.namespace, name, {PUBLIC_IP: WRONG_IP})
    return True


def denies_readiness(scene: Scene, name: str) -> bool:
    """Another controller says that the Pod is not ready."""
    if scene.cluster.kube.conditions(scene.namespace, name).get(GATE) != "True":
        return False
    path = f"/api/v1/namespaces/{scene.namespace}/pods/{name}/status"
    body = {"status": {"conditions": [{"type": GATE, "status": "False"}]}}
    scene.cluster.kube.client.call("PATCH", path, body, STRATEGIC)
    return True


OPPONENTS = {"off": takes_off, "over": writes_over, "gate": denies_readiness, "asks-nothing": writes_over}


def test_a_repair_that_is_undone_each_time_backs_off_and_is_told(scene: Scene) -> None:
    for name in OPPONENTS:
        scene.run(name, {} if name == "asks-nothing" else auto(), readiness_gates=[GATE] if name == "gate" else [])
    for name in OPPONENTS.keys() - {"asks-nothing"}:
        scene.served(name)
    undone = dict.fromkeys(OPPONENTS, 0)

    def fight() -> bool:
        for name, undo in OPPONENTS.items():
            undone[name] += undo(scene, name)
        return max(undone.values()) <= 14

    scene.stays(fight, 14, f"a repair now and then: {undone}")
    for name in OPPONENTS:
        scene.hears(name, "Warning EIPLabelContested")
    assert min(undone.values()) >= 5


# ── F: an unbounded value in a bounded field ──


def far(scene: Scene) -> Scene:
    """The same in a namespace of 63 characters."""
    return Scene(scene.world, scene.cluster, f"{scene.namespace}-".ljust(63, "n"))


def test_the_longest_names_are_served_and_given_back(scene: Scene) -> None:
    long = far(scene)
    names = ["p" * 252 + last for last in "ab"]  # the tag cannot tell them apart
    uids = [long.run(name, auto()) for name in names]
    addresses = [long.served(name) for name in names]
    assert [a.tags[PREFIX + "pod-uid"] for a in addresses] == uids
    assert all(a.tags[PREFIX + "pod"].startswith(f"{long.namespace}/ppp") for a in addresses)
    for name, address in zip(names, addresses, strict=True):
        long.hears(name, "Normal EIPAssociated", address.public_ip)
    long.delete(names[0])
    long.eventually(lambda: long.address(addresses[0].allocation_id) is None, "its address is released")
    assert long.at(names[1]) == addresses[1]


def test_a_value_that_no_tag_can_have_is_not_asked_for(scene: Scene) -> None:
    long, key = far(scene), f"own-{scene.namespace}"
    fits, never = "p" * 192, "p" * 193
    long.world.ec2.add_address(tags={key: f"{long.namespace}/{fits}"})
    long.run(fits, fixed_value(key))
    long.run(never, fixed_value(key))
    long.served(fits)
    long.hears(never, "Warning EIPWaiting", "256 characters")
    assert not [said for said in long.said(never) if "tag one with exactly that value" in said]


def test_an_annotation_of_any_length_is_told_in_a_few_words(scene: Scene) -> None:
    asked = {"mode": {TYPE: "m" * 100_000}, "key": fixed("k" * 100_000), "pool": auto("p" * 100_000)}
    for name, annotations in asked.items():
        scene.run(name, annotations)
    for name in asked:
        scene.hears(name, "Warning EIPInvalid", " is not ")


# ── G: stricter than the platform ──

KEYS = ("game[eu]#1", "a,b;c(d)&e|f", "no!good", "cafe\u0301 \u0e01\u0e33", "\U0001f3ae" * 128, "<>'\"\\{}", " k ")


@pytest.mark.parametrize("ask", [fixed, fixed_value])
def test_what_ec2_takes_as_a_key_is_a_key(scene: Scene, ask: object) -> None:
    for number, key in enumerate(KEYS):
        name = f"{scene.namespace}-{number}"
        scene.world.ec2.add_address(tags={key: "" if ask is fixed else f"{scene.namespace}/{name}"})
        scene.run(name, fixed(key) if ask is fixed else fixed_value(key))
    for number in range(len(KEYS)):
        scene.served(f"{scene.namespace}-{number}")
        scene.hears(f"{scene.namespace}-{number}", "Warning EIPLabelOmitted")


# ── H: "never" looks like "not yet" ──


def test_an_ipv6_only_pod_is_told(scene: Scene) -> None:
    scene.cluster.kube.pod(scene.namespace, "p", annotations=auto(), ip="2001:db8::7")
    scene.hears("p", "Warning EIPInvalid", "IPv6", "IPv4")


def test_a_dual_stack_pod_is_served_at_its_ipv4(scene: Scene) -> None:
    own = machine(scene)
    kube, scene.ips["p"] = scene.cluster.kube, own.ips[1]
    kube.pod(scene.namespace, "p", annotations=auto(), node=node(scene, own))
    both = ("2001:db8::8", own.ips[1])
    kube.set_status(scene.namespace, "p", {"phase": "Running", "podIP": both[0], "podIPs": [{"ip": i} for i in both]})
    scene.served("p")
    assert not warnings(scene, "p")


def test_a_node_that_is_no_instance_never_has_an_elastic_ip(scene: Scene) -> None:
    providers = ("eks-hybrid:///us-west-2/a/mi-0123456789abcdef0", "gce://p/z/vm", "aws:///z/fargate-1")
    for number, provider in enumerate(providers):
        name = f"{scene.namespace}-{number}"
        scene.cluster.kube.node(name, provider_id=provider)
        put(scene, name, auto(), on=name, ip=f"10.85.0.{number + 4}")
    for number in range(len(providers)):
        scene.hears(f"{scene.namespace}-{number}", FAILED, f"10.85.0.{number + 4}", "hybrid node")


def test_an_ip_of_another_vpc_is_told(scene: Scene) -> None:
    own = machine(scene, vpc_id="vpc-2")
    put(scene, "p", auto(), on=node(scene, own), ip=own.ips[1])
    scene.hears("p", FAILED, own.ips[1], "--vpc-id")
    assert scene.at("p") is None


# ── I: a message that hides the fault ──

UNSEEN = {
    "block": ({TYPE: "auto\n"}, "Warning EIPInvalid", r"'auto\n'"),
    "carriage": ({TYPE: "auto\r"}, "Warning EIPInvalid", r"'auto\r'"),
    "blank": ({TYPE: "\u00a0auto"}, "Warning EIPInvalid", r"'\u00a0auto'"),
    "nothing": ({TYPE: "au\u200bto"}, "Warning EIPInvalid", r"'au\u200bto'"),
    "mark": ({TYPE: "\ufeffauto"}, "Warning EIPInvalid", r"'\ufeffauto'"),
    "turned": ({TYPE: "\u202eotua"}, "Warning EIPInvalid", r"'\u202eotua'"),
    "pool": (auto("amazon\n"), "Warning EIPInvalid", r"'amazon\n'"),
    "key": (fixed("game\n"), "Warning EIPInvalid", r"'game\n'"),
    "free-key": (fixed("game\u200b"), "Warning EIPWaiting", r"'game\u200b'"),
    "value-key": (fixed_value("game\u2060"), "Warning EIPWaiting", r"'game\u2060'"),
}


def test_what_cannot_be_seen_is_shown(scene: Scene) -> None:
    for name, (annotations, _, _) in UNSEEN.items():
        scene.run(name, annotations)
    for name, (_, reason, shown) in UNSEEN.items():
        scene.hears(name, reason, shown)


# ── J: advice by class, not by cause ──

WHO = "You are not authorized to perform this operation. User: arn:aws:sts::1:assumed-role/r/s is not authorized to "
WHAT = WHO + "perform: ec2:AllocateAddress on resource: arn:aws:ec2:us-west-2:1:elastic-ip/*"
CAUSES = {
    "unproven": ("You are not authorized to perform this operation.", "not authorized", "policy"),
    "scp": (WHAT + " with an explicit deny in a service control policy.", "service control polic", "Add ec2:"),
    "deny": (WHAT + " with an explicit deny in an identity-based policy.", "explicit", "Add ec2:"),
    "boundary": (WHAT + " because no permissions boundary allows the ec2:AllocateAddress action", "boundary", "IAM"),
    "missing": (
        WHAT + " because no identity-based policy allows the ec2:AllocateAddress action",
        "Add ec2:AllocateAddress to the IAM policy",
        "service control",
    ),
}


def test_advice_is_given_where_the_text_proves_the_cause(scene: Scene) -> None:
    for name, (message, said, unsaid) in CAUSES.items():
        code = "UnauthorizedOperation"
        refusal = Fault(
            kind="error", action="AllocateAddress", count=None, code=code, status=403, message=message
        )  # for all: a Pod of an earlier test that asks now and then would use up a single one
        scene.world.ec2.inject(refusal)
        scene.run(name, auto())
        scene.hears(name, FAILED, code, said)
        assert not [words for words in warnings(scene, name) if unsaid in words]
        scene.world.ec2.clear_faults()
        scene.served(name)


@pytest.mark.parametrize("shared_world", WORLDS[:1], indirect=True)
def test_a_webhook_that_forbids_the_label_is_no_missing_permission(scene: Scene) -> None:
    scene.cluster.kube.inject(
        KubeFault(
            kind="status", code=403, verb="patch", resource="pods", subresource="status", namespace=scene.namespace
        )
    )
    scene.run("p", auto())
    scene.hears("p", FAILED, "Forbidden")
    assert not [said for said in warnings(scene, "p") if "Role" in said or "IAM" in said]
    scene.cluster.kube.clear_faults()
    scene.served("p")


@pytest.mark.parametrize("shared_world", WORLDS[1:], indirect=True)
def test_an_admission_policy_that_forbids_the_label_is_no_missing_permission(scene: Scene) -> None:
    kube: Cluster = scene.cluster.kube
    with denied(scene, PUBLIC_IP, why="labels here are the platform team's"):
        scene.run("p", auto())
        scene.hears("p", FAILED, "Forbidden", "labels here are the platform team's")
        assert not [said for said in warnings(scene, "p") if "ClusterRole" in said or "IAM" in said]
        assert PUBLIC_IP not in kube.labels(scene.namespace, "p")
    scene.served("p")


# ── N: silent waiting ──


def reasons_in_status(scene: Scene, replica: int, name: str) -> str:
    """Why the Pods of this name wait, as the status page of this replica says."""
    status = scene.cluster.replicas[replica].status() or {"pods": []}
    wanted = (scene.namespace, name)
    return "\n".join(str(p["error"]) for p in status["pods"] if (p["namespace"], p["name"]) == wanted)


@pytest.mark.parametrize("new_world", WORLDS[:1], indirect=True)  # the chart grants one Lease to one install
def test_a_pod_at_an_ip_that_another_install_has_a_claim_for(new_world: NewWorld) -> None:
    world = new_world(ClusterSettings(name="a", replicas=2))
    one, two = (Scene(world, world.clusters["a"], name) for name in ("one", "two"))
    for replica, scene in zip(one.cluster.replicas, (one, two), strict=True):
        replica.change({"lease-name": scene.namespace, "watch-namespace": scene.namespace})
    with running(world):
        one.eventually(lambda: all(r.leads() for r in one.cluster.replicas), "both lead")
        own = machine(one)
        home = node(one, own)
        put(one, "p", auto(), on=home, ip=own.ips[1])
        one.served("p")
        looked(one, 3)
        put(two, "q", auto(), on=home, ip=own.ips[1])
        two.hears("q", "Warning", own.ips[1], "one/p")
        assert "one/p" in reasons_in_status(two, 1, "q")


def test_who_waits_for_a_predecessor_whose_cut_is_refused(scene: Scene) -> None:
    held = scene.world.ec2.add_address(tags={f"pool-{scene.namespace}": ""})
    scene.run("web-0", fixed(f"pool-{scene.namespace}"))
    scene.run("p", auto(), node=0)
    scene.served("web-0")
    scene.served("p")
    with refused(scene, "DisassociateAddress"):
        for name in ("web-0", "p"):
            scene.delete(name)
        scene.run("web-0", fixed(f"pool-{scene.namespace}"))
        put(scene, "q", auto(), on=scene.cluster.nodes[0].name, ip=scene.ips["p"])
        scene.hears("web-0", "Warning EIPWaiting", held.public_ip)
        scene.hears("q", "Warning EIPWaiting", scene.ips["p"], f"{scene.namespace}/p")
        assert held.public_ip in reasons_in_status(scene, 0, "web-0")
        assert f"{scene.namespace}/p" in reasons_in_status(scene, 0, "q")
