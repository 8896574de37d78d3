"""The modes: each is known all the way, by the names that users write, and few files know which there are."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.desire import Serve, desire, label_patch, wanted_labels
from controller.core.modes import SPECS
from controller.core.views import PodView
from controller.kube.decode import pod_of, view_of
from state.model import Mode

ROOT = Path(__file__).parents[2]
PREFIX = "aws-samples.github.com/"
TYPE = "aws-pod-eip-controller-type"
POOL_NAMES = {
    "auto": "aws-pod-eip-controller-public-ipv4-pool",
    "fixed-tag": "aws-pod-eip-controller-fixed-tag",
    "fixed-tag-value": "aws-pod-eip-controller-fixed-tag-value",
}
"""Each mode's name for its pool, as users know it: an annotation with the prefix, and a label without."""

KNOW_THE_MODES = {"state/model.py", "controller/core/modes.py"}
KNOW_THEIR_NAMES = {"controller/core/contract.py", "controller/core/modes.py", "controller/kube/carried.py"}
POOL_CONSTANT = re.compile(r"(ANNOTATION|LABEL)_(PUBLIC_IPV4_POOL|FIXED_TAG(_VALUE)?)")


def read(annotations: dict[str, str], labels: dict[str, str]) -> PodView:
    """A Pod as the API server sends it."""
    meta = {"name": "p", "namespace": "n", "uid": "u", "annotations": annotations, "labels": labels}
    return view_of(pod_of(json.dumps({"metadata": meta, "status": {"podIP": "10.0.0.1"}}).encode()))


def test_every_mode_has_its_spec() -> None:
    assert set(SPECS) == set(Mode)
    assert set(POOL_NAMES) == set(map(str, Mode))


def test_a_mode_that_releases_what_it_does_not_allocate_is_refused() -> None:
    pooled = next(spec for spec in SPECS.values() if not spec.allocates)
    with pytest.raises(ValueError, match="never released"):
        replace(pooled, releases=True)


@pytest.mark.parametrize("mode", Mode)
def test_what_a_mode_is_asked_and_shown_by_is_read_and_taken_off(mode: Mode) -> None:
    name = POOL_NAMES[str(mode)]
    shown = {"aws-pod-eip-controller-public-ip": "192.0.2.1", TYPE: str(mode), name: "games"}
    pod = read({PREFIX + TYPE: str(mode), PREFIX + name: "games"}, shown)
    assert desire(pod) == Serve(mode=mode, pool="games", ip="10.0.0.1")
    assert wanted_labels(pod, mode, "192.0.2.1") == pod.labels == shown
    assert label_patch(pod, {}) == dict.fromkeys(shown)


def names_a_mode(node: ast.AST) -> bool:
    """`Mode.AUTO`, under whatever name `Mode` goes, and the same as a text."""
    if isinstance(node, ast.Constant):
        return node.value in {*Mode.__members__, *map(str, Mode)}
    return isinstance(node, ast.Attribute) and node.attr in Mode.__members__


def names_a_pool(node: ast.AST) -> bool:
    """One mode's own annotation or label."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return POOL_CONSTANT.fullmatch(name) is not None


def sources() -> Iterator[tuple[str, list[ast.AST]]]:
    """The program's files, and all that is in each."""
    for file in (found for folder in ("controller", "state") for found in (ROOT / folder).rglob("*.py")):
        yield file.relative_to(ROOT).as_posix(), list(ast.walk(ast.parse(file.read_text())))


def test_only_the_files_of_the_list_name_a_mode() -> None:
    files = dict(sources())
    assert {file for file, nodes in files.items() if any(map(names_a_mode, nodes))} == KNOW_THE_MODES
    assert {file for file, nodes in files.items() if any(map(names_a_pool, nodes))} == KNOW_THEIR_NAMES


@pytest.mark.parametrize(
    "code",
    [
        "Mode.AUTO",
        "model.Mode.FIXED_TAG",
        "M.FIXED_TAG_VALUE",
        "Mode['AUTO']",
        "Mode('fixed-tag')",
        "mode == 'auto'",
        "match mode:\n    case Mode.AUTO: ...",
    ],
)
def test_a_mode_is_found_however_it_is_named(code: str) -> None:
    assert any(map(names_a_mode, ast.walk(ast.parse(code))))


def test_the_documentation_lists_these_files() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    section = text.partition("## What a new mode touches\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))
    assert listed >= KNOW_THE_MODES | KNOW_THEIR_NAMES
    assert all((ROOT / path).exists() for path in listed)
