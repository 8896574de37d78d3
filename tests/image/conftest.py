"""One environment of the image, for all tests of a process."""

from pathlib import Path

import pytest

from tests.image import tree


@pytest.fixture(scope="session")
def slim_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python that has what the image has, and no more."""
    return tree.make_slim(tmp_path_factory.mktemp("image") / "venv")
