"""The command line: Go's way of writing, subcommands, exit codes, and that it is quick."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from controller.core.config import SETTINGS, Config
from controller.core.diagnosis.finding import Check, Finding, Grade, Questions
from controller.core.release import Request
from controller.surface import cli
from controller.surface.arguments import arrange
from tests.web.harness import environment

COMMANDS = ("run", "table", "status", "doctor", "release-cluster")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.env, raising=False)


class Called:
    """Remembers the configuration that each command was called with."""

    def __init__(self) -> None:
        self.run: list[Config] = []
        self.table: list[Config] = []
        self.released: list[Request] = []
        self.orphans: list[Request] = []
        self.findings: list[Finding] = []
        self.asked: list[Questions] = []

    def release(self, _: Config, request: Request) -> bool:
        self.released.append(request)
        return request.yes

    def release_orphans(self, _: Config, request: Request) -> bool:
        self.orphans.append(request)
        return request.yes

    def examine(self, _: Config, questions: Questions) -> list[Finding]:
        self.asked.append(questions)
        return self.findings

    def main(self, *argv: str) -> int:
        with pytest.raises(SystemExit) as caught:
            cli.main(
                self.run.append,
                self.table.append,
                argv,
                release_cluster=self.release,
                release_orphans=self.release_orphans,
                examine=self.examine,
                look=lambda *_: {},
            )
        return int(caught.value.code or 0)


@pytest.mark.parametrize(
    ("argv", "arranged"),
    [
        ("", "run"),
        ("-vpc-id V", "run --vpc-id V"),
        ("-vpc-id=V -log-level DEBUG", "run --vpc-id=V --log-level DEBUG"),
        ("--region R table --table T create", "table create --region R --table T"),
        ("status --json -listen :80", "status --json --listen :80"),
        ("--table T release-cluster --yes u-1", "release-cluster --yes u-1 --table T"),
        ("--create-table", "run --create-table=true"),
        ("-create-table run", "run --create-table=true"),
        ("--create-table false", "run --create-table=false"),
        ("--create-table=0", "run --create-table=0"),
        ("--help", "--help"),
        ("-version", "--version"),
        ("run --help", "run --help"),
        ("-h", "-h"),
        ("-vpc-id", "run --vpc-id"),
        ("-bogus x", "run --bogus x"),
        ("aws-pod-eip-controller -vpc-id V", "run --vpc-id V"),
        ("/usr/local/bin/aws-pod-eip-controller -vpc-id=V status", "status --vpc-id=V"),
        ("aws-pod-eip-controller", "run"),
        ("aws-pod-eip-controller table create", "table create"),
        ("-cluster-name aws-pod-eip-controller", "run --cluster-name aws-pod-eip-controller"),
        ("release-cluster aws-pod-eip-controller", "release-cluster aws-pod-eip-controller"),
    ],
)
def test_words_are_put_in_order(argv: str, arranged: str) -> None:
    assert arrange(argv.split(), COMMANDS) == arranged.split()


def test_upstreams_flags_run_the_controller() -> None:
    called = Called()
    assert called.main("-vpc-id", "vpc-1", "-region=eu-central-1", "-cluster-name", "c", "-resync-period", "0") == 0
    assert (called.run[0].vpc_id, called.run[0].region, called.run[0].cluster_name) == ("vpc-1", "eu-central-1", "c")


def test_the_program_may_be_named_once_more_as_in_a_pods_args() -> None:
    called = Called()
    assert called.main("aws-pod-eip-controller", "-vpc-id", "vpc-1", "-cluster-name", "c") == 0
    assert (called.run[0].vpc_id, called.run[0].cluster_name) == ("vpc-1", "c")


def test_orphans_are_released() -> None:
    called = Called()
    assert called.main("release-orphans", "u-1", "--yes", "--region", "eu-central-1") == 0
    assert called.main("release-orphans", "blue") == 1
    assert called.main("release-orphans") == 2
    assert called.orphans == [Request(cluster="u-1", yes=True), Request(cluster="blue")]


def test_a_cluster_is_released() -> None:
    called = Called()
    assert called.main("release-cluster", "u-1", "--yes", "--region", "eu-central-1") == 0
    assert called.main("release-cluster", "--lease", "ns/l", "blue") == 1
    assert called.released == [Request(cluster="u-1", yes=True), Request(cluster="blue", lease="ns/l")]
    assert called.main("release-cluster") == 2


def examined(grade: Grade) -> Called:
    """What is called where `doctor` finds that, and something that is fine."""
    called = Called()
    called.findings = [
        Finding(check=Check.TABLE, grade=grade, text="so", advice="do\x1b[2J"),
        Finding(check=Check.EC2, grade=Grade.FINE, text="well"),
    ]
    return called


@pytest.mark.parametrize(("grade", "code"), [(Grade.NOT_LOOKED_AT, 0), (0, 0), (1, 1), (2, 2)])
def test_the_gravest_finding_of_doctor_is_its_exit_code(
    grade: int, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert examined(Grade(grade)).main("doctor") == code
    told = capfd.readouterr().out.splitlines()[1:]
    link = ["    docs/doctor.md#table"] if grade > 0 else []
    assert told == ["    do\\u001b[2J", *link, "√ ec2: well"]
    tolerated = examined(Grade(grade))
    assert tolerated.main("doctor", "--tolerate-warnings") == (0 if code == 1 else code)
    assert tolerated.asked == [Questions()]


def test_doctor_writes_json(capfd: pytest.CaptureFixture[str]) -> None:
    called = examined(Grade.WARNING)
    assert called.main("doctor", "--pre", "--port", "443", "-o", "json", "--region", "eu-west-1") == 1
    assert called.asked == [Questions(pre=True, port=443)]
    written = capfd.readouterr().out
    assert written.replace("\n", "").isprintable()
    assert json.loads(written) == {
        "exit_code": 1,
        "findings": [
            {
                "check": "table",
                "grade": "warning",
                "text": "so",
                "advice": "do\x1b[2J",
                "link": "docs/doctor.md#table",
            },
            {"check": "ec2", "grade": "fine", "text": "well", "advice": "", "link": "docs/doctor.md#ec2"},
        ],
    }
    assert called.main("doctor", "--port", "0") == 2


def test_the_table_needs_no_cluster_name() -> None:
    called = Called()
    assert called.main("--table", "claims", "table", "create") == 0
    assert called.table[0].table == "claims"


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        ((), ["error: --cluster-name (PEC_CLUSTER_NAME) is required and not set"]),
        (("--bogus",), ["error: No such option '--bogus'. (--help shows what there is)"]),
        (("fly",), ["error: Got unexpected extra argument (fly) (--help shows what there is)"]),
        (("--vpc-id",), ["error: Option '--vpc-id' requires an argument. (--help shows what there is)"]),
        (("--cluster-name", "c", "--kubeconfig", "/nowhere"), ["error: --kubeconfig (PEC_KUBECONFIG): '/nowhere' is"]),
        (("--vpc-id", "a\nb", "--table=x"), ["error: --vpc-id", "error: --cluster-name", "error: --table"]),
    ],
)
def test_faults_end_with_2_and_a_line_each(
    capfd: pytest.CaptureFixture[str], argv: Sequence[str], lines: Sequence[str]
) -> None:
    called = Called()
    assert called.main(*argv) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == len(lines)
    assert all(line.startswith(start) for line, start in zip(told.err.splitlines(), lines, strict=True))
    assert called.run == []


def test_help_shows_every_setting(capfd: pytest.CaptureFixture[str]) -> None:
    for argv in (("--help",), ("run", "--help"), ("table", "create", "-h")):
        assert Called().main(*argv) == 0
        told = capfd.readouterr().out
        assert all(setting.flag in told and setting.env in told for setting in SETTINGS)


def test_help_does_not_promise_that_kubeconfig_is_read(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert Called().main("--help") == 0
    told = " ".join(capfd.readouterr().out.split())
    assert "KUBECONFIG is not read. Default: the Pod's own service account." in told
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    called = Called()
    assert called.main("--cluster-name", "c") == 0
    assert called.run[0].kubeconfig is None


def test_a_replica_that_does_not_answer_is_an_error_and_no_fault(capfd: pytest.CaptureFixture[str]) -> None:
    assert Called().main("status", "--url", "http://127.0.0.1:1") == 1
    assert "Is the controller running there?" in capfd.readouterr().err


@pytest.mark.parametrize("argv", [("--version",), ("--help",), ("--region", "?")])
def test_nothing_heavy_is_imported_for_help_version_and_faults(argv: Sequence[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "controller", *argv],
        env=environment(),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 2)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not imported & {"boto3", "botocore", "kubernetes", "pynamodb", "gunicorn", "opentelemetry", "urllib3"}
