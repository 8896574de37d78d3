"""What the image is made of is renewed by one tool, which must find it; by hand the same commands do the same."""

import json
import re
from typing import Any

import pytest

from tests.image.tree import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.lock"), key=lambda lock: lock.name)
PINS = {lock.name: dict(re.findall(r"^(\S+)==(\S+)", lock.read_text(), re.MULTILINE)) for lock in LOCKS}
RENOVATE: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text())


def made_by_hand() -> list[str]:
    """The commands of `make lock`."""
    text = (ROOT / "Makefile").read_text()
    [start] = re.findall(r"^COMPILE = \$\(UV\) (.*)$", text, re.MULTILINE)
    return [
        f"uv {start} {rest}".replace(" -q", "") for rest in re.findall(r"^\t\$\(COMPILE\) (.*)$", text, re.MULTILINE)
    ]


def test_the_locks_say_by_which_command_they_were_made() -> None:
    said = [re.findall(r"^#    (.*)$", lock.read_text(), re.MULTILINE)[0] for lock in LOCKS]
    assert said == made_by_hand(), "in the order of their names, which is the tool's"


def test_the_tool_finds_every_lock() -> None:
    [pattern] = RENOVATE["pip-compile"]["managerFilePatterns"]
    assert all(re.search(pattern.strip("/"), f"requirements/{lock.name}") for lock in LOCKS)


def test_the_tool_renews_images_by_digest_and_packages() -> None:
    assert "docker:pinDigests" in RENOVATE["extends"]
    assert RENOVATE["enabledManagers"] == ["dockerfile", "pip-compile"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.name))
def test_each_package_has_hashes(lock: Any) -> None:
    lines = lock.read_text().replace("\\\n", " ").splitlines()
    pins = [line for line in lines if not line.lstrip().startswith("#")]
    assert pins
    assert all(re.match(r"^\S+==\S+.*--hash=sha256:[0-9a-f]{64}", line) for line in pins)


def test_what_runs_is_what_was_tested() -> None:
    assert PINS["run.lock"].items() <= PINS["dev.lock"].items()


@pytest.mark.parametrize(("lock", "example"), [("tools.lock", "uv"), ("sbom.lock", "jsonschema")])
def test_what_two_locks_name_has_one_version(lock: str, example: str) -> None:
    both = PINS[lock].keys() & PINS["dev.lock"].keys()
    assert example in both
    assert all(PINS[lock][name] == PINS["dev.lock"][name] for name in both)


def test_nothing_that_the_tests_install_makes_the_kubernetes_client_slow_to_load() -> None:
    """It loads kubernetes-validate where that is there, which loads this: a second at each start of a replica."""
    assert "rfc3987-syntax" not in PINS["dev.lock"]


def test_the_bound_of_pyproject_stands_where_the_tool_looks() -> None:
    [rule] = [rule for rule in RENOVATE["packageRules"] if rule.get("matchPackageNames") == ["kubernetes"]]
    assert f'"kubernetes>=37.0.1,{rule["allowedVersions"]}"' in (ROOT / "pyproject.toml").read_text()
