"""What the adapter puts on the wire, and what it makes of answers that EC2 should not give, seen from the server."""

import time
from collections.abc import Iterator

import pytest

from controller.core.views import AllocationRequest
from sandbox.ec2.control import Ec2Control
from sandbox.ec2.faults import Fault, FaultKind
from sandbox.ec2.log import CallRecord
from sandbox.world import wait_until
from state.errors import AccessDenied, AddressForeign, NoCredentials, NotLeading, Refused, Throttled, Unavailable
from state.model import AllocationId, InterfaceId, Target
from tests.contract.adapters.ec2_worlds import REGION, SandboxWorld, SwitchGuard, adapter, sandbox_world

CLOSED = "http://127.0.0.1:9"
"""The discard port: nobody listens there."""
AMAZON = AllocationRequest(public_ipv4_pool="amazon", tags={})


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxWorld]:
    """The adapter on a server of its own."""
    with sandbox_world(monkeypatch) as made:
        yield made


def last(control: Ec2Control) -> CallRecord:
    """The last call that the server saw."""
    return control.log()[-1]


def test_what_an_association_says(world: SandboxWorld) -> None:
    address = world.address()
    world.ec2.associate(address, Target(interface_id=world.interface("10.0.0.1"), private_ip="10.0.0.1"))
    call = last(world.control)
    assert call.params["AllowReassociation"] == "false"
    assert call.params["PrivateIpAddress"] == "10.0.0.1"
    assert "aws-pod-eip-controller/9.9.9" in call.caller.user_agent


def test_what_an_allocation_says(world: SandboxWorld) -> None:
    world.settings(pools=["ipv4pool-ec2-mine"], border_groups=["us-west-2-lax-1"])
    world.ec2.allocate(AMAZON)
    assert last(world.control).params == {"Domain": "vpc"}
    world.ec2.allocate(
        AllocationRequest(
            public_ipv4_pool="ipv4pool-ec2-mine", tags={"b": "2", "a": "1"}, border_group="us-west-2-lax-1"
        )
    )
    assert last(world.control).params == {
        "Domain": "vpc",
        "PublicIpv4Pool": "ipv4pool-ec2-mine",
        "NetworkBorderGroup": "us-west-2-lax-1",
        "TagSpecification.1.ResourceType": "elastic-ip",
        "TagSpecification.1.Tag.1.Key": "a",
        "TagSpecification.1.Tag.1.Value": "1",
        "TagSpecification.1.Tag.2.Key": "b",
        "TagSpecification.1.Tag.2.Value": "2",
    }


def test_release_names_the_border_group_only_where_it_is_not_the_regions(world: SandboxWorld) -> None:
    world.settings(border_groups=["us-west-2-lax-1"])
    home, away = world.address(), world.address(border_group="us-west-2-lax-1")
    world.ec2.release(home, REGION)
    assert last(world.control).params == {"AllocationId": home}
    world.ec2.release(away, "us-west-2-lax-1")
    assert last(world.control).params == {"AllocationId": away, "NetworkBorderGroup": "us-west-2-lax-1"}


def test_service_managed_addresses_are_left_out(world: SandboxWorld) -> None:
    world.control.add_address(service_managed="alb")
    mine = world.address()
    assert [address.allocation_id for address in world.ec2.describe_addresses()] == [mine]


def test_interfaces_of_another_vpc_are_strangers(world: SandboxWorld) -> None:
    world.control.add_interface("10.0.0.1", vpc_id="vpc-other", instance_id="i-1")
    assert not world.ec2.describe_interfaces_by_ip(["10.0.0.1"])
    assert not world.ec2.describe_interfaces_by_instance(["i-1"])


def test_the_guard_is_asked_after_everything_else(world: SandboxWorld) -> None:
    asked_before = world.guard.asked
    world.ec2.allocate(AMAZON)
    assert world.guard.asked == asked_before + 2  # on entering the queue for a token, and before sending
    world.ec2.describe_addresses()
    assert world.guard.asked == asked_before + 2


def test_leadership_that_ends_on_the_way_stops_the_request(world: SandboxWorld) -> None:
    class Once(SwitchGuard):
        def check(self) -> None:
            super().check()
            self.leading = False

    world.address()
    with pytest.MonkeyPatch.context() as env, adapter(world.url, Once(), env) as late, pytest.raises(NotLeading):
        late.allocate(AMAZON)
    assert world.calls("AllocateAddress") == 0


@pytest.mark.parametrize("kind", ["lost_call", "lost_reply", "malformed"])
def test_answers_that_say_nothing_are_perhaps(world: SandboxWorld, kind: FaultKind) -> None:
    world.control.inject(Fault(kind=kind, action="AllocateAddress"))
    with pytest.raises(Unavailable):
        world.ec2.allocate(AMAZON)
    assert world.calls("AllocateAddress") == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("<html><body>Bad Gateway</body></html>", 502),
        ("", 503),
        ("", 200),
        ("<AssociateAddressResponse><return>true</return></AssociateAddressResponse>", 200),
        ("not xml", 200),
    ],
)
def test_answers_of_another_kind_are_perhaps(world: SandboxWorld, body: str, status: int) -> None:
    world.control.inject(Fault(kind="malformed", action="AssociateAddress", body=body, status=status))
    there = Target(interface_id=world.interface("10.0.0.1"), private_ip="10.0.0.1")
    with pytest.raises(Unavailable):
        world.ec2.associate(world.address(), there)


def test_an_allocation_without_its_id_is_perhaps(world: SandboxWorld) -> None:
    body = "<AllocateAddressResponse><publicIp>198.18.0.9</publicIp></AllocateAddressResponse>"
    world.control.inject(Fault(kind="malformed", action="AllocateAddress", body=body))
    with pytest.raises(Unavailable):
        world.ec2.allocate(AMAZON)


def test_a_frozen_call_ends_at_its_time_limit(world: SandboxWorld) -> None:
    world.control.inject(Fault(kind="hold", action="AllocateAddress"))
    with (
        pytest.MonkeyPatch.context() as patch,
        adapter(world.url, SwitchGuard(), patch, call_timeout_s=0.9) as impatient,
    ):
        started = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            impatient.allocate(AMAZON)
    assert time.monotonic() - started < 20.0  # the SDK's own limit is 60 s
    assert caught.value.code == "ReadTimeoutError"
    wait_until(world.control.held, 30, "the call has arrived")  # its caller may give up before it has arrived
    assert world.control.let_go() == 1


def test_a_server_that_is_not_there_is_perhaps(world: SandboxWorld) -> None:
    with (
        pytest.MonkeyPatch.context() as env,
        adapter(CLOSED, SwitchGuard(), env) as lonely,
        pytest.raises(Unavailable) as caught,
    ):
        lonely.describe_addresses()
    assert caught.value.code == "EndpointConnectionError"


@pytest.mark.parametrize(
    ("code", "status", "message", "expected"),
    [
        ("UnauthorizedOperation", 403, "You are not authorized to perform this operation.", AccessDenied),
        ("AuthFailure", 401, "AWS was not able to validate the provided access credentials", NoCredentials),
        ("AuthFailure", 400, "The address does not belong to you.", AddressForeign),
        ("RequestLimitExceeded", 503, "Request limit exceeded.", Throttled),
        ("Throttling", 400, "Rate exceeded", Throttled),
        ("InternalError", 500, "An internal error has occurred", Unavailable),
        ("SomethingNew", 400, "No.", Refused),
        ("SomethingNew", 500, "Oh.", Unavailable),
    ],
)
def test_errors_come_with_their_code(
    world: SandboxWorld, code: str, status: int, message: str, expected: type[Exception]
) -> None:
    world.control.inject(Fault(kind="error", action="ReleaseAddress", code=code, status=status, message=message))
    with pytest.raises(expected) as caught:
        world.ec2.release(AllocationId("eipalloc-1"), REGION)
    assert type(caught.value) is expected
    assert isinstance(caught.value, (Refused, Throttled, Unavailable))
    assert (caught.value.code, caught.value.message) == (code, message)


def test_missing_credentials_are_access_denied_with_advice(world: SandboxWorld) -> None:
    guard = SwitchGuard()
    with (
        pytest.MonkeyPatch.context() as env,
        adapter(world.url, guard, env, credentials=False) as nobody,
        pytest.raises(AccessDenied) as caught,
    ):
        nobody.describe_addresses()
    assert caught.value.code == "NoCredentialsError"
    assert "ServiceAccount" in caught.value.explain()


def test_a_target_on_an_unknown_interface_is_refused_for_good(world: SandboxWorld) -> None:
    with pytest.raises(Refused):
        world.ec2.associate(world.address(), Target(interface_id=InterfaceId("eni-1"), private_ip="10.0.0.1"))
