"""What goes wrong on demand: throttling, latency, stale reads, injected faults, frozen calls."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from sandbox.ec2.faults import Fault
from sandbox.ec2.settings import Bucket, Ec2Settings
from tests.contract.simulators.ec2_scene import CONFIG, HandClock, client, refused, scene


def wait_until(condition: Callable[[], object]) -> None:
    """Polls for 30 s at most."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        threading.Event().wait(0.005)


def test_a_bucket_lets_a_burst_pass_and_then_its_rate() -> None:
    clock = HandClock()
    buckets = {"ReleaseAddress": Bucket(capacity=3, refill_per_s=2)}
    with scene(Ec2Settings(throttle=True, buckets=buckets), clock) as ec2:
        for _ in range(3):
            with refused("InvalidAllocationID.NotFound"):
                ec2.api.release_address(AllocationId="eipalloc-0")
        with refused("RequestLimitExceeded", 503):
            ec2.api.release_address(AllocationId="eipalloc-0")
        ec2.api.describe_addresses()
        clock.now += 0.5
        with refused("InvalidAllocationID.NotFound"):
            ec2.api.release_address(AllocationId="eipalloc-0")
        with refused("RequestLimitExceeded", 503):
            ec2.api.release_address(AllocationId="eipalloc-0")
        assert [call.throttled for call in ec2.control.log()] == [False, False, False, True, False, False, True]


def test_unfiltered_describes_of_interfaces_have_a_bucket_of_their_own() -> None:
    with scene(Ec2Settings(throttle=True), HandClock()) as ec2:
        for _ in range(50):
            ec2.api.describe_network_interfaces()
        with refused("RequestLimitExceeded", 503):
            ec2.api.describe_network_interfaces()
        ec2.api.describe_network_interfaces(MaxResults=1000)
        ec2.find_interfaces("vpc-id", "vpc-1")


def test_the_buckets_do_not_count_by_default() -> None:
    with scene(clock=HandClock()) as ec2:
        for _ in range(60):
            ec2.api.describe_network_interfaces()


def test_a_call_takes_its_latency() -> None:
    clock = HandClock()
    with scene(Ec2Settings(latency_s=0.08, latency_by_action={"AllocateAddress": 2.0}), clock) as ec2:
        ec2.api.describe_addresses()
        ec2.api.allocate_address()
        assert [call.ended_mono - call.started_mono for call in ec2.control.log()] == pytest.approx([0.08, 2.0])
        (born,) = ec2.control.journal()
        assert born.effect.mono == pytest.approx(1000 + 0.08 + 1.0)


def test_reads_may_be_stale() -> None:
    clock = HandClock()
    with scene(Ec2Settings(read_lag_s=10), clock) as ec2:
        eni = ec2.node()
        clock.now += 20
        eip = ec2.api.allocate_address()["AllocationId"]
        clock.now += 9
        assert ec2.find_addresses("domain", "vpc") == []
        with refused("InvalidAllocationID.NotFound"):
            ec2.api.describe_addresses(AllocationIds=[eip])
        ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=eni)
        clock.now += 1
        assert ec2.find_addresses("instance-id", "i-1") == []
        assert ec2.find_addresses("domain", "vpc") == [eip]
        clock.now += 9
        assert ec2.find_addresses("instance-id", "i-1") == [eip]


def test_mutations_may_not_know_a_new_id_yet() -> None:
    clock = HandClock()
    with scene(Ec2Settings(new_id_lag_s=5), clock) as ec2:
        eni, known = ec2.node(), ec2.address()
        new = ec2.api.allocate_address()["AllocationId"]
        association = ec2.api.associate_address(AllocationId=known, NetworkInterfaceId=eni)["AssociationId"]
        with refused("InvalidAllocationID.NotFound"):
            ec2.api.release_address(AllocationId=new)
        with refused("InvalidAllocationID.NotFound"):
            ec2.api.create_tags(Resources=[new], Tags=[{"Key": "a", "Value": "1"}])
        with refused("InvalidAssociationID.NotFound"):
            ec2.api.disassociate_address(AssociationId=association)
        clock.now += 5
        ec2.api.disassociate_address(AssociationId=association)
        ec2.api.release_address(AllocationId=new)


def test_injected_errors_hit_the_next_calls_and_have_no_effect() -> None:
    with scene() as ec2:
        ec2.control.inject(Fault(kind="error", action="AllocateAddress", code="Throttling", status=503, count=2))
        ec2.api.describe_addresses()
        for _ in range(2):
            with refused("Throttling", 503):
                ec2.api.allocate_address()
        assert ec2.control.world().addresses == {}
        ec2.api.allocate_address()
        assert ec2.control.faults() == ()


def test_an_error_after_the_effect_hides_it() -> None:
    with scene() as ec2:
        ec2.control.inject(Fault(kind="error", after_effect=True))
        with refused("InternalError", 500):
            ec2.api.allocate_address()
        assert len(ec2.control.world().addresses) == 1
        (call,) = ec2.control.log()
        assert (call.code, call.fault, call.effects[0].kind) == ("InternalError", "error", "allocated")


def test_a_lost_reply_has_its_effect() -> None:
    with scene() as ec2:
        ec2.control.inject(Fault(kind="lost_reply", action="AllocateAddress"))
        with pytest.raises(ConnectionClosedError):
            ec2.api.allocate_address()
        assert len(ec2.control.world().addresses) == 1
        ec2.api.describe_addresses()


def test_a_lost_call_has_none_and_looks_the_same() -> None:
    with scene() as ec2:
        ec2.control.inject(Fault(kind="lost_call"))
        with pytest.raises(ConnectionClosedError):
            ec2.api.allocate_address()
        assert ec2.control.world().addresses == {}
        assert [(call.fault, call.effects) for call in ec2.control.log()] == [("lost_call", ())]


def test_a_malformed_answer_cannot_be_parsed() -> None:
    with scene() as ec2:
        ec2.control.inject(Fault(kind="malformed"))
        with pytest.raises(ResponseParserError):
            ec2.api.describe_addresses()
        ec2.control.inject(Fault(kind="malformed", body="<html>Bad Gateway</html>", status=502))
        with refused("502", 502):
            ec2.api.describe_addresses()


def test_a_fault_can_be_meant_for_one_caller() -> None:
    with scene() as ec2:
        ec2.control.inject(Fault(kind="error", caller="AKIDOTHER", code="AuthFailure", count=None))
        ec2.api.describe_addresses()
        other = client(ec2.url, "AKIDOTHER")
        for _ in range(2):
            with refused("AuthFailure", 500):
                other.describe_addresses()
        ec2.control.clear_faults()
        other.describe_addresses()
        other.close()


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_held_call_is_frozen_until_let_go(after_effect: bool) -> None:
    with scene() as ec2, ThreadPoolExecutor(1) as pool:
        ec2.control.inject(Fault(kind="hold", action="AllocateAddress", after_effect=after_effect))
        call = pool.submit(ec2.api.allocate_address)
        wait_until(ec2.control.held)
        assert len(ec2.control.world().addresses) == after_effect
        assert not call.done()
        assert ec2.control.let_go() == 1
        assert call.result(timeout=30)["AllocationId"] in ec2.control.world().addresses


def test_a_held_call_arrives_although_its_caller_gave_up() -> None:
    with scene() as ec2:
        eni, eip = ec2.node(), ec2.address()
        ec2.control.inject(Fault(kind="hold", action="AssociateAddress"))
        hasty = client(ec2.url, config=CONFIG.merge(Config(read_timeout=0.2)))
        with pytest.raises(ReadTimeoutError):
            hasty.associate_address(AllocationId=eip, NetworkInterfaceId=eni)
        hasty.close()
        wait_until(ec2.control.held)  # its caller may give up before it has arrived
        assert ec2.where(eip) is None
        (held,) = ec2.control.held()
        ec2.control.let_go(held.held_id)
        wait_until(lambda: ec2.where(eip))


def test_a_closing_server_drops_held_calls_without_an_effect() -> None:
    with ThreadPoolExecutor(1) as pool:
        with scene() as ec2:
            ec2.control.inject(Fault(kind="hold"))
            call = pool.submit(ec2.api.allocate_address)
            wait_until(ec2.control.held)
        assert call.exception(timeout=30) is not None
