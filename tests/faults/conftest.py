"""Of each experiment the first case is for CI, the others are marked `again`: all take two processors 20 minutes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings
from tests.conftest import MISPLACED
from tests.faults.world import MEASURED, FaultWorld, fault_world


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas, which have the flags that the module calls FAST."""
    with fault_world(tmp_path, ClusterSettings(name="a", nodes=2, replicas=2), flags=request.module.FAST) as made:
        yield made


@pytest.fixture(autouse=True)
def tell_the_longest_misplacement(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Put what the verdicts of a test measured into the report."""
    yield
    seconds = [float(line) for path in tmp_path.rglob(MEASURED) for line in path.read_text().split()]
    if seconds:
        request.node.user_properties.append((MISPLACED, max(seconds)))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cases after the first; which one is first does not depend on the order of the run."""
    first: dict[str, str] = {}
    for item in items:
        name = item.nodeid.partition("[")[0]
        first[name] = min(first.get(name, item.nodeid), item.nodeid)
    for item in items:
        if item.get_closest_marker("faults") and first[item.nodeid.partition("[")[0]] != item.nodeid:
            item.add_marker(pytest.mark.again)
