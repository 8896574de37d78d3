"""The limits of tags, in AllocateAddress and CreateTags alike: what EC2 takes, and that a refusal leaves nothing."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from sandbox.ec2.settings import Ec2Settings
from tests.contract.simulators.ec2_scene import Scene, refused, scene

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import TagTypeDef

Give = Callable[[Scene, Sequence["TagTypeDef"]], dict[str, str]]


def at_birth(ec2: Scene, tags: Sequence["TagTypeDef"]) -> dict[str, str]:
    """Allocates an address with these tags; returns those that a describe shows."""
    spec = ec2.api.allocate_address(TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": tags}])
    return shown(ec2, spec["AllocationId"])


def later(ec2: Scene, tags: Sequence["TagTypeDef"]) -> dict[str, str]:
    """Gives these tags to the address of the scene; returns those that a describe shows."""
    (eip,) = ec2.control.world().addresses
    ec2.api.create_tags(Resources=[eip], Tags=tags)
    return shown(ec2, eip)


def shown(ec2: Scene, allocation_id: str) -> dict[str, str]:
    """The tags that a describe shows."""
    (address,) = ec2.api.describe_addresses(AllocationIds=[allocation_id])["Addresses"]
    return {tag["Key"]: tag["Value"] for tag in address["Tags"]}


ways = pytest.mark.parametrize("give", [at_birth, later])


@ways
@pytest.mark.parametrize(
    "key",
    [
        "k" * 128,
        "\u00e9" * 128,
        "e\u0301" * 64,
        "\U0001f600" * 128,
        "game[eu]#1",
        "a,b;c|d",
        '<&">',
        " spaces ",
        "a\tb\nc\rd",
        "Aws",
        "a:aws:b",
    ],
)
def test_a_key_holds_any_character_and_up_to_128(give: Give, key: str) -> None:
    with scene() as ec2:
        ec2.address()
        assert give(ec2, [{"Key": key, "Value": "1"}]) == {key: "1"}
        assert len(ec2.find_addresses("tag-key", key)) == 1


@ways
@pytest.mark.parametrize("value", ["", "v" * 256, "\u00fc" * 256, "aws:mine", "[a],\u0301"])
def test_a_value_holds_any_character_and_up_to_256(give: Give, value: str) -> None:
    with scene() as ec2:
        ec2.address()
        assert give(ec2, [{"Key": "k", "Value": value}]) == {"k": value}


@ways
@pytest.mark.parametrize(
    ("tag", "code", "words"),
    [
        (("k" * 129, ""), "InvalidParameterValue", "Tag key exceeds the maximum length of 128 characters"),
        (("e\u0301" * 64 + "x", ""), "InvalidParameterValue", "Tag key exceeds"),
        (("k", "v" * 257), "InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters"),
        (("", "v"), "InvalidTagKey.Malformed", "cannot be empty"),
        (("aws:name", "v"), "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"),
        (("AWS:name", "v"), "InvalidParameterValue", "reserved"),
        (("aWs:", "v"), "InvalidParameterValue", "reserved"),
        (("bell\x07", "v"), "InvalidParameterValue", "Tag key"),
        (("k", "null\x00"), "InvalidParameterValue", "Tag value"),
    ],
)
def test_a_refused_tag_leaves_nothing(give: Give, tag: tuple[str, str], code: str, words: str) -> None:
    with scene() as ec2:
        eip = ec2.address()
        with refused(code, words=words):
            give(ec2, [{"Key": "good", "Value": "1"}, {"Key": tag[0], "Value": tag[1]}])
        assert {key: dict(address.tags) for key, address in ec2.control.world().addresses.items()} == {eip: {}}


@ways
def test_a_key_is_given_once_in_a_call(give: Give) -> None:
    with scene() as ec2:
        ec2.address()
        with refused("InvalidParameterValue", words="Duplicate tag key 'k' specified"):
            give(ec2, [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}])
        assert len(ec2.control.world().addresses) == 1


@ways
@pytest.mark.parametrize("count", [50, 51])
def test_a_resource_has_50_tags(give: Give, count: int) -> None:
    with scene() as ec2:
        ec2.address()
        tags: list[TagTypeDef] = [{"Key": f"k{n}", "Value": ""} for n in range(count)]
        if count > 50:
            with refused("TagLimitExceeded", words="maximum number of Tags"):
                give(ec2, tags)
        else:
            assert len(give(ec2, tags)) == 50


def test_an_overwritten_tag_is_not_one_more_and_a_new_one_is() -> None:
    with scene() as ec2:
        eip = ec2.control.add_address(tags={f"k{n}": "" for n in range(50)}).allocation_id
        ec2.api.create_tags(Resources=[eip], Tags=[{"Key": "k0", "Value": "new"}])
        with refused("TagLimitExceeded"):
            ec2.api.create_tags(Resources=[eip], Tags=[{"Key": "k50", "Value": ""}])
        assert (len(shown(ec2, eip)), shown(ec2, eip)["k0"]) == (50, "new")


def test_the_tags_of_aws_do_not_count_and_cannot_be_touched() -> None:
    stack = {"aws:cloudformation:stack-name": "web"}
    with scene() as ec2:
        eip = ec2.control.add_address(tags={**stack, **{f"k{n}": "" for n in range(49)}}).allocation_id
        ec2.api.create_tags(Resources=[eip], Tags=[{"Key": "k49", "Value": ""}])
        assert len(shown(ec2, eip)) == 51
        with refused("InvalidParameterValue", words="reserved"):
            ec2.api.delete_tags(Resources=[eip], Tags=[{"Key": "aws:cloudformation:stack-name"}])
        ec2.api.delete_tags(Resources=[eip])
        assert shown(ec2, eip) == stack


def test_the_api_references_own_limit_of_a_key_is_127() -> None:
    with scene(Ec2Settings(tag_key_limit=127)) as ec2:
        ec2.address()
        assert later(ec2, [{"Key": "k" * 127, "Value": ""}])
        with refused("InvalidParameterValue", words="127"):
            later(ec2, [{"Key": "k" * 128, "Value": ""}])
