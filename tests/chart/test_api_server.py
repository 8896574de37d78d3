"""The chart's objects on the real API servers that we say we support, the oldest and the newest."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.chart.files import FULL, UPSTREAM, load
from tests.chart.helm import NAME, NAMESPACE, render
from tests.real.catalogue import KUBERNETES
from tests.real.cluster import ApiError, RealCluster

pytestmark = pytest.mark.real

GRANTED_S = 30.0


@pytest.fixture(scope="module", params=KUBERNETES)
def bare(request: pytest.FixtureRequest) -> Iterator[RealCluster]:
    """An API server of each version, with the namespaces that the values name."""
    with RealCluster(kubernetes=request.param) as cluster:
        for namespace in (NAMESPACE, "games"):
            cluster.kubectl("create", "namespace", namespace)
        yield cluster


def manifest(objects: Sequence[dict[str, Any]]) -> str:
    """The objects as kubectl reads them."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


@pytest.mark.parametrize(
    "values", [{"clusterName": "production"}, load(FULL), load(UPSTREAM)], ids=["default", "full", "upstream"]
)
def test_every_object_is_accepted_with_every_field(bare: RealCluster, values: dict[str, Any]) -> None:
    rendered = render(values, tests=True).objects
    objects = [one for one in rendered if one["apiVersion"] != "monitoring.coreos.com/v1"]
    accepted = bare.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-", stdin=manifest(objects))
    assert len(accepted.splitlines()) == len(objects)


def test_the_one_lease_may_be_watched_by_its_name_and_no_other(bare: RealCluster) -> None:
    objects = [found for found in render({"clusterName": "a"}).objects if "Role" in found["kind"]]
    bare.kubectl("apply", "--filename=-", stdin=manifest(objects))
    token = bare.service_account_token(NAMESPACE, NAME)
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
    for name in (NAME, "another"):
        bare.create(leases, {"metadata": {"name": name}})
    await_grant(bare, f"{leases}/{NAME}", token)
    watch = f"{leases}?watch=1&timeoutSeconds=5&fieldSelector=metadata.name%3D"
    assert bare.request("GET", f"{watch}{NAME}", token=token)["type"] == "ADDED"
    for path in (f"{watch}another", f"{leases}/another", leases):
        with pytest.raises(ApiError, match="403"):
            bare.request("GET", path, token=token)


def await_grant(cluster: RealCluster, path: str, token: str) -> None:
    """Wait until the API server has seen the role that allows to read `path`."""
    deadline = time.monotonic() + GRANTED_S
    while True:
        try:
            cluster.request("GET", path, token=token)
            return
        except ApiError:
            assert time.monotonic() < deadline, "the role grants nothing"
            time.sleep(0.1)
