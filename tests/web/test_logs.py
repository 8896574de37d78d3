"""The two formats of the log: an object a line for machines, text for a terminal."""

import io
import json
import logging
import os
import pty
import shlex
import subprocess
import sys
from typing import Any

import pytest

from controller.surface.logs import Lines, Text
from tests.web.harness import environment

FIELDS = {
    "pod": "games/server-1",
    "pod_uid": "7a0f",
    "address": "198.51.100.7",
    "allocation_id": "eipalloc-1",
    "mode": "auto",
    "epoch": 3,
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
}
SAYS = (
    "import logging, sys\nfrom controller.surface import logs\nlogs.configure('info', *sys.argv[1:])\n"
    "logging.getLogger('controller.x').info('claimed', extra={'pod': 'ns/p'})\n"
)
LIMIT_S = 60.0


def written(formatter: logging.Formatter, message: str, **fields: Any) -> str:
    """What a logger with this formatter writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("controller.x", logging.INFO)
    logger.addHandler(handler)
    logger.info("%s", message, extra=fields)
    return stream.getvalue()


def test_a_line_for_machines_is_one_object() -> None:
    line = written(Lines(["message"], json_ensure_ascii=False), "claimed", **FIELDS)
    found = json.loads(line)
    assert line.count("\n") == 1
    assert found.pop("time").endswith("Z")
    assert found == {"level": "info", "logger": "controller.x", "message": "claimed", **FIELDS}
    assert list(json.loads(line))[:4] == ["time", "level", "logger", "message"]


def parsed(line: str) -> tuple[list[str], dict[str, str]]:
    """The words and the fields of a line for people, as a shell would read them."""
    words = shlex.split(line)
    return [word for word in words if "=" not in word], dict(word.split("=", 1) for word in words if "=" in word)


def test_a_line_for_people_has_the_same_fields() -> None:
    line = written(Text(["message"]), "labelled: served in 2.3 s", **FIELDS)
    words, fields = parsed(line)
    assert line.count("\n") == 1
    assert words[0].endswith("Z")
    assert words[1:] == ["INFO", "labelled:", "served", "in", "2.3", "s", "[controller.x]"]
    assert fields == {name: str(value) for name, value in FIELDS.items()}


@pytest.mark.parametrize("value", ["", "two words", "a=b", 'a "quote"', "a=\n"])
def test_a_field_cannot_pass_for_two(value: str) -> None:
    _, fields = parsed(written(Text(["message"]), "said", pod=value, mode="auto"))
    assert fields.keys() == {"pod", "mode"}
    assert fields["mode"] == "auto"


@pytest.mark.parametrize(("value", "word"), [(None, "null"), (True, "true"), (1.5, "1.5"), ([1], "[1]")])
def test_what_is_no_text_is_written_as_json_writes_it(value: object, word: str) -> None:
    assert f" after_s={word} " in written(Text(["message"]), "said", after_s=value)


def said(format: str | None, *, at_a_terminal: bool) -> str:
    """What a process with this setting writes on standard error."""
    command = [sys.executable, "-c", SAYS, *([format] if format else [])]
    if not at_a_terminal:
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=LIMIT_S, check=True)
        return done.stderr
    master, slave = pty.openpty()
    try:
        subprocess.run(command, env=environment(), stderr=slave, timeout=LIMIT_S, check=True)
        return os.read(master, 4096).decode()
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize(
    ("format", "at_a_terminal", "as_json"),
    [
        (None, False, True),
        (None, True, False),
        ("json", True, True),
        ("text", False, False),
    ],
)
def test_a_terminal_gets_text_and_a_file_json_unless_somebody_chooses(
    format: str | None, at_a_terminal: bool, as_json: bool
) -> None:
    line = said(format, at_a_terminal=at_a_terminal).strip()
    if as_json:
        assert json.loads(line)["pod"] == "ns/p"
    else:
        assert " INFO    claimed pod=ns/p [controller.x]" in line


EXPIRED = (
    "import datetime\nfrom botocore.credentials import RefreshableCredentials\n"
    "def refuse():\n    raise RuntimeError('STS says no')\n"
    "past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)\n"
    "found = RefreshableCredentials('a', 's', 't', past, refuse, 'assume-role')\n"
    "try:\n    found.get_frozen_credentials()\nexcept RuntimeError:\n    pass\n"
)


@pytest.mark.parametrize(("begin", "silent"), [(SAYS, True), ("import logging\nlogging.basicConfig()\n", False)])
def test_botocores_own_tracebacks_of_credentials_are_not_written(begin: str, silent: bool) -> None:
    """The second case is the control: botocore writes one for each try."""
    argv = [sys.executable, "-c", begin + EXPIRED]
    ended = subprocess.run(argv, env=environment(), capture_output=True, text=True, timeout=LIMIT_S, check=True)
    assert ("Traceback" not in ended.stderr) is silent
