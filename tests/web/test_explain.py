"""One Pod's explanation over HTTP, and by the command that asks a replica for it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from controller.core.explain import Verdict
from controller.core.values import Endpoint
from controller.surface.explanation import pod_name
from controller.surface.leader_client import LeaderClient
from sandbox.process import free_port
from state.errors import Misconfigured, Unavailable
from tests.web import samples
from tests.web.asked import Asked
from tests.web.harness import Replica, answers, environment, replica, until


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, whatever it ends with."""
    argv = [sys.executable, "-m", "tests.web.replica", *arguments]
    return subprocess.run(argv, env=environment(), capture_output=True, text=True, timeout=60, check=False)


def explained(one: Replica, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`explain`, of this replica."""
    return run("explain", "--url", f"http://127.0.0.1:{one.port}", *arguments)


def test_a_pod_is_explained_at_its_path() -> None:
    answer = Asked("/api/v1/pods/games/server-1")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(answer.body)["summary"].startswith("The Pod waits")


def test_who_is_not_known_is_not_found_and_a_replica_that_starts_says_so() -> None:
    missing = Asked("/api/v1/pods/games/nobody")
    assert missing.status == 404
    assert "asks by the annotation" in json.loads(missing.body)["summary"]
    assert Asked("/api/v1/pods/games/starting").status == 503


@pytest.mark.parametrize(
    "path",
    [
        "games",
        "games/",
        "games/a/b",
        "Games/a",
        "games/-a",
        "games/a%0a",
        "../status",
        "games/a\n",
        "games/é",
        "a" * 999,
    ],
)
def test_what_cannot_be_a_pod_is_no_path(path: str) -> None:
    assert Asked(f"/api/v1/pods/{path}").status == 404


def test_it_is_read_only() -> None:
    assert Asked("/api/v1/pods/games/server-1", method="POST").status == 405


def test_the_command_explains_in_each_form(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        text, as_json, as_yaml = (explained(one, "games/server-1", *form) for form in ((), ("-o", "json"), ("-oyaml",)))
        missing = explained(one, "games/nobody")
    assert [ended.returncode for ended in (text, as_json, as_yaml, missing)] == [0, 0, 0, 1]
    lines = text.stdout.splitlines()
    assert lines[0].startswith("games/server-1: waiting. The Pod waits: ")
    assert "Remedy: Tag an address." in lines
    assert "When:   The Pod is planned anew in 3 s." in lines
    assert "Says:   eip-7d9f-x1_6f0c, the leader, at 2026-01-01T00:00:00Z" in lines
    assert samples.HOSTILE.isprintable() is False
    assert all(line.isprintable() for line in lines)
    assert json.loads(as_json.stdout) == yaml.safe_load(as_yaml.stdout)
    assert all(line.isprintable() for ended in (as_json, as_yaml) for line in ended.stdout.splitlines())
    assert "asks by the annotation" in " ".join(missing.stdout.split())


def test_another_replica_can_ask_and_a_name_that_is_not_known_is_an_answer(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        ask, there = LeaderClient("me_2").explain, Endpoint(host="127.0.0.1", port=one.port)
        known, missing = ask(there, "games", "server-1"), ask(there, "games", "nobody")
    assert (known.verdict, known.answered_by.identity) == (Verdict.WAITING, "eip-7d9f-x1_6f0c")
    assert (missing.verdict, missing.uid) == (Verdict.UNKNOWN, "")
    with pytest.raises(Unavailable, match="nothing listens there"):
        ask(Endpoint(host="127.0.0.1", port=free_port()), "games", "server-1")


def test_where_nobody_answers_it_looks_by_itself_unless_a_replica_was_named() -> None:
    port = free_port()
    alone = run("explain", "a/b", "--listen", f"127.0.0.1:{port}")
    assert (alone.returncode, alone.stdout.splitlines()[0][:12]) == (0, "a/b: waiting")
    assert "no replica answers, so this looks by itself" in alone.stderr
    named = run("explain", "a/b", "--url", f"http://127.0.0.1:{port}")
    assert (named.returncode, named.stdout) == (1, "")
    assert "NoStatus" in named.stderr
    assert run("explain", "a/b", "--direct").returncode == 0


@pytest.mark.parametrize("name", ["a", "", "a/", "/b", "a/b/c", "A/b", "a/B", "a/\x1b[31m", "a/b c"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(Misconfigured, match="is not NAMESPACE/POD"):
        pod_name(name)


def test_a_name_may_be_written_as_kubectl_does() -> None:
    assert pod_name("games/server-1") == ("games", "server-1")
    assert run("explain", "A").returncode == 2


def test_the_status_in_each_form(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        forms = ((), ("--json",), ("-o", "json"), ("-o=json",), ("--output", "yaml"))
        said = [run("status", "--url", f"http://127.0.0.1:{one.port}", *form) for form in forms]
        wrong = run("status", "-o", "xml")
    assert [ended.returncode for ended in said] == [0] * 5
    documents = [json.loads(ended.stdout) for ended in said[1:4]] + [yaml.safe_load(said[4].stdout)]
    assert [{**found, "as_of": ""} for found in documents] == [{**documents[0], "as_of": ""}] * 4
    assert said[0].stdout.startswith("cluster   c\n")
    assert wrong.returncode == 2
