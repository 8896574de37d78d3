"""Every call to EC2 is allowed: made by the product's own code, and read off the log of the EC2 that answered it."""

import itertools
from collections.abc import Iterator

import pytest

from controller.aws.client import MUTATIONS, READS
from controller.core import contract, iam
from controller.core.allocation import allocation_tags
from controller.core.situation import Facts
from controller.core.views import AllocationRequest, PodView
from state.model import AllocationId, ClusterUid, InstallKey, Mode, PodUid, Target
from tests.contract.adapters.ec2_worlds import SandboxWorld, sandbox_world
from tests.iam.questions import NAME, POOL, UID, denied, of_log

FACTS = Facts(install=InstallKey.within(ClusterUid(UID), "ns/l"), cluster_name=NAME, home_border_group="us-west-2")
BIRTH = allocation_tags(FACTS, PodView(uid=PodUid("pod-uid"), namespace="game", name="p"), Mode.AUTO)
ADOPTED = {contract.TAG_TYPE: str(Mode.AUTO), contract.TAG_CLUSTER_NAME: NAME, contract.TAG_POD: "game/old"}
_HOSTS = itertools.cycle(range(1, 255))
WHOLE = ("install", "install-no-take-over")
ANY = (*WHOLE, "fixed-pools", "fixed-pools-no-take-over")


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxWorld]:
    """The adapter, over HTTP to an EC2 that keeps a log."""
    with sandbox_world(monkeypatch) as world:
        yield world


def serve(world: SandboxWorld, allocation_id: AllocationId) -> None:
    """Give an address to an IP of its own, and take it away."""
    private_ip = f"10.0.0.{next(_HOSTS)}"
    target = Target(interface_id=world.interface(private_ip), private_ip=private_ip)
    world.ec2.disassociate(world.ec2.associate(allocation_id, target))


@pytest.mark.parametrize("partition", iam.PARTITIONS)
def test_every_call_of_a_whole_install_is_allowed(ec2: SandboxWorld, partition: str) -> None:
    ec2.settings(pools=["ipv4pool-ec2-1"])
    for pool in ("amazon", "ipv4pool-ec2-1"):
        born = ec2.ec2.allocate(AllocationRequest(public_ipv4_pool=pool, tags={**BIRTH, "CostCenter": "42"}))
        serve(ec2, born.allocation_id)
        ec2.ec2.release(born.allocation_id, "us-west-2")
    adopted = ec2.address(ADOPTED)
    serve(ec2, adopted)
    ec2.ec2.release(adopted, "us-west-2")
    for value in ("", "game/p", "prod:game/p"):
        serve(ec2, ec2.address({POOL: value}))
    ec2.ec2.describe_addresses()
    ec2.ec2.address_quota()
    ec2.ec2.describe_interfaces_by_ip(["10.0.0.1"])
    questions = of_log(ec2.control, partition)
    assert questions.keys() == MUTATIONS | READS
    assert [len(questions[name]) for name in ("AllocateAddress", "AssociateAddress", "ReleaseAddress")] == [5, 12, 3]
    for name in WHOLE:
        assert [denied(name, checks, partition) for checks in questions.values()] == [[]] * len(questions)


@pytest.mark.parametrize("name", ANY)
def test_every_call_for_a_pool_is_allowed_to_all(ec2: SandboxWorld, name: str) -> None:
    serve(ec2, ec2.address({POOL: "", contract.TAG_TYPE: str(Mode.FIXED_TAG)}))
    ec2.ec2.describe_addresses()
    ec2.ec2.describe_interfaces_by_instance(["i-1"])
    questions = of_log(ec2.control)
    assert questions.keys() == {"AssociateAddress", "DisassociateAddress", *READS} - {"DescribeAccountAttributes"}
    assert [denied(name, checks) for checks in questions.values()] == [[]] * len(questions)


def test_doctors_looks_at_ec2_are_allowed_to_readers(ec2: SandboxWorld) -> None:
    ec2.ec2.describe_addresses()
    ec2.ec2.address_quota()
    questions = of_log(ec2.control)
    assert questions.keys() == {"DescribeAccountAttributes", "DescribeAddresses"}
    assert [denied("read-only", checks) for checks in questions.values()] == [[], []]


def test_who_allocates_nothing_may_not_read_the_quota(ec2: SandboxWorld) -> None:
    ec2.ec2.address_quota()
    ((_, checks),) = of_log(ec2.control).items()
    assert denied("fixed-pools", checks) == denied("fixed-pools-no-take-over", checks) == checks
