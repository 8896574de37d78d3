"""The image's recipe agrees with the files around it; what a build alone would show otherwise."""

import re
import tomllib

from tests.chart.files import CHART, defaults

ROOT = CHART.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def project() -> dict[str, object]:
    """All of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def copied() -> set[str]:
    """The paths that the Dockerfile takes from the tree."""
    lines = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
    return {source for line in lines for source in line.split()[:-1]}


def test_the_context_holds_what_is_copied_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[lines.index("*") + 1 :].count("**/__pycache__") == 1
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == copied()
    assert "sandbox" not in copied()


def test_the_build_backend_is_locked_at_the_version_of_the_project() -> None:
    system = project()["build-system"]
    assert isinstance(system, dict)
    locked = re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / "tools.lock").read_text(), re.MULTILINE)
    assert set(system["requires"]) <= set(locked)


def test_it_runs_as_the_user_of_the_chart() -> None:
    security = defaults()["podSecurityContext"]
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == [f"{security['runAsUser']}:{security['runAsGroup']}"]


def test_it_starts_the_command_of_the_project() -> None:
    described = project()["project"]
    assert isinstance(described, dict)
    (command,) = described["scripts"]
    assert f'ENTRYPOINT ["{command}"]' in DOCKERFILE


def test_the_program_is_found_by_the_name_and_the_path_of_the_go_controllers_image() -> None:
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    assert last_stage.startswith("scratch\n"), "what a layer only covers would still be carried"
    made, there = "/opt/venv/bin/aws-pod-eip-controller", "/usr/local/bin/aws-pod-eip-controller"
    assert f"COPY --from=build {made} {there}\n" in last_stage
    assert "ENV PATH=/opt/venv/bin:/usr/local/sbin:" in last_stage


def test_packages_are_checked_by_their_hashes() -> None:
    commands = re.split(r"&&|\n", DOCKERFILE.replace("\\\n", " "))
    installs = [command for command in commands if " install " in command]
    assert len(installs) == 3
    assert all("--require-hashes" in install or "--no-index" in install for install in installs)
