"""The chart's files as they stand in the tree, and values that are given to it: no Helm is needed here."""

import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CHART = HERE.parents[1] / "chart"
FULL = HERE / "full-values.yaml"
UPSTREAM = HERE / "upstream-values.yaml"

Values = dict[str, Any]


def load(path: Path) -> Values:
    """A YAML file with one mapping."""
    found = yaml.safe_load(path.read_text())
    assert isinstance(found, dict)
    return found


def schema() -> Values:
    """The schema of the values."""
    found = json.loads((CHART / "values.schema.json").read_text())
    assert isinstance(found, dict)
    return found


def defaults() -> Values:
    """The values by default."""
    return load(CHART / "values.yaml")


def template_defaults() -> Values:
    """The list of defaults that templates/_defaults.tpl has for `--reuse-values`."""
    text = (CHART / "templates" / "_defaults.tpl").read_text()
    found = re.search(r'define "aws-pod-eip-controller.defaults" -}}\n(.*?){{- end }}', text, re.DOTALL)
    assert found is not None
    values = yaml.safe_load(found[1])
    assert isinstance(values, dict)
    return values


def faults(values: Mapping[str, Any]) -> list[str]:
    """What the schema has against these values, as Helm would merge them with the chart's own."""
    # Not imported by its name: it brings no types, and comes with kubernetes-validate.
    jsonschema: Any = importlib.import_module("jsonschema")
    merged = {**defaults(), **values}
    return [f"{error.json_path}: {error.message}" for error in jsonschema.Draft7Validator(schema()).iter_errors(merged)]
