"""What the pages tell people to type, letter by letter, and where they send them."""

import re
from pathlib import Path

import pytest

from tests.chart.files import CHART

ROOT = CHART.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"), CHART / "README.md"]
)
page = pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
LABELS = ("public-ip", "type", "public-ipv4-pool", "fixed-tag", "fixed-tag-value")


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@page
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", path.read_text()):
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


@page
def test_no_page_gives_the_label_of_the_address_a_prefix(path: Path) -> None:
    assert "aws-samples.github.com/aws-pod-eip-controller-public-ip'" not in path.read_text()
    assert not re.search(r"aws-samples\.github\.com/aws-pod-eip-controller-public-ip\b(?!v4-pool)", path.read_text())


def test_the_readme_names_each_label_as_it_is_written_on_pods() -> None:
    rows = re.findall(r"^\| `aws-pod-eip-controller-.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert re.findall(r"`(aws-pod-eip-controller-[a-z0-9-]+)`", "".join(rows)) == [
        f"aws-pod-eip-controller-{name}" for name in LABELS
    ]


def test_the_readmes_pod_waits_for_the_label_that_is_written() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "fieldPath: metadata.labels['aws-pod-eip-controller-public-ip']" in readme
    assert readme.count("get pods -A -L aws-pod-eip-controller-public-ip") == 2


def test_whoever_comes_from_the_go_controller_is_told_what_changes() -> None:
    told = (ROOT / "docs" / "migration.md").read_text()
    table = told.partition("## What you may notice")[2].partition("\n## ")[0]
    for word in (
        "aws:TagKeys",
        "`msg`",
        "Succeeded",
        "release-cluster",
        "gateway endpoint",
        "IMDSv2",
        "65532",
        "Lease",
    ):
        assert word in table, word
