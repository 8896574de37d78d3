"""Text of strangers at each place where it leaves us: nothing of it turns a line around, ends one or steers a terminal.

It comes from annotations, tags, the table, Leases, and the errors of AWS and Kubernetes. So whole messages are made
legible where they leave, whoever wrote them.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from controller.core import contract
from controller.core.config import Config
from controller.core.diagnosis.finding import Check, Finding, Grade
from controller.core.release import Line, Request
from controller.core.status import PodStatus, PolicyStatus, PoolStatus, ShownPhase, Status
from controller.surface import cli, show
from controller.surface import release as conversation
from controller.surface.logs import Lines, Text
from controller.surface.output import Form
from controller.surface.program import Plain, complain
from state.errors import Unavailable
from state.model import InstallRecord
from tests.fakes.kube_http import Reply, scripted
from tests.fakes.records import install_record
from tests.web.asked import Asked, Scripted
from tests.web.harness import environment

WRITTEN = "evil\u202etxt\u2028\x1b[31m\x7f\u3164\U000e0041"
READ = r"evil\u202etxt\u2028\u001b[31m\u007f\u3164\U000e0041"
EVIL, SHOWN = WRITTEN + "\ud800", READ + r"\ud800"
"""With half a character, which Python's JSON lets pass and UTF-8 does not."""


def test_what_is_legible_already_stays() -> None:
    assert contract.legible(EVIL) == SHOWN
    assert contract.legible(contract.quoted("a\\\n")) == contract.quoted("a\\\n") == r"'a\\\n'"
    assert contract.legible("Größe 中 😀 'a' √") == "Größe 中 😀 'a' √"
    assert contract.legible("\ue000\u0378") == r"\ue000\u0378"


def record(message: str, *args: object, **more: Any) -> logging.LogRecord:
    """What a logger makes of it, with the exception that is being handled."""
    made = logging.LogRecord("controller.x", logging.WARNING, __file__, 1, message, args, sys.exc_info())
    made.__dict__.update(more)
    return made


def test_logs_are_legible_as_they_are_and_once_they_are_read() -> None:
    try:
        raise Unavailable(f"two\n{EVIL}", code=EVIL)
    except Unavailable:
        made = record("of %s\n%s", EVIL, "x", pod=EVIL, ms=3, to=[EVIL])
        line = Lines(["message"], json_ensure_ascii=False).format(made)
    said = json.loads(line)
    assert line.isprintable()
    assert (said["message"], said["pod"], said["ms"]) == (f"of {SHOWN}\\nx", SHOWN, 3)
    assert SHOWN in said["exc_info"]
    assert len(said["exc_info"].splitlines()) > 3
    assert all(part.isprintable() for value in said.values() for part in str(value).split("\n"))


def test_logs_for_a_terminal_are_legible_and_one_line_but_for_the_traceback() -> None:
    try:
        raise Unavailable(f"two\n{EVIL}", code=EVIL)
    except Unavailable:
        made = record("of %s\n%s", EVIL, "x", pod=f"{EVIL} a=b", to=[EVIL])
        lines = Text(["message"]).format(made).split("\n")
    assert all(line.isprintable() for line in lines)
    assert f"WARNING of {SHOWN}\\nx pod=" in lines[0]
    assert (lines[1], SHOWN in lines[-1]) == ("Traceback (most recent call last):", True)


def test_what_a_command_logs_is_legible() -> None:
    try:
        raise Unavailable(EVIL)
    except Unavailable:
        lines = Plain().format(record("of %s\n%s", EVIL, "x")).splitlines()
    assert lines[0] == f"of {SHOWN}\\nx"
    assert lines[-1].endswith(SHOWN)
    assert all(line.isprintable() for line in lines)


def test_a_command_that_configures_no_logs_has_them_legible() -> None:
    """Python's last resort writes them, as they came."""
    words = "import contextlib, logging, sys\nfrom controller.__main__ import main\nsys.argv[1:] = ['--version']\n"
    ended = "with contextlib.suppress(SystemExit):\n    main()\n"
    logged = r"logging.getLogger('controller.x').warning('a\x1b[31m\n%s', '\u202e')"
    done = subprocess.run(
        [sys.executable, "-c", words + ended + logged],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == "a\\u001b[31m\\n\\u202e\n"


def test_faults_are_legible(capsys: pytest.CaptureFixture[str]) -> None:
    complain([EVIL])
    assert capsys.readouterr().err == f"error: {SHOWN}\n".replace(r"\u2028", " ")


def answered(document: dict[str, Any], *, as_json: bool) -> str:
    """What `status` prints where a replica answers this; its JSON may hold what ours does not send."""
    reply = Reply(body=json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    with scripted(lambda _: reply) as server:
        return show.status(server.url, timeout_s=30.0, form=Form.JSON if as_json else Form.TEXT)


def hostile() -> dict[str, Any]:
    """A status document whose texts are all strangers'."""
    pod = PodStatus(namespace="ns", name="p", uid="u", mode=WRITTEN, phase=ShownPhase.INVALID, error=WRITTEN)
    pool = PoolStatus(tag_key=WRITTEN, total=0, free=0, waiting=0)
    policy = PolicyStatus(default="deny", rules=1, limits=0, error=WRITTEN)
    return Status(cluster=WRITTEN, identity=WRITTEN, pods=(pod,), pools=(pool,), policy=policy).to_json()


def test_the_status_in_a_terminal_is_legible() -> None:
    lines = answered(hostile(), as_json=False).split("\n")
    assert all(line.isprintable() for line in lines)
    assert [line.count(READ) for line in lines if READ in line] == [1, 1, 1, 2, 1]


def test_the_status_for_a_script_is_exact_and_steers_no_terminal() -> None:
    text = answered(hostile(), as_json=True)
    assert text.replace("\n", "").isprintable()
    assert json.loads(text)["pods"][0]["mode"] == WRITTEN


def test_what_doctor_finds_is_legible(capsys: pytest.CaptureFixture[str]) -> None:
    found = [Finding(check=Check.EC2, grade=Grade.BROKEN, text=EVIL, advice=EVIL)]
    with pytest.raises(SystemExit):
        cli.main(
            _nothing,
            _nothing,
            ["doctor"],
            release_cluster=lambda *_: True,
            release_orphans=lambda *_: True,
            examine=lambda *_: found,
            look=lambda *_: {},
        )
    assert capsys.readouterr().out == f"× ec2: {SHOWN}\n    {SHOWN}\n    docs/doctor.md#ec2\n"


def _nothing(_: Config) -> None:
    """Do nothing."""


class Dead:
    """A cluster whose every text is a stranger's."""

    def choose(self, cluster: str, lease: str | None) -> Sequence[InstallRecord]:
        """One install."""
        return [install_record(cluster, EVIL, lease=f"{EVIL}/{lease}", scope=EVIL, leader=EVIL)]

    def preview(self, installs: Sequence[InstallRecord]) -> Sequence[Line]:
        """One address."""
        return [Line(public_ip=EVIL, allocation_id=EVIL, mode=EVIL, holder=EVIL, preview=EVIL)]

    def watch(self, installs: Sequence[InstallRecord]) -> None:
        """It does not beat."""

    def release(self, installs: Sequence[InstallRecord], shown: Sequence[Line]) -> Sequence[str]:
        """One is left."""
        return [EVIL]


def test_what_release_cluster_tells_is_legible(capsys: pytest.CaptureFixture[str]) -> None:
    assert not conversation.release(Request(cluster=EVIL, yes=True), Dead())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.isprintable() for line in lines)
    assert lines[3] == f"left: {SHOWN}"


def test_why_a_probe_fails_is_legible() -> None:
    assert Asked("/readyz", Scripted((False, f"install {EVIL}"))).body == f"install {SHOWN}\n".encode()
