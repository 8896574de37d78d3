"""What `doctor` says of each right, one by one, in a world of real processes: tried, or simulated."""

import re

import pytest

from controller.core.diagnosis.rights import NEEDED
from sandbox.ec2.faults import Fault
from sandbox.world import ClusterSettings, World
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import denied
from tests.e2e.test_doctor_findings import DENIED, examined, of
from tests.fakes.dynamodb_proxy import Proxy, refusal
from tests.real.world import make_table

pytestmark = pytest.mark.parametrize("new_world", ["sandbox"], indirect=True)

MOVES = ("Associate", "Disassociate", "Release")


@pytest.fixture
def world(new_world: NewWorld) -> World:
    """One whose table is there."""
    made = new_world(ClusterSettings(name="a", nodes=2, replicas=1))
    make_table(made.settings.table, made.dynamodb_url)
    return made


def test_each_action_of_the_policies_is_a_line(world: World) -> None:
    found = examined(world, "--keep-quota", "1")
    texts = [finding["text"] for finding in found["findings"] if finding["check"] == "rights"]
    told = [match[0] for text in texts if (match := re.search(r"\b(ec2|dynamodb):[A-Z]\w+", text))]
    assert sorted(told) == sorted(NEEDED)


@pytest.mark.parametrize(
    ("action", "right", "grade", "said"),
    [
        ("AllocateAddress", "ec2:AllocateAddress", "warning", "ec2:AllocateAddress is denied: mode auto cannot work"),
        ("AllocateAddress", "ec2:CreateTags", "warning", "ec2:CreateTags is denied: mode auto cannot work"),
        ("AssociateAddress", "ec2:AssociateAddress", "broken", "ec2:AssociateAddress is denied"),
    ],
)
def test_a_denied_right_on_ec2_is_named(world: World, action: str, right: str, grade: str, said: str) -> None:
    cluster = world.clusters["a"]
    world.ec2.add_address(tags={"team-pool": ""})
    wanted = {"aws-samples.github.com/aws-pod-eip-controller-type": "fixed-tag"}
    wanted |= {"aws-samples.github.com/aws-pod-eip-controller-fixed-tag": "team-pool"}
    cluster.run_pod("ns", "p", wanted)
    assert "ec2:AssociateAddress is allowed" in of(examined(world), "rights", "fine")
    message = DENIED.format(right)
    world.ec2.inject(
        Fault(kind="error", action=action, code="UnauthorizedOperation", status=403, message=message, count=None)
    )
    [found] = of(examined(world), "rights", grade)
    assert found.startswith(said)


def test_rights_that_nothing_is_there_to_try_on_are_simulated(world: World) -> None:
    simulated = [text for text in of(examined(world), "rights", "fine") if text.endswith("says IAM's simulator")]
    assert [text.split()[0] for text in simulated] == [f"ec2:{name}Address" for name in MOVES]
    world.ec2.inject(denied("DisassociateAddress"))
    [broken] = of(examined(world, "--require-allocation=true"), "rights", "broken")
    assert broken.startswith("ec2:DisassociateAddress is denied: mode auto cannot work, the others can (arn:aws:iam::")


@pytest.mark.parametrize("operation", ["TransactWriteItems", "Query", "BatchGetItem"])
def test_a_denied_right_on_the_table_is_named(world: World, operation: str) -> None:
    with Proxy(world.dynamodb_url) as proxy:
        fault = refusal("AccessDeniedException", DENIED.format("dynamodb:PutItem"))
        for _ in range(9):
            proxy.fault(fault, operation=operation)
        found = examined(world, "--cluster-name=", env={"AWS_ENDPOINT_URL_DYNAMODB": proxy.url})
    denied = of(found, "rights", "broken")
    assert len(denied) == (3 if operation == "TransactWriteItems" else 1)
    assert all(text.startswith("dynamodb:") and " is denied" in text for text in denied)
    assert found["exit_code"] == 2
