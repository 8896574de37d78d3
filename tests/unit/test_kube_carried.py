"""What is kept of the annotations that a Pod carries: little, and judged as the whole would be."""

import json
from dataclasses import replace
from typing import Any

import pytest

from controller.core import contract
from controller.core.desire import Invalid, Serve, desire
from controller.core.views import PodView
from controller.kube.decode import pod_of, view_of

POOL = contract.ANNOTATION_PUBLIC_IPV4_POOL
WRONG = "annotation {}: '" + "x" * 100 + "...' is not"


def view(annotations: dict[str, str], ip: str = "10.0.0.1") -> PodView:
    """A Pod with them."""
    meta: dict[str, Any] = {"name": "p", "namespace": "n", "uid": "u", "annotations": annotations}
    return view_of(pod_of(json.dumps({"metadata": meta, "status": {"podIP": ip}}).encode()))


@pytest.mark.parametrize(
    ("mode", "key"),
    [
        ("auto", POOL),
        ("fixed-tag", contract.ANNOTATION_FIXED_TAG),
        ("fixed-tag-value", contract.ANNOTATION_FIXED_TAG_VALUE),
        ("x" * 200_000, contract.ANNOTATION_TYPE),
    ],
)
def test_an_annotation_that_is_much_too_long_is_still_told_in_few_words(mode: str, key: str) -> None:
    found = desire(view({contract.ANNOTATION_TYPE: mode} | {key: "x" * 200_000}))
    assert isinstance(found, Invalid)
    assert found.why.startswith(WRONG.format(key))
    assert len(found.why) < 400


@pytest.mark.parametrize("ending", ["", "\n", "\U0001f600"])
@pytest.mark.parametrize(
    ("mode", "key", "legal"),
    [
        ("auto", POOL, {""}),
        ("fixed-tag", contract.ANNOTATION_FIXED_TAG, {"", "\U0001f600"}),
        ("fixed-tag-value", contract.ANNOTATION_FIXED_TAG_VALUE, {"", "\U0001f600"}),
        ("", contract.ANNOTATION_TYPE, set()),
    ],
)
def test_what_is_cut_is_judged_as_the_whole(mode: str, key: str, legal: set[str], ending: str) -> None:
    for length in (1, 100, 101, 127, 128, 129, 130, 1_000):
        annotations = {contract.ANNOTATION_TYPE: mode} | {key: "x" * (length - len(ending)) + ending}
        whole = replace(view({}), annotations=annotations)
        assert desire(view(annotations)) == desire(whole)
        assert isinstance(desire(whole), Serve) == (length <= 128 and ending in legal)


def test_branch_interfaces_are_few_and_short() -> None:
    def branches(text: str) -> frozenset[str]:
        return view({contract.ANNOTATION_POD_ENI: text}).branch_interfaces

    assert branches(json.dumps([{"eniId": "eni-1", "privateIp": "10.0.0.1"}])) == {"eni-1"}
    assert branches(json.dumps([{"eniId": "e" * 1_000}, {"eniId": "eni-2"}])) == {"eni-2"}
    assert len(branches(json.dumps([{"eniId": f"eni-{number}"} for number in range(500)]))) <= 16
    assert branches(json.dumps([{"eniId": "eni-1", "notes": "x" * 20_000}])) == frozenset()
