"""IAM's simulator over HTTP: what botocore sends, and what is read from the answers; for the policies in deploy/iam."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from controller.aws.simulator import RoleSimulator
from controller.core.allocation import rehearsal_tags
from controller.core.simulation import Decision, denials
from sandbox.ec2.faults import Fault
from sandbox.ec2.server import Ec2Server
from sandbox.ec2.settings import Ec2Settings
from sandbox.iam.role import Role
from state.credentials import CredentialKeeper
from state.errors import AccessDenied, PodEipError, Refused, Unavailable
from tests.chart.files import CHART
from tests.contract.adapters.ec2_worlds import REGION
from tests.e2e.scene import denied
from tests.fakes.kube_http import Reply, scripted
from tests.iam.questions import ACCOUNT, NAME, UID, policy

GO_ACTIONS = (
    *("AllocateAddress", "AssociateAddress", "CreateTags", "ReleaseAddress", "DisassociateAddress", "DeleteTags"),
    *("DescribeAddresses", "DescribeNetworkInterfaces"),
)
TAGS = rehearsal_tags({"CostCenter": "42"}, NAME, UID)
SHORTEST = json.loads(re.findall(r"```json\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)[0])
"""The one that the chart's page shows."""
OF_GO = {
    "Statement": [{"Effect": "Allow", "Action": [f"ec2:{name}" for name in GO_ACTIONS], "Resource": "*"}],
}
"""That of the Go controller's page: an operator who moves may have it still."""
ALL = ["ec2:AssociateAddress", "ec2:DisassociateAddress", "ec2:ReleaseAddress"]


@contextmanager
def simulator(url: str, monkeypatch: pytest.MonkeyPatch, role_arn: str = "") -> Iterator[RoleSimulator]:
    """One that asks there."""
    for name in ("AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_STS"):
        monkeypatch.setenv(name, url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_ROLE_ARN", role_arn)
    keeper = CredentialKeeper()
    yield RoleSimulator(region=REGION, call_timeout_s=5.0, keeper=keeper)
    keeper.stop()


def of(monkeypatch: pytest.MonkeyPatch, *faults: Fault, role_arn: str = "", **role: Any) -> list[Decision]:
    """What the simulator says of this role."""
    settings = Ec2Settings(region=REGION, role=Role(account=ACCOUNT, **role))
    with Ec2Server(settings) as server, simulator(server.url, monkeypatch, role_arn) as asked:
        for fault in faults:
            server.control.inject(fault)
        arn, decisions = asked.decide(TAGS)
        assert arn == f"arn:aws:iam::{ACCOUNT}:role/{role.get('name', 'eip')}"
        return decisions


def certain(decisions: list[Decision]) -> list[str]:
    """The actions that are certainly denied."""
    return [decision.action for decision in denials(decisions)]


def without(document: Mapping[str, Any], sid: str) -> Mapping[str, Any]:
    """The policy without a statement, which an operator forgot or removed."""
    assert any(statement["Sid"] == sid for statement in document["Statement"])
    return {**document, "Statement": [s for s in document["Statement"] if s["Sid"] != sid]}


def with_deny(action: str) -> Mapping[str, Any]:
    """The policy of an install, and a statement that denies."""
    document = policy("install")
    return {**document, "Statement": [*document["Statement"], {"Effect": "Deny", "Action": action, "Resource": "*"}]}


@pytest.mark.parametrize("document", [policy("install"), policy("install-no-take-over"), SHORTEST, OF_GO])
def test_a_role_with_the_policy_of_an_install_may_do_all(
    document: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions = of(monkeypatch, policy=document)
    assert [(d.action, d.allowed) for d in decisions] == [(action, True) for action in ALL]


@pytest.mark.parametrize(
    ("document", "lacking"),
    [
        (without(policy("install"), "MoveOwn"), ALL[:2]),
        (without(policy("install"), "ReleaseOwn"), ALL[2:]),
        (with_deny("ec2:ReleaseAddress"), ALL[2:]),
    ],
)
def test_what_a_policy_lacks_is_certain(
    document: Mapping[str, Any], lacking: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert certain(of(monkeypatch, policy=document)) == lacking


@pytest.mark.parametrize(
    "document", [policy("install", CLUSTER_UID="another"), policy("fixed-pools"), with_deny("ec2:*"), {"Statement": []}]
)
def test_where_it_denies_an_allocation_too_its_denials_prove_nothing(
    document: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """EC2 itself tells whether an allocation is allowed: these are red by that."""
    with pytest.raises(Unavailable) as raised:
        of(monkeypatch, policy=document)
    assert raised.value.code == "ControlDenied"


@pytest.mark.parametrize("action", ALL)
def test_each_right_is_missed_alone(action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert certain(of(monkeypatch, denied(action.removeprefix("ec2:")), policy=policy("install"))) == [action]


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_condition_on_what_nobody_knows_here_leaves_all_open(effect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a key is missing, StringNotEquals holds and StringEquals does not: both would be a wrong denial."""
    operator = "StringEquals" if effect == "Allow" else "StringNotEquals"
    condition = {operator: {"aws:SourceVpc": "vpc-1"}}
    statements = [
        {"Effect": effect, "Action": "ec2:*", "Resource": "*", "Condition": condition},
        *(policy("install")["Statement"] if effect == "Deny" else ()),
    ]
    decisions = of(monkeypatch, policy={"Statement": statements})
    assert [decision.doubts for decision in decisions] == [["aws:SourceVpc"]] * 3
    assert certain(decisions) == []


@pytest.mark.parametrize("other", ["organization_allows", "boundary_allows"])
def test_what_another_than_the_role_denies_is_not_certain(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    role: dict[str, Any] = {other: False}
    decisions = of(monkeypatch, policy=policy("install"), **role)
    assert not any(decision.allowed for decision in decisions)
    assert certain(decisions) == []


def test_a_role_with_a_path_is_found_where_its_arn_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/team/eip"
    assert all(decision.allowed for decision in of(monkeypatch, role_arn=arn, name="team/eip"))
    with pytest.raises(Refused) as raised:
        of(monkeypatch, name="team/eip")
    assert raised.value.code == "NoSuchEntity"


@pytest.mark.parametrize("operation", ["GetCallerIdentity", "SimulatePrincipalPolicy"])
def test_who_may_not_ask_gets_awss_code(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Fault(kind="error", action=operation, code="AccessDenied", status=403, message="no", count=None)
    with pytest.raises(AccessDenied):
        of(monkeypatch, fault)


def test_an_account_of_moto_has_a_caller_and_no_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """STS's answer as somebody else simulates it; what no stand-in knows is an error, and denies nothing."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        with simulator(f"http://{host}:{port}", monkeypatch) as asked, pytest.raises(PodEipError):
            asked.decide(TAGS)
    finally:
        moto.stop()


@pytest.mark.parametrize(
    "page",
    [
        b"<html><body>sign in</body></html>",
        b"<GetCallerIdentityResponse/>",
        b"not XML",
        b"",
    ],
)
def test_a_page_of_somebody_else_is_unavailable(page: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        scripted(lambda _: Reply(status=200, body=page)) as server,
        simulator(server.url, monkeypatch) as asked,
        pytest.raises(PodEipError) as raised,
    ):
        asked.decide(TAGS)
    assert isinstance(raised.value, Unavailable | Refused)


def test_the_words_are_those_of_iams_own_model() -> None:
    """As botocore has it from AWS, where our constants and our simulator could agree on a wrong word."""
    model: Any = botocore.session.get_session().get_service_model("iam")
    assert set(model.shape_for("PolicyEvaluationDecisionType").enum) == {"allowed", "explicitDeny", "implicitDeny"}
    assert "string" in model.shape_for("ContextKeyTypeEnum").enum


def test_nobody_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator("http://127.0.0.1:1", monkeypatch) as asked, pytest.raises(Unavailable):
        asked.decide(TAGS)
