"""How a command prints what it was told: as text for a person, or as JSON or YAML for a script.

Neither of these two can steer a terminal: both escape what is not ASCII, and all controls.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any


class Form(StrEnum):
    """What `-o` takes."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def render(document: Mapping[str, Any], form: Form, lines: Callable[[Mapping[str, Any]], Iterable[str]]) -> str:
    """The document in this form; `lines` makes the text of it."""
    match form:
        case Form.TEXT:
            return "\n".join(lines(document))
        case Form.JSON:  # of ASCII, JSON escapes all controls but one
            return json.dumps(document, indent=2).replace("\x7f", "\\u007f")
        case Form.YAML:
            return as_yaml(document)


def as_yaml(document: Mapping[str, Any]) -> str:
    """The document as YAML, in its own order."""
    import yaml  # slow to import, and rarely asked for

    return yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False, width=120).rstrip("\n")
