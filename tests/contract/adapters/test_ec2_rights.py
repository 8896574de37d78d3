"""What EC2 allows, asked beforehand: a dry run needs no leadership and changes nothing, on two simulations of EC2.

moto's answers are a second opinion: it knows dry runs, and is not ours.
"""

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from controller.core.allocation import rehearsal_tags
from sandbox.ec2.server import Ec2Server
from sandbox.ec2.settings import Ec2Settings
from state.errors import AccessDenied
from tests.contract.adapters.ec2_worlds import REGION, SwitchGuard, adapter
from tests.e2e.scene import denied

TAGS = rehearsal_tags({"CostCenter": "42"}, "prod", "uid-1")


@pytest.fixture
def standby() -> SwitchGuard:
    """The guard of a replica that does not lead."""
    guard = SwitchGuard()
    guard.leading = False
    return guard


@pytest.fixture(params=["sandbox", "moto"])
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """An account that allows all."""
    if request.param == "sandbox":
        with Ec2Server(Ec2Settings(region=REGION)) as server:
            yield server.url
        return
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


def test_what_is_allowed_passes_on_a_standby_and_allocates_nothing(
    endpoint: str, standby: SwitchGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with adapter(endpoint, standby, monkeypatch) as ec2:
        heard: list[str] = []
        ec2.on_mutation(lambda operation, _: heard.append(operation))
        ec2.rights.check_addresses()
        ec2.rights.check_interfaces()
        ec2.rights.check_allocation(TAGS)
        assert not ec2.describe_addresses()
        assert not heard, "a dry run is no change of EC2"
        assert not standby.asked


def test_what_is_denied_raises(standby: SwitchGuard, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Ec2Server(Ec2Settings(region=REGION)) as server,
        adapter(server.url, standby, monkeypatch) as ec2,
    ):
        server.control.inject(denied("AllocateAddress"))
        ec2.rights.check_addresses()
        with pytest.raises(AccessDenied, match="ec2:AllocateAddress"):
            ec2.rights.check_allocation(TAGS)
        sent = [record.params for record in server.control.log() if record.action == "AllocateAddress"]
        asked = {value for name, value in sent[0].items() if name.endswith(("Key", "Value"))}
        # Spelled out: the tags that the policies in deploy/iam ask for, and that the Go controller wrote.
        assert asked == {
            *("CostCenter", "42"),
            *("aws-samples.github.com/aws-pod-eip-controller-type", "auto"),
            *("aws-samples.github.com/aws-pod-eip-controller-cluster-name", "prod"),
            *("aws-samples.github.com/aws-pod-eip-controller-cluster-uid", "uid-1"),
        }


def test_a_stand_in_that_carries_a_dry_run_out_is_asked_once(
    standby: SwitchGuard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        Ec2Server(Ec2Settings(region=REGION, dry_run_obeyed=False)) as server,
        adapter(server.url, standby, monkeypatch) as ec2,
    ):
        ec2.rights.check_allocation(TAGS)
        assert not ec2.describe_addresses(), "nothing before it has shown that it knows dry runs"
        ec2.rights.check_addresses()
        for _ in range(3):
            ec2.rights.check_allocation(TAGS)
        [address] = ec2.describe_addresses()
        assert f"allocated {address.allocation_id} for a dry run" in caplog.text
