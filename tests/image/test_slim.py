"""What the image leaves out is what its tables say, and nobody who stays asks for a package that goes."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from botocore.loaders import Loader

from deploy.image import slim
from tests.image import tree

SITE = tree.SITE
GONE, KEPT, _ = slim.TABLES["packages"]
DEBIAN, ALONE = "usr/lib/python3", "usr/local/lib/python3.11"


def left(table: str, *paths: str) -> list[str]:
    """Those that stay."""
    gone, kept, _ = slim.TABLES[table]
    return [path for path in paths if path not in slim.needless(paths, gone, kept)]


def write(root: Path, paths: Iterable[str]) -> None:
    """Files of one byte."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")


@pytest.mark.parametrize("service", slim.SERVICES)
def test_the_data_of_our_services_stays(service: str) -> None:
    data = f"{SITE}/botocore/data"
    newest = Loader().determine_latest_version(service, "service-2")
    ours = [f"{data}/{service}/{newest}/service-2.json.gz", f"{data}/endpoints.json", f"{data}/_retry.json"]
    assert left("packages", *ours, f"{data}/{service}s/1/service-2.json.gz") == ours


@pytest.mark.parametrize("service", slim.SERVICES)
def test_of_several_api_versions_one_stays(service: str) -> None:
    versions = Loader().list_api_versions(service, "service-2")
    assert len(left("packages", *(f"{SITE}/botocore/data/{service}/{one}/service-2.json.gz" for one in versions))) == 1


def test_bytecode_goes_with_its_source_and_stays_with_it() -> None:
    models = f"{SITE}/kubernetes/client/models"
    stay = [f"{models}/__init__.py", f"{models}/__pycache__/__init__.cpython-311.pyc"]
    assert left("packages", *stay, f"{models}/v1_pod.py", f"{models}/__pycache__/v1_pod.cpython-311.pyc") == stay


def test_commands_of_other_packages_go() -> None:
    stay = ["bin/python", "bin/python3.11", "bin/aws-pod-eip-controller", "pyvenv.cfg"]
    assert left("packages", *stay, "bin/gunicorn", "bin/activate", "bin/opentelemetry-bootstrap") == stay


@pytest.mark.parametrize("pattern", GONE)
def test_a_pattern_that_takes_nothing_away_is_an_error(pattern: str) -> None:
    assert slim.needless(tree.files(), [pattern], KEPT), "the library has changed: what is it now?"


@pytest.mark.parametrize("pattern", [pattern for pattern in KEPT if not pattern.startswith("bin/")])
def test_a_pattern_that_keeps_nothing_is_an_error(pattern: str) -> None:
    assert slim.needless(tree.files(), [pattern], ())


def test_only_the_kubernetes_client_asks_for_the_packages_that_go() -> None:
    """Its asyncio half does, which goes too."""
    names = {name.replace("_", "-") for name in slim.ASYNC_ONLY}
    for package in tree.locked():
        asked = [one for one in package.requires or [] if "extra ==" not in one]
        wanted = {re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0].lower().replace("_", "-") for one in asked}
        assert package.name.replace("_", "-") in {*names, "kubernetes"} or not wanted & names, package.name


def test_the_base_loses_whatever_installs() -> None:
    stay = [f"{ALONE}/venv/__init__.py", f"{ALONE}/json/__init__.py", "usr/local/bin/python3.11", "usr/bin/pinky"]
    gone = [
        f"{ALONE}/ensurepip/_bundled/pip-24.0-py3-none-any.whl",
        f"{ALONE}/site-packages/pip/__init__.py",
        f"{ALONE}/site-packages/pip-24.0.dist-info/METADATA",
        f"{ALONE}/site-packages/setuptools/_vendor/wheel/__init__.py",
        f"{ALONE}/site-packages/wheel-0.45.1.dist-info/METADATA",
        f"{DEBIAN}/dist-packages/pkg_resources/__init__.py",
        "usr/share/python-wheels/pip-23.0.1-py3-none-any.whl",
        *(f"usr/local/bin/{name}" for name in ("pip", "pip3", "pip3.11", "idle3", "pydoc3.11", "2to3", "wheel")),
    ]
    assert left("base", *stay, *gone) == stay


def test_it_deletes_files_and_empty_folders_and_nothing_else(tmp_path: Path) -> None:
    stay, gone = ("usr/lib/python3.11/json/__init__.py",), ("usr/lib/python3.11/ensurepip/a/b.whl", "usr/bin/pip")
    write(tmp_path, [*stay, *gone, "opt/usr/bin/pip"])
    (tmp_path / "usr/bin/pip3").symlink_to("pip")
    (tmp_path / "usr/lib/python3.11/tkinter").symlink_to(tmp_path / "opt")
    paths = slim.needless(slim.files(tmp_path, "usr"), slim.BASE, ())
    assert set(paths) == {*gone, "usr/bin/pip3"}
    assert slim.remove(tmp_path, paths) == 2 + len("pip")
    assert (tmp_path / stay[0]).exists()
    assert (tmp_path / "opt/usr/bin/pip").exists()
    assert not (tmp_path / "usr/bin").exists()
    assert not (tmp_path / "usr/lib/python3.11/ensurepip").exists()


@pytest.mark.parametrize("argv", [[], ["packages"], ["other", "."], ["base", ".", "."]])
def test_wrong_arguments_are_told_how_it_is_used(argv: list[str]) -> None:
    with pytest.raises(SystemExit, match="opens: this takes them away"):
        slim.main(argv)


def test_a_base_that_still_has_an_installer_ends_the_build(tmp_path: Path) -> None:
    """Here it is in a folder that no table knows."""
    write(tmp_path, ["strange/pip.py", "usr/bin/pip"])
    argv = [sys.executable, "-S", str(tree.ROOT / "deploy" / "image" / "slim.py"), "base", str(tmp_path)]
    ended = subprocess.run(
        argv, env={"PYTHONPATH": str(tmp_path / "strange")}, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert "still there: " in ended.stderr
    assert "pip" in ended.stderr
    assert not (tmp_path / "usr/bin/pip").exists()
