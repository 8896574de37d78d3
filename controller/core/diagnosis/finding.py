"""What a check of `doctor` found, how serious it is, and how it is written: for people on lines, for scripts as JSON.

The names of the checks are the anchors of docs/doctor.md, so each line of the output leads to what is said of it there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

from state.errors import PodEipError

DOCS: Final = "docs"
"""Where the pages are, in the repository; whoever keeps a copy of them names its URL."""


class Grade(IntEnum):
    """How serious a finding is; the most serious one is the exit code. What was not looked at is no fault."""

    NOT_LOOKED_AT = -1
    FINE = 0
    WARNING = 1
    BROKEN = 2


class Check(StrEnum):
    """Every check. Its name is in the output, and is its anchor in docs/doctor.md."""

    CREDENTIALS = "credentials"
    EC2 = "ec2"
    QUOTA = "quota"
    TABLE = "table"
    CAPACITY = "table-capacity"
    PROTECTION = "table-protection"
    RECOVERY = "table-recovery"
    RIGHTS = "rights"
    CLOCK = "clock"
    ENDPOINTS = "endpoints"
    KUBERNETES = "kubernetes"
    RBAC = "rbac"
    CONTROLLERS = "controllers"
    CLUSTER_NAME = "cluster-name"
    POOLS = "pools"
    NODES = "nodes"
    EGRESS = "egress"
    SUBNETS = "subnets"
    SECURITY_GROUPS = "security-groups"
    METADATA = "metadata"
    XRAY = "x-ray"


_MARKS: Final = {Grade.FINE: "√", Grade.WARNING: "‼", Grade.BROKEN: "×", Grade.NOT_LOOKED_AT: "-"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What a person asks `doctor`. `pre`: before the install. `port`: one that Pods are to be reached at."""

    pre: bool = False
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found. `advice` says what to do; it is empty where nothing has to be done."""

    check: Check
    grade: Grade
    text: str
    advice: str = ""

    def link(self, docs: str = DOCS) -> str:
        """Where more is said of the check, with the pages at this URL or folder."""
        return f"{docs.rstrip('/')}/doctor.md#{self.check}"


def fine(check: Check, text: str) -> Finding:
    """Nothing has to be done."""
    return Finding(check=check, grade=Grade.FINE, text=text)


def warning(check: Check, text: str, advice: str = "") -> Finding:
    """It works, but not as somebody may expect."""
    return Finding(check=check, grade=Grade.WARNING, text=text, advice=advice)


def broken(check: Check, text: str, advice: str = "") -> Finding:
    """It cannot work so."""
    return Finding(check=check, grade=Grade.BROKEN, text=text, advice=advice)


def not_looked_at(check: Check, why: str, advice: str = "") -> Finding:
    """It is not known, and that is no fault."""
    return Finding(check=check, grade=Grade.NOT_LOOKED_AT, text=f"not looked at: {why}", advice=advice)


def said(error: PodEipError) -> str:
    """The code of an error, and its words."""
    return f"{error.code}: {error.message}" if error.code not in error.message else error.message


def lines(finding: Finding, docs: str = DOCS) -> Iterator[str]:
    """The finding on a line; what to do about it, and where more is said, on others where it is not fine."""
    yield f"{_MARKS[finding.grade]} {finding.check}: {finding.text}"
    if finding.advice:
        yield f"    {finding.advice}"
    if finding.grade > Grade.FINE:
        yield f"    {finding.link(docs)}"


def exit_code(findings: Iterable[Finding], *, tolerant: bool = False) -> int:
    """0: all is fine; 1: there are warnings (0 if `tolerant`); 2: it cannot work."""
    worst = max((finding.grade for finding in findings), default=Grade.FINE)
    return 0 if worst < Grade.WARNING or (tolerant and worst is Grade.WARNING) else int(worst)


def document(findings: Iterable[Finding], docs: str = DOCS, *, tolerant: bool = False) -> Mapping[str, Any]:
    """All findings, for a script."""
    found = list(findings)
    return {
        "exit_code": exit_code(found, tolerant=tolerant),
        "findings": [
            {
                "check": str(finding.check),
                "grade": finding.grade.name.lower(),
                "text": finding.text,
                "advice": finding.advice,
                "link": finding.link(docs),
            }
            for finding in found
        ],
    }


def listed(names: Iterable[str], most: int = 3) -> str:
    """The first of these names, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
