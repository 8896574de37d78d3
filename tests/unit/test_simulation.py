"""What IAM's simulator is asked, and which of its denials are certain."""

import pytest

from controller.core.allocation import rehearsal_tags
from controller.core.simulation import Decision, Question, caller_of, control, denials, question

ASSUMED = "arn:aws:sts::111122223333:assumed-role/eip/eks-game-1"
TAG = "aws-samples.github.com/aws-pod-eip-controller-"
OWN_TAGS = {f"{TAG}type": "auto", f"{TAG}cluster-name": "prod", f"{TAG}cluster-uid": "uid-1"}


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


def tags_in(asked: Question, start: str) -> dict[str, str]:
    """The tags among the context keys that begin so."""
    return {key.removeprefix(start): value for key, value in asked.context.items() if key.startswith(start)}


def test_it_is_asked_about_an_address_with_the_tags_of_this_install() -> None:
    caller = caller_of(ASSUMED)
    assert caller is not None
    asked = question(caller, "eu-central-1", rehearsal_tags({"CostCenter": "42"}, "prod", "uid-1"))
    assert asked.resource.startswith("arn:aws:ec2:eu-central-1:111122223333:elastic-ip/eipalloc-")
    assert asked.actions == ("ec2:AssociateAddress", "ec2:DisassociateAddress", "ec2:ReleaseAddress")
    assert tags_in(asked, "aws:ResourceTag/") == {"CostCenter": "42", **OWN_TAGS}
    assert asked.context["aws:RequestedRegion"] == asked.context["ec2:Region"] == "eu-central-1"


def test_the_control_is_an_allocation_with_these_tags() -> None:
    caller = caller_of(ASSUMED)
    assert caller is not None
    asked = control(caller, "eu-central-1", rehearsal_tags({}, "prod", "uid-1"))
    assert (asked.actions, tags_in(asked, "aws:RequestTag/")) == (("ec2:AllocateAddress",), OWN_TAGS)
    assert tags_in(asked, "aws:ResourceTag/") == {}


def decision(word: str, *missing: str, others: bool = True) -> Decision:
    """About one action."""
    return Decision(action="ec2:AssociateAddress", decision=word, missing=missing, others=others)


@pytest.mark.parametrize("word", ["implicitDeny", "explicitDeny"])
@pytest.mark.parametrize(
    "missing",
    [
        (),
        # Keys of install.json that an address of mode auto, or this call, does not have.
        ("aws:ResourceTag/team-pool", "ec2:Vpc", "ec2:CreateAction", f"aws:RequestTag/{TAG}type"),
        ("dynamodb:LeadingKeys", "dynamodb:EnclosingOperation", "AWS:resourcetag/x", "aws:TagKeys"),
        # Keys of other policies of the same role.
        ("s3:prefix", "iam:PassedToService", "ec2:InstanceType", "elasticloadbalancing:ResourceTag/x"),
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
        f"aws:resourcetag/{TAG}pod-uid",
        "ec2:ResourceTag/team",
        "ec2:SourceInstanceARN",
        "sts:RoleSessionName",
        "oidc.eks.us-west-2.amazonaws.com/id/EXAMPLE:sub",
        "nonsense",
    ],
)
@pytest.mark.parametrize("word", ["implicitDeny", "explicitDeny"])
def test_a_key_that_the_call_has_and_that_is_not_known_leaves_it_open(word: str, missing: str) -> None:
    found = decision(word, "ec2:Vpc", missing)
    assert (list(denials([found])), found.doubts) == ([], [missing])


@pytest.mark.parametrize("word", ["implicitDeny", "explicitDeny"])
def test_what_another_than_the_role_denies_is_not_certain(word: str) -> None:
    assert not decision(word, others=False).denied


def test_an_unknown_word_is_neither() -> None:
    found = decision("perhaps")
    assert not found.allowed
    assert not found.denied


@pytest.mark.parametrize(("missing", "allowed"), [("ec2:Vpc", True), ("aws:SourceVpc", False)])
def test_what_is_allowed_is_certain_where_all_keys_are_known(missing: str, allowed: bool) -> None:
    found = decision("allowed", missing)
    assert (found.allowed, found.denied) == (allowed, False)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("implicitDeny", "because no identity-based policy allows it"),
        ("explicitDeny", "with an explicit deny in a policy"),
    ],
)
def test_its_words_name_the_kind_of_policy_as_awss_own_do(word: str, words: str) -> None:
    assert words in decision(word).words("arn:aws:iam::111122223333:role/eip")
