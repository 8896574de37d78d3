"""What all tests share: the real servers of a process, what happens where a real part is not here, what is measured.

By hand, a test that needs a part which has not been built is skipped, and says how to get it. In CI it fails.
"""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.real.catalogue import KUBERNETES, parts
from tests.real.host import RealHost

LONG = ("e2e/test_field_", "e2e/test_demo")
"""Files whose tests wait for a minute and more each."""
APART = ("jaeger",)
"""Parts that one test alone needs, which looks for them itself."""
MISPLACED = "longest_misplacement_s"  # the property of a test: how long an address stood where its owner was not


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many tests run at once, for tox: most of them wait more than they compute, each kind in its own measure."""
    text = "with `-n auto`: so many workers for each core of this machine"
    parser.addoption("--each-core", type=float, default=1.0, metavar="NUMBER", help=text)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The workers for the cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(cores * config.getoption("each_core")))


@pytest.fixture(scope="session")
def real_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHost]:
    """Real API servers and DynamoDB Local, started when they are first asked for."""
    with RealHost(tmp_path_factory.mktemp("real-host")) as host:
        yield host


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits longest, or all wait for it at the end. Skip what cannot run here, but never in CI."""
    items[:] = long_ones_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    real = [item for item in items if item.get_closest_marker("real")]
    if not real or os.environ.get("CI") or not (missing := missing_parts()):
        return
    for item in real:
        item.add_marker(pytest.mark.skip(f"not here: {', '.join(missing)}; `make real` gets it"))


def long_ones_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """A part for each worker, for xdist deals out the order as it is; by chance, as it was, within the two kinds."""
    long, short = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        (long if any(file in item.path.as_posix() for file in LONG) else short).append(item)
    return [item for n in range(workers) for item in (*long[n::workers], *short[n::workers])]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Under which fault an address was misplaced for how long; nothing where no fault was played."""
    ends = [report for report in terminalreporter.getreports("") if isinstance(report, pytest.TestReport)]
    found = [(dict(end.user_properties).get(MISPLACED), end.nodeid.partition("::")[2]) for end in ends]
    told = sorted(((float(str(value)), name) for value, name in found if value is not None), reverse=True)
    if told:
        terminalreporter.section("longest misplacement of an address, in seconds")
        terminalreporter.write_line("\n".join(f"{seconds:7.2f} {name}" for seconds, name in told))


def missing_parts() -> list[str]:
    """The real parts that have not been built, and Java where there is none."""
    wanted = [
        *(part for part in parts().values() if part.name not in APART),
        *(parts(kubernetes)["kube-apiserver"] for kubernetes in KUBERNETES[1:]),
    ]
    absent = [part for part in wanted if not (part.program() if part.tool == "go" else part.folder.is_dir())]
    return [*(f"{part.name} {part.version}" for part in absent), *([] if shutil.which("java") else ["java"])]
