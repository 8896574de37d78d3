"""What is new and has no sentence fails the type check: planted in a copy of the core, mypy names each."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CHECKED = ("remedies", "step_words", "facts_words", "waiting", "explain")
PLANTS = {
    "a reason to wait": ("actions", '    QUOTA = "room in the account', '    NEW = "new"\n', "remedies"),
    "a fault of annotations": ("desire", "    IPV6_ONLY = auto()", "    NEW = auto()\n", "remedies"),
    "a lack of addresses": ("situation", "    QUOTA = auto()", "    NEW = auto()\n", "remedies"),
    "what wakes a Pod": ("requeue_rules", "    TOKEN = auto()", "    NEW = auto()\n", "step_words"),
    "a step": ("actions", "Unseen = Confirm | Tell | Wait", "@dataclass\nclass New:\n    pass\n\n\n", "step_words"),
}
"""By what is new: the module, the line before which it is planted, the plant, and the module that must be named."""


def checked(folder: Path) -> str:
    """What mypy says of this copy's sentences."""
    files = [f"controller/core/{name}.py" for name in CHECKED]
    cache = ["--cache-dir", str(folder / "cache")]
    argv = [sys.executable, "-m", "mypy", "--config-file=", "--strict", "--ignore-missing-imports", *cache, *files]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=170, check=False).stdout


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says where all are planted at once."""
    folder = tmp_path_factory.mktemp("planted")
    for part in ("state", "controller"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for module, before, plant, _ in PLANTS.values():
        file = folder / "controller" / "core" / f"{module}.py"
        text = file.read_text()
        assert text.count(before) == 1, before
        file.write_text(text.replace(before, plant + before))
    actions = folder / "controller/core/actions.py"
    actions.write_text(
        actions.read_text().replace("Unseen = Confirm | Tell | Wait", "Unseen = Confirm | Tell | Wait | New")
    )
    return checked(folder)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("what", PLANTS)
def test_what_is_new_and_has_no_sentence_is_named(verdict: str, what: str) -> None:
    module = PLANTS[what][3]
    new = "New" if what == "a step" else ".NEW"
    named = [line for line in verdict.splitlines() if line.startswith(f"controller/core/{module}.py") and new in line]
    assert named, verdict
