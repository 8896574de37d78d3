"""The tags that an organization wants on every address, parsed from one setting. What EC2 would refuse ends the start.

A service control policy may refuse each AllocateAddress without a cost tag; then no `auto` Pod is served until they are
set here. Limits are those of the Amazon EC2 user guide, "Tag your Amazon EC2 resources".
"""

import json
from collections.abc import Mapping
from typing import Any

from controller.core.contract import LONGEST_TAG_VALUE, OWN_TAGS, tag_key_fault

MOST = 50 - len(OWN_TAGS)
"""How many there may be beside the controller's own: 50 on a resource."""


def parse(raw: str) -> Mapping[str, str] | None:
    """`KEY=VALUE,KEY=VALUE`, or a JSON object where a key or a value has a comma or an equals sign; None for none.

    Raises ValueError with the fault, as the other parsers of settings do.
    """
    tags = _object(raw) if raw.lstrip().startswith("{") else _pairs(raw)
    if len(tags) > MOST:
        raise ValueError(f"has {len(tags)} tags: an address can have {MOST} beside the controller's own")
    for key, value in tags.items():
        if tag_key_fault(key) is not None:
            raise ValueError(f"has a key that is too long, or kept by AWS or by the controller: {key!r}")
        if len(value) > LONGEST_TAG_VALUE:
            raise ValueError(f"has a value of more than {LONGEST_TAG_VALUE} characters: that of {key!r}")
    return tags or None


def _pairs(raw: str) -> Mapping[str, str]:
    pairs = [part.partition("=") for part in raw.split(",") if part.strip()]
    bare = next((key for key, equals, _ in pairs if not equals), None)
    if bare is not None:
        raise ValueError(f"is not KEY=VALUE,KEY=VALUE or a JSON object: {bare!r} has no value")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _object(raw: str) -> Mapping[str, str]:
    try:
        found: Any = json.loads(raw)
    except ValueError:
        raise ValueError("is not a JSON object of tags") from None
    if not all(isinstance(value, str | int | float | bool) for value in found.values()):
        raise ValueError("is not a JSON object whose values are texts")
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in found.items()}
