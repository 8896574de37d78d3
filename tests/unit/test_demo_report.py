"""The demo's report: the shape that others read, and a fault for each figure that is not as it should be."""

import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from sandbox.demo import report
from sandbox.demo.judge import Verdict
from sandbox.demo.scenes import MODES

GOOD = Verdict(
    wanted=dict.fromkeys(MODES, 5),
    served=dict.fromkeys(MODES, 5),
    median_s=dict.fromkeys(MODES, 0.25),
    leaked=frozenset(),
    misplaced=frozenset(),
    double_owned=frozenset(),
    released=frozenset(),
    failovers=(("sigkill", 14.51234), ("sigterm", 0.4)),
    calls={"auto": 4.25, "fixed-tag": 2.1, "fixed-tag-value": 2.0},
)


def test_the_report_has_the_promised_shape() -> None:
    assert json.loads(report.to_text(GOOD, 61.23)) == {
        "pods": {mode: {"wanted": 5, "served": 5} for mode in MODES},
        "leaked": 0,
        "misplaced": 0,
        "double_owned": 0,
        "failovers": [{"kind": "sigkill", "seconds": 14.512}, {"kind": "sigterm", "seconds": 0.4}],
        "ec2_calls_per_pod": {"auto": 4.25, "fixed-tag": 2.1, "fixed-tag-value": 2.0},
        "seconds": 61.2,
    }


def test_a_good_verdict_has_no_faults() -> None:
    assert not report.faults(GOOD)


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"served": {"auto": 4, "fixed-tag": 5, "fixed-tag-value": 5}}, "auto: 4 of 5"),
        ({"wanted": dict.fromkeys(MODES, 0), "served": dict.fromkeys(MODES, 0)}, "0 of 0"),
        ({"leaked": frozenset({"eipalloc-1"})}, "1 leaked: eipalloc-1"),
        ({"misplaced": frozenset({("198.18.0.1", "ns/pod")})}, "198.18.0.1 at ns/pod"),
        ({"double_owned": frozenset({"eipalloc-1"})}, "two owners"),
        ({"released": frozenset({"eipalloc-1"})}, "released"),
        ({"failovers": (("sigkill", 15.0),)}, "nobody took over after sigterm"),
        ({"failovers": (("sigkill", None), ("sigterm", 0.4))}, "nobody took over after sigkill"),
        ({"failovers": (("sigkill", 40.0), ("sigterm", 0.4))}, "took 40.0 s"),
        ({"calls": {"auto": 4.0, "fixed-tag": 2.0}}, "fixed-tag-value: EC2 calls"),
        ({"calls": {"auto": 9.0, "fixed-tag": 2.0, "fixed-tag-value": 2.0}}, "auto: 9.00 EC2 calls"),
    ],
)
def test_every_bad_figure_is_a_fault(spoilt: dict[str, Any], words: str) -> None:
    faults = report.faults(replace(GOOD, **spoilt))
    assert any(words in fault for fault in faults)


def test_the_summary_shows_what_is_wrong() -> None:
    console = Console(width=110)
    bad = replace(GOOD, leaked=frozenset({"eipalloc-1"}), median_s={}, calls={})
    with console.capture() as captured:
        console.print(report.summary(bad, 61.0, report.faults(bad)))
    assert "✗ 1 leaked: eipalloc-1" in captured.get()
