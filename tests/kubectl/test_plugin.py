"""`kubectl eip` with a stand-in of kubectl that runs the command on a replica: which Pod, what words, what faults."""

import hashlib
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.kubectl.plugin import FOLDER, NAME, ROOT, Desk, row
from tests.web.harness import answers, environment, replica, until

SHELLS = [name for name in ("dash", "bash", "busybox") if shutil.which(name)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A laptop."""
    return Desk(tmp_path, environment())


@pytest.mark.parametrize("shell", [name for name in SHELLS if name != "busybox"])
def test_the_leader_is_asked_wherever_its_lease_is(tmp_path: Path, shell: str) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        desk = Desk(tmp_path, environment(PEC_LISTEN=f"127.0.0.1:{one.port}"), shell)
        pods = [row(name, namespace="net", release="mine", lease="l", lease_namespace="x") for name in ("a-1", "a-2")]
        desk.has(*pods, holder="a-2_0b1e-77")
        status, explained = desk.run("status", "-o", "json"), desk.run("explain", "games/server-1")
    assert (status.returncode, status.stderr) == (0, "")
    assert json.loads(status.stdout)["leader"]["epoch"] == 7
    assert explained.stdout.startswith("games/server-1: waiting. ")
    [lease, _] = desk.asked("lease")
    assert lease[:4] == ["get", "lease", "--namespace=x", "l"]
    assert desk.asked("exec")[0] == [
        "exec",
        "--namespace=net",
        "a-2",
        f"--container={NAME}",
        "--",
        NAME,
        "status",
        "-o",
        "json",
    ]


def test_kubectls_own_words_are_kept_apart_and_given_to_each_call(desk: Desk) -> None:
    words = ("--context", "my cluster", "--kubeconfig=/tmp/a file", "-n", "kube-system", "--request-timeout=5s")
    desk.run(*words, "explain", "games/a b", "-o", "yaml", "--direct")
    for call in desk.asked("--kubeconfig=/tmp/a file"):
        assert call[:3] == ["--kubeconfig=/tmp/a file", "--context=my cluster", "--request-timeout=5s"]
    [sent] = desk.asked("exec")
    assert sent[sent.index("--") + 2 :] == ["explain", "games/a b", "-o", "yaml", "--direct"]
    assert "--namespace=kube-system" in desk.asked("pods")[0]


def test_a_pod_without_a_namespace_is_in_that_of_the_context(desk: Desk) -> None:
    desk.answers["config view"] = [0, "games"]
    desk.run("explain", "-o", "json", "pod/server-1")
    [sent] = desk.asked("exec")
    assert sent[-4:] == ["explain", "-o", "json", "games/server-1"]
    desk.answers["config view"] = [0, ""]
    desk.run("explain", "server-1")
    assert desk.asked("exec")[-1][-1] == "default/server-1"


def test_the_commands_exit_code_is_the_plugins(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("explain", "A").returncode == 2
    with replica(tmp_path) as one:
        until(answers(one))
        asked = Desk(tmp_path, environment(PEC_LISTEN=f"127.0.0.1:{one.port}")).run("explain", "games/nobody")
    assert asked.returncode == 1
    assert "exec" not in asked.stderr


def test_a_hostname_that_was_cut_is_found(desk: Desk) -> None:
    long = "a-very-long-name-of-a-release-that-somebody-has-chosen-1-5d9c7b6f4-abcde"
    desk.has(row("b-1"), row(long), holder=f"{long[:63]}_0b1e")
    desk.run("doctor")
    assert desk.asked("exec")[0][2] == long


def test_nobody_leads(desk: Desk) -> None:
    desk.has(row("eip-1"), holder="")
    ended = desk.run("doctor")
    assert "Nobody leads: the Lease kube-system/eip has no holder" in ended.stderr
    assert "Asked instead: kube-system/eip-1" in ended.stderr
    assert len(desk.asked("exec")) == 1


def test_a_holder_that_is_gone_and_a_lease_that_may_not_be_read(desk: Desk) -> None:
    desk.has(row("eip-1"), holder="eip-0_1")
    assert "eip-0_1 is no running Pod" in desk.run("doctor").stderr
    desk.answers["get lease"] = [1, 'Error from server (Forbidden): leases "eip" is forbidden']
    ended = desk.run("doctor")
    assert "is forbidden" in ended.stderr
    assert "cannot be read, so who leads is not known" in ended.stderr


def test_several_installs_are_named_and_one_can_be_chosen(desk: Desk) -> None:
    desk.has(row("a-1", release="a"), row("b-1", release="b", namespace="net", lease="b"), holder="b-1_1")
    ended = desk.run("status")
    assert (ended.returncode, desk.asked("exec")) == (2, [])
    assert "there are several installs: kube-system/a net/b" in ended.stderr
    desk.run("status", "--release", "b")
    assert desk.asked("exec")[0][1:3] == ["--namespace=net", "b-1"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((), "no Pod of aws-pod-eip-controller was found: is it installed in this cluster?"),
        ((row("eip-1", phase="Pending"),), "no Pod of kube-system/eip runs"),
        (
            (row("go-1", lease=""),),
            "no variable PEC_LEASE_NAME; name the Lease (--lease NAMESPACE/NAME): kube-system/go-1",
        ),
    ],
)
def test_where_nothing_can_be_asked_it_says_why(desk: Desk, rows: tuple[str, ...], words: str) -> None:
    desk.has(*rows, holder="x_1")
    ended = desk.run("status")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert words in ended.stderr


def test_without_rights(desk: Desk) -> None:
    desk.answers["get pods"] = [1, "Error from server (Forbidden): pods is forbidden"]
    ended = desk.run("status")
    assert ended.returncode == 1
    assert "pods is forbidden" in ended.stderr
    assert "name the controller's: -n NAMESPACE" in ended.stderr
    desk.has(row("eip-1"), holder="eip-1_1")
    desk.answers |= {"exec": "Error from server (Forbidden): pods/exec", "auth can-i": [1, ""]}
    desk.answers["auth can-i"] = [0, "no\n"]
    ended = desk.run("status")
    assert ended.returncode == 1
    assert "you may not exec into Pods of the namespace kube-system" in ended.stderr


def test_a_lease_can_be_named_for_pods_that_do_not_name_it(desk: Desk) -> None:
    desk.has(row("go-1", lease=""), holder="go-1_1")
    desk.run("status", "--lease", "x/y")
    assert desk.asked("lease")[0][:4] == ["get", "lease", "--namespace=x", "y"]
    assert desk.asked("exec")[0][2] == "go-1"


@pytest.mark.parametrize(
    "words", [(), ("release-cluster", "x"), ("explain",), ("status", "-n"), ("status", "--lease", "x")]
)
def test_wrong_words_send_nothing(desk: Desk, words: tuple[str, ...]) -> None:
    ended = desk.run(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert not desk.asked("get")


def test_help(desk: Desk) -> None:
    ended = desk.run("--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "kubectl eip explain [NAMESPACE/]POD" in ended.stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("file", ["kubectl-eip", "kubectl_complete-eip"])
def test_each_shell_reads_the_scripts(shell: str, file: str) -> None:
    command = [shell, "sh"] if shell == "busybox" else [shell]
    subprocess.run([*command, "-n", str(FOLDER / file)], timeout=30, check=True)


# ── krew ──


@pytest.fixture(scope="module")
def krew() -> ModuleType:
    """deploy/kubectl/krew.py."""
    spec = importlib.util.spec_from_file_location("krew", FOLDER / "krew.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_krews_manifest_is_what_krew_takes_and_names_the_archive(tmp_path: Path) -> None:
    """The rules of krew's own check (kubernetes-sigs/krew, internal/index/validation/validate.go)."""
    argv = [sys.executable, str(FOLDER / "krew.py"), str(tmp_path), "--url", "https://example.com/p.tar.gz"]
    subprocess.run(argv, timeout=60, check=True)
    said, packed = yaml.safe_load((tmp_path / "eip.yaml").read_text()), (tmp_path / "kubectl-eip.tar.gz").read_bytes()
    assert (said["apiVersion"], said["kind"]) == ("krew.googlecontainertools.github.com/v1alpha2", "Plugin")
    assert re.fullmatch(r"[\w-]+", said["metadata"]["name"])
    assert re.fullmatch(r"v\d+\.\d+\.\d+(-[\w.]+)?", said["spec"]["version"])
    assert said["spec"]["shortDescription"]
    assert "\n" not in said["spec"]["shortDescription"]
    [platform] = said["spec"]["platforms"]
    assert {each["key"] for each in platform["selector"]["matchExpressions"]} <= {"os", "arch"}
    assert platform["sha256"] == hashlib.sha256(packed).hexdigest()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        modes = {entry.name: entry.mode for entry in tar}
    assert modes[platform["bin"]] & 0o111
    assert modes["kubectl_complete-eip"] & 0o111


def test_the_archive_is_the_same_each_time(krew: ModuleType) -> None:
    assert krew.archive() == krew.archive()


def test_what_stands_in_the_chart_is_what_the_plugin_looks_for() -> None:
    script, deployment = (FOLDER / "kubectl-eip").read_text(), (ROOT / "chart/templates/deployment.yaml").read_text()
    chart = yaml.safe_load((ROOT / "chart/Chart.yaml").read_text())
    assert chart["name"] == NAME
    assert f"name={NAME}\n" in script
    assert "- name: {{ .Chart.Name }}" in deployment
