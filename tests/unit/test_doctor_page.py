"""The page of `doctor` says something of each check, and of nothing else."""

import re
from pathlib import Path

from controller.core.diagnosis.finding import PAGE, Check, Finding, Grade

TEXT = (Path(__file__).parents[2] / PAGE).read_text()


def test_each_check_has_its_anchor_in_order() -> None:
    assert re.findall(r"^### (.*)$", TEXT, re.MULTILINE) == [str(check) for check in Check]


def test_a_finding_leads_to_it() -> None:
    assert Finding(check=Check.XRAY, grade=Grade.FINE, text="").link == "docs/doctor.md#x-ray"


def test_each_grade_is_explained() -> None:
    assert {grade.name.lower() for grade in Grade} == set(re.findall(r"^\| `.` \| `(\w+)` \|", TEXT, re.MULTILINE))
