"""What the image contains may be given on: each package's licence is one of these, in its own words."""

import re
from importlib import metadata
from pathlib import Path

import pytest

LOCK = Path(__file__).parents[2] / "requirements" / "run.lock"
PERMISSIVE = re.compile(r"\b(Apache|MIT|BSD|ISC|PSF|MPL)\b|Python Software Foundation|Mozilla Public")
STRICT = re.compile(r"\b(A?GPL|LGPL|SSPL|BUSL)\b|GNU|Commons Clause", re.IGNORECASE)
NAMES = re.findall(r"^([A-Za-z0-9_.-]+)==", LOCK.read_text(), re.MULTILINE)


def licence(name: str) -> str:
    """What the package says of itself: the expression, or the older fields."""
    found = metadata.metadata(name)
    said = [text for field in ("License-Expression", "License") for text in found.get_all(field) or []]
    classifiers = [text for text in found.get_all("Classifier") or [] if text.startswith("License")]
    return "; ".join([*(text[:200] for text in said), *classifiers])


def test_the_lock_has_packages() -> None:
    assert len(NAMES) > 40


@pytest.mark.parametrize("name", NAMES)
def test_each_package_may_be_given_on(name: str) -> None:
    said = licence(name)
    assert PERMISSIVE.search(said), said
    assert not STRICT.search(said), said
