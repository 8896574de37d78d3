"""What IAM's simulator is asked, and which of its denials are certain."""

import pytest

from controller.core.allocation import rehearsal_tags
from controller.core.simulation import Decision, caller_of, denials, question

ASSUMED = "arn:aws:sts::111122223333:assumed-role/eip/eks-game-1"
TAG = "aws-samples.github.com/aws-pod-eip-controller-"


@pytest.mark.parametrize(
    ("arn", "role_arn", "source"),
    [
        (ASSUMED, "", "arn:aws:iam::111122223333:role/eip"),
        (ASSUMED, "arn:aws:iam::111122223333:role/team/game/eip", "arn:aws:iam::111122223333:role/team/game/eip"),
        (ASSUMED, "arn:aws:iam::111122223333:role/another", "arn:aws:iam::111122223333:role/eip"),
        (ASSUMED, "arn:aws:iam::444455556666:role/eip", "arn:aws:iam::111122223333:role/eip"),
        (ASSUMED.replace(":aws:", ":aws-us-gov:"), "", "arn:aws-us-gov:iam::111122223333:role/eip"),
        ("arn:aws:iam::111122223333:user/team/jane", "", "arn:aws:iam::111122223333:user/team/jane"),
    ],
)
def test_the_source_is_the_role_or_user_behind_the_credentials(arn: str, role_arn: str, source: str) -> None:
    caller = caller_of(arn, role_arn)
    assert caller is not None
    assert (caller.source_arn, caller.account) == (source, "111122223333")


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::111122223333:root",
        "arn:aws:sts::111122223333:federated-user/jane",
        "arn:aws:sts::111122223333:assumed-role/eip",
        "",
    ],
)
def test_who_has_no_policies_is_not_simulated(arn: str) -> None:
    assert caller_of(arn) is None


def test_it_is_asked_about_an_address_with_the_tags_of_this_install() -> None:
    caller = caller_of(ASSUMED)
    assert caller is not None
    asked = question(caller, "eu-central-1", rehearsal_tags({"CostCenter": "42"}, "prod", "uid-1"))
    assert asked.resource.startswith("arn:aws:ec2:eu-central-1:111122223333:elastic-ip/eipalloc-")
    assert asked.actions == ("ec2:AssociateAddress", "ec2:DisassociateAddress", "ec2:ReleaseAddress")
    for service in ("aws", "ec2"):
        tags = {key: value for key, value in asked.context.items() if key.startswith(f"{service}:ResourceTag/")}
        assert tags == {
            f"{service}:ResourceTag/CostCenter": "42",
            f"{service}:ResourceTag/{TAG}type": "auto",
            f"{service}:ResourceTag/{TAG}cluster-name": "prod",
            f"{service}:ResourceTag/{TAG}cluster-uid": "uid-1",
        }
    assert asked.context["aws:RequestedRegion"] == asked.context["ec2:Region"] == "eu-central-1"


def decision(word: str, *missing: str, organization: bool = True) -> Decision:
    """About one action."""
    return Decision(action="ec2:AssociateAddress", decision=word, missing=missing, organization=organization)


@pytest.mark.parametrize("word", ["implicitDeny", "explicitDeny"])
@pytest.mark.parametrize(
    "missing",
    [
        (),
        # Keys of install.json that an address of mode auto, or this call, does not have.
        ("aws:ResourceTag/team-pool", "ec2:Vpc", "ec2:CreateAction", f"aws:RequestTag/{TAG}type"),
        ("dynamodb:LeadingKeys", "dynamodb:EnclosingOperation", "AWS:resourcetag/x", "aws:TagKeys"),
    ],
)
def test_a_denial_is_certain_where_all_keys_of_the_call_are_known(word: str, missing: tuple[str, ...]) -> None:
    assert list(denials([decision(word, *missing)])) == [decision(word, *missing)]


@pytest.mark.parametrize(
    "missing",
    [
        "aws:SourceVpc",
        "aws:PrincipalTag/eks-cluster-name",
        "ec2:AllocationId",
        "ec2:PublicIpAddress",
        f"aws:ResourceTag/{TAG}pod",
        f"ec2:ResourceTag/{TAG}pod-uid",
        "somebody:Else",
    ],
)
@pytest.mark.parametrize("word", ["implicitDeny", "explicitDeny"])
def test_a_key_that_the_call_has_and_that_is_not_known_leaves_it_open(word: str, missing: str) -> None:
    found = decision(word, "ec2:Vpc", missing)
    assert (list(denials([found])), found.doubts) == ([], [missing])


def test_the_organizations_denial_is_not_believed() -> None:
    assert not list(denials([decision("implicitDeny", organization=False)]))


def test_what_is_allowed_is_no_denial() -> None:
    assert not list(denials([decision("allowed", "aws:SourceVpc")]))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (decision("implicitDeny"), "because no identity-based policy allows it"),
        (decision("explicitDeny"), "with an explicit deny in a policy"),
        (Decision(action="ec2:X", decision="implicitDeny", boundary=False), "because no permissions boundary allows"),
    ],
)
def test_its_words_name_the_kind_of_policy_as_awss_own_do(found: Decision, words: str) -> None:
    assert words in found.words("arn:aws:iam::111122223333:role/eip")
