"""The API servers that the Kubernetes contract holds for: the sandbox's, and the real one where it has been built.

A test module names this one in `pytest_plugins`. Each test has a namespace of its own, so that all share a server.
"""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from sandbox.kube.client import ApiClient
from sandbox.kube.server import KubeServer
from sandbox.kube.settings import KubeSettings
from tests.contract.simulators.kube_api import Forgetful, KubeApi
from tests.real.host import RealHost


@contextmanager
def _sandbox() -> Iterator[ApiClient]:
    with KubeServer(KubeSettings()) as kube:
        client = ApiClient(kube.url)
        yield client
        client.close()


@contextmanager
def _real(host: RealHost) -> Iterator[ApiClient]:
    with ExitStack() as stack:
        cluster = stack.enter_context(host.cluster())
        client = ApiClient(cluster.url, {"Authorization": f"Bearer {cluster.token}"}, str(cluster.ca))
        stack.callback(client.close)
        yield client


@pytest.fixture(scope="session", params=["sandbox", pytest.param("real", marks=pytest.mark.real)])
def kube_server(request: pytest.FixtureRequest) -> Iterator[ApiClient]:
    """An API server that all tests of a process share."""
    server = _sandbox() if request.param == "sandbox" else _real(request.getfixturevalue("real_host"))
    with server as client:
        yield client


@contextmanager
def _forgetful_sandbox() -> Iterator[Forgetful]:
    with KubeServer(KubeSettings()) as kube:
        client = ApiClient(kube.url)
        yield KubeApi(client, "forgetful"), kube.control.compact
        client.close()


@contextmanager
def _forgetful_real(host: RealHost) -> Iterator[Forgetful]:
    """An API server keeps versions beside etcd's: it has forgotten them for certain only after a restart."""
    with ExitStack() as stack:
        cluster = stack.enter_context(host.cluster())
        client = ApiClient(cluster.url, {"Authorization": f"Bearer {cluster.token}"}, str(cluster.ca))
        stack.callback(client.close)

        def forget() -> None:
            cluster.stop_api()
            cluster.compact()
            cluster.start_api()

        yield KubeApi(client, f"forgetful-{uuid.uuid4().hex[:10]}"), forget


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.real)])
def forgetful(request: pytest.FixtureRequest) -> Iterator[Forgetful]:
    """A namespace on a server of its own, and how to make that server forget all versions but the newest."""
    real = request.param == "real"
    with _forgetful_real(request.getfixturevalue("real_host")) if real else _forgetful_sandbox() as made:
        yield made


@pytest.fixture
def kube_api(kube_server: ApiClient) -> KubeApi:
    """A namespace of its own on that server."""
    return KubeApi(kube_server, f"t-{uuid.uuid4().hex[:10]}")


@pytest.fixture
def kube() -> Iterator[KubeServer]:
    """A sandbox server of its own, to be broken on purpose."""
    with KubeServer(KubeSettings()) as server:
        yield server
