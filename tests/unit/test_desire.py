"""What a Pod asks for: its annotations and its state in, one desire out."""

from dataclasses import replace

import pytest

from controller.core import contract
from controller.core.desire import (
    Desire,
    Fault,
    Gone,
    Invalid,
    Nothing,
    Pending,
    Serve,
    departs,
    desire,
    label_patch,
    unfit_for_label,
    wanted_labels,
)
from controller.core.views import PodView
from state.model import Mode, Phase, PodRecord, PodUid
from tests.unit.plan_world import pod, target

IP = "10.0.0.5"


def asking(kind: str, **more: str) -> PodView:
    """A Pod with these annotations of ours."""
    prefix = contract.ANNOTATION_TYPE.removesuffix("type")
    others = {prefix + key.replace("_", "-"): value for key, value in more.items()}
    return pod("", annotations={contract.ANNOTATION_TYPE: kind, **others})


@pytest.mark.parametrize(
    ("view", "wanted"),
    [
        (asking("auto"), Serve(mode=Mode.AUTO, pool="amazon", ip=IP)),
        (asking("auto", public_ipv4_pool=""), Serve(mode=Mode.AUTO, pool="amazon", ip=IP)),
        (asking("auto", public_ipv4_pool="ipv4pool-ec2-1"), Serve(mode=Mode.AUTO, pool="ipv4pool-ec2-1", ip=IP)),
        (asking("fixed-tag", fixed_tag="k"), Serve(mode=Mode.FIXED_TAG, pool="k", ip=IP)),
        (asking("fixed-tag-value", fixed_tag_value="k"), Serve(mode=Mode.FIXED_TAG_VALUE, pool="k", ip=IP)),
        (replace(asking("auto"), ip=""), Pending(mode=Mode.AUTO, pool="amazon")),
        (replace(asking("auto"), host_network=True), Serve(mode=Mode.AUTO, pool="amazon", ip=IP)),
        (pod("", annotations={}), Nothing()),
        (asking(""), Nothing()),
        (pod("", annotations={contract.ANNOTATION_FIXED_TAG: "k"}), Nothing()),
        (replace(asking("auto"), finished=True), Gone()),
        (replace(asking("auto"), deleting=True, drained=True), Gone()),
        (replace(asking("auto"), deleting=True), Serve(mode=Mode.AUTO, pool="amazon", ip=IP)),
    ],
)
def test_what_a_pod_asks_for(view: PodView, wanted: Desire) -> None:
    assert desire(view) == wanted


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (asking("auto\n"), "'auto\\n' is not a mode"),
        (asking("a\u200buto"), "'a\\u200buto' is not a mode"),
        (asking("Auto"), "'Auto' is not a mode; it is one of auto, fixed-tag, fixed-tag-value"),
        (asking("auto", public_ipv4_pool="a b"), "public-ipv4-pool: 'a b' is not the id of a public IPv4 pool"),
        (asking("fixed-tag"), "mode fixed-tag needs the annotation"),
        (asking("fixed-tag", fixed_tag=""), "mode fixed-tag needs the annotation"),
        (asking("fixed-tag", fixed_tag_value="k"), "mode fixed-tag needs the annotation"),
        (asking("fixed-tag-value", fixed_tag="k"), "mode fixed-tag-value needs the annotation"),
        (asking("fixed-tag", fixed_tag="aws:k"), "AWS keeps the prefix"),
        (asking("fixed-tag-value", fixed_tag_value="aws:k"), "AWS keeps the prefix"),
        (asking("fixed-tag", fixed_tag="k" * 129), "is not a tag key"),
        (asking("fixed-tag", fixed_tag=contract.ANNOTATION_TYPE), "would reach other Pods' own addresses"),
        (asking("fixed-tag", fixed_tag="k" * 101 + "\n" * 50), "'" + "k" * 100 + "...' is not a tag key"),
        (asking("fixed-tag", fixed_tag="k\n\x1b[1m!"), "'k\\n\\u001b[1m!' is not a tag key"),
        (replace(asking("auto"), ip="", ipv6_only=True), "IPv6 addresses only"),
        (replace(asking("auto"), fargate=True), "Fargate"),
    ],
)
def test_what_is_asked_wrongly_is_told_with_what_would_be_right(view: PodView, words: str) -> None:
    wanted = desire(view)
    assert isinstance(wanted, Invalid)
    assert words in wanted.why


CLAIM = PodRecord(
    uid=PodUid("u-1"),
    namespace="ns",
    name="p",
    mode=Mode.FIXED_TAG,
    pool="k",
    phase=Phase.ASSOCIATED,
    target=target(IP),
)


@pytest.mark.parametrize(
    ("wanted", "record", "gone"),
    [
        (Nothing(), CLAIM, True),
        (Pending(mode=Mode.FIXED_TAG, pool="k"), CLAIM, False),
        (Pending(mode=Mode.FIXED_TAG, pool="l"), CLAIM, True),
        (Pending(mode=Mode.FIXED_TAG_VALUE, pool="k"), CLAIM, True),
        (Serve(mode=Mode.FIXED_TAG, pool="k", ip=IP), CLAIM, False),
        (Serve(mode=Mode.FIXED_TAG, pool="l", ip=IP), CLAIM, True),
        (Serve(mode=Mode.FIXED_TAG, pool="k", ip="10.0.0.6"), CLAIM, True),
        (Serve(mode=Mode.FIXED_TAG, pool="k", ip=IP), replace(CLAIM, target=None), False),
        (Invalid(why="no", fault=Fault.MODE), CLAIM, False),
        (Gone(), CLAIM, False),
    ],
)
def test_when_a_claim_would_have_to_go_for_what_is_asked(wanted: Desire, record: PodRecord, gone: bool) -> None:
    assert departs(wanted, record) is gone


def test_a_pool_whose_name_is_no_label_value_is_left_out() -> None:
    plain = {"aws-pod-eip-controller-public-ip": "192.0.2.1", "aws-pod-eip-controller-type": "fixed-tag"}
    assert wanted_labels(pod(Mode.FIXED_TAG, "a pool"), Mode.FIXED_TAG, "192.0.2.1") == plain
    assert unfit_for_label(pod(Mode.FIXED_TAG, "a pool"), Mode.FIXED_TAG) == "a pool"
    named = wanted_labels(pod(Mode.FIXED_TAG, "k"), Mode.FIXED_TAG, "192.0.2.1")
    assert named == {**plain, "aws-pod-eip-controller-fixed-tag": "k"}
    assert unfit_for_label(pod(Mode.FIXED_TAG, "k"), Mode.FIXED_TAG) is None


@pytest.mark.parametrize(
    ("annotation", "label"),
    [(None, None), ("", None), ("amazon", "amazon"), ("ipv4pool-ec2-1", "ipv4pool-ec2-1")],
)
def test_an_auto_pod_has_a_pool_label_only_where_it_has_a_pool_annotation(
    annotation: str | None, label: str | None
) -> None:
    asked = {} if annotation is None else {"aws-samples.github.com/aws-pod-eip-controller-public-ipv4-pool": annotation}
    wanted = wanted_labels(replace(pod(Mode.AUTO), annotations=asked), Mode.AUTO, "192.0.2.1")
    assert wanted.get("aws-pod-eip-controller-public-ipv4-pool") == label
    assert unfit_for_label(pod(Mode.AUTO), Mode.AUTO) is None


def test_a_patch_says_what_differs_and_no_more() -> None:
    asking_pod = pod(Mode.FIXED_TAG, "k")
    wanted = wanted_labels(asking_pod, Mode.FIXED_TAG, "192.0.2.1")
    worn = replace(asking_pod, labels=wanted)
    assert label_patch(worn, wanted) == {}
    other = {**wanted, contract.LABEL_PUBLIC_IP: "192.0.2.2", contract.LABEL_PUBLIC_IPV4_POOL: "amazon"}
    patch = label_patch(replace(worn, labels=other), wanted)
    assert patch == {contract.LABEL_PUBLIC_IP: "192.0.2.1", contract.LABEL_PUBLIC_IPV4_POOL: None}
    assert label_patch(worn, {}) == dict.fromkeys(wanted)
