"""The page of `doctor` says something of each check, and of nothing else."""

import re
from pathlib import Path

from controller.core.diagnosis.finding import Check, Finding, Grade, lines

TEXT = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()


def test_each_check_has_its_anchor_in_order() -> None:
    assert re.findall(r"^### (.*)$", TEXT, re.MULTILINE) == [str(check) for check in Check]


def test_a_finding_leads_to_it() -> None:
    assert Finding(check=Check.XRAY, grade=Grade.FINE, text="").link() == "docs/doctor.md#x-ray"


def test_who_keeps_a_copy_of_the_pages_has_links_to_it() -> None:
    found = Finding(check=Check.XRAY, grade=Grade.BROKEN, text="")
    assert found.link("https://wiki.example/eip/") == "https://wiki.example/eip/doctor.md#x-ray"
    assert [line.strip() for line in lines(found, "https://wiki.example/eip")][-1] == found.link(
        "https://wiki.example/eip"
    )


def test_each_grade_is_explained() -> None:
    assert {grade.name.lower() for grade in Grade} == set(re.findall(r"^\| `.` \| `(\w+)` \|", TEXT, re.MULTILINE))
