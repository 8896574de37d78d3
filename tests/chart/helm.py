"""Runs the real Helm on the chart, and gives what it renders as objects."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.chart.files import CHART
from tests.real.catalogue import parts

NAME, NAMESPACE = "eip", "eip-system"
HELM_S = 60.0

Object = dict[str, Any]


class HelmFailed(RuntimeError):
    """Helm ended with an error; the message is its own."""


def run(*arguments: str, values: Mapping[str, Any] | None = None, strict: bool = False, limit_s: float = HELM_S) -> str:
    """What Helm prints. `values` go in as a file. HelmFailed where it fails, or, if `strict`, warns of the values."""
    program = parts()["helm"].program()
    assert program is not None, "Helm has not been built: python -m tests.real.build --only helm"
    # JSON is YAML, and says exactly which type a value is.
    argv = [str(program), *arguments, *(["--values=-"] if values is not None else [])]
    given = json.dumps(values) if values is not None else None
    done = subprocess.run(argv, input=given, capture_output=True, text=True, timeout=limit_s, check=False)
    if done.returncode or (strict and "warning" in done.stderr):
        raise HelmFailed(f"{done.stderr}{done.stdout}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Release:
    """The objects that one rendering gives."""

    objects: Sequence[Object]

    def of_kind(self, kind: str) -> list[Object]:
        """All objects of a kind, in their order."""
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, name: str = NAME) -> Object:
        """The object of that kind and name."""
        (found,) = (found for found in self.of_kind(kind) if found["metadata"]["name"] == name)
        return found

    @property
    def pod(self) -> Object:
        """The Pod's spec."""
        [deployment] = self.of_kind("Deployment")
        spec: Object = deployment["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> Object:
        """The only container."""
        (found,) = self.pod["containers"]
        assert isinstance(found, dict)
        return found

    @property
    def env(self) -> dict[str, str]:
        """The variables that have a value of their own."""
        return {entry["name"]: entry["value"] for entry in self.container["env"] if "value" in entry}


def render(values: Mapping[str, Any], *, chart: Path = CHART, name: str = NAME, tests: bool = False) -> Release:
    """What `helm template` gives for these values and a release of this name; HelmFailed where it fails or warns.

    `tests`: also what `helm test` makes.
    """
    return Release([found for found in yaml.safe_load_all(_template(json.dumps(values), chart, name, tests)) if found])


@cache
def _template(values: str, chart: Path, name: str, tests: bool) -> str:
    more = [] if tests else ["--skip-tests"]
    given = json.loads(values)
    return run("template", name, str(chart), f"--namespace={NAMESPACE}", *more, values=given, strict=True)
