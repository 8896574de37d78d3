"""The evidence: the call log, the journal of effects, the holdings; and the server as a process."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sandbox.ec2.control import ControlError, Ec2Control
from sandbox.ec2.settings import Ec2Settings
from tests.contract.simulators.ec2_scene import client, refused, scene


def test_every_call_is_recorded_with_its_caller_params_and_outcome() -> None:
    with scene() as ec2:
        before = time.monotonic()
        ec2.api.allocate_address()
        with refused("InvalidAllocationID.NotFound"):
            ec2.api.release_address(AllocationId="eipalloc-0")
        born, gone = ec2.control.log()
        assert (born.seq, born.action, born.code, born.status) == (1, "AllocateAddress", "", 200)
        assert [effect.kind for effect in born.effects] == ["allocated"]
        assert (gone.action, gone.code, gone.status) == ("ReleaseAddress", "InvalidAllocationID.NotFound", 400)
        assert gone.params == {"AllocationId": "eipalloc-0"}
        assert gone.caller.access_key == "AKIDTEST"
        assert gone.caller.user_agent.startswith("Boto3/")
        assert before < born.started_mono <= born.ended_mono <= gone.started_mono <= time.monotonic()
        assert born.ended_wall == pytest.approx(time.time(), abs=60)
        assert ec2.control.log(since=1) == (gone,)


def test_holdings_say_who_had_which_address_where_and_when() -> None:
    with scene() as ec2:
        eni, first, second = ec2.node("10.0.0.2"), ec2.address(), ec2.address()
        other = client(ec2.url, "AKIDOTHER")
        ec2.api.associate_address(AllocationId=first, NetworkInterfaceId=eni, PrivateIpAddress="10.0.0.2")
        other.associate_address(AllocationId=second, NetworkInterfaceId=eni, PrivateIpAddress="10.0.0.2")
        ec2.control.kill_instance("i-1")
        other.close()
        displaced, lost = ec2.control.holdings()
        assert (displaced.allocation_id, displaced.private_ip, displaced.interface_id) == (first, "10.0.0.2", eni)
        assert (displaced.by.access_key, displaced.cause) == ("AKIDTEST", "displaced")
        assert displaced.ended_by is not None
        assert displaced.ended_by.access_key == "AKIDOTHER"
        assert displaced.since < (displaced.until or 0) == lost.since < (lost.until or 0)
        assert (lost.allocation_id, lost.cause) == (second, "node-lost")


def test_effects_have_one_order_and_by_hand_changes_are_in_it() -> None:
    with scene() as ec2:
        eip = ec2.address()
        ec2.api.create_tags(Resources=[eip], Tags=[{"Key": "a", "Value": "1"}])
        ec2.control.untag(eip, "a")
        journal = ec2.control.journal()
        assert [(entry.effect.kind, entry.caller.access_key) for entry in journal] == [
            ("allocated", "sandbox"),
            ("tagged", "AKIDTEST"),
            ("untagged", "sandbox"),
        ]
        assert [entry.effect.order for entry in journal] == [1, 2, 3]
        assert ec2.control.journal(since=2) == journal[2:]
        assert [call.action for call in ec2.control.log()] == ["sandbox:add-address", "CreateTags", "sandbox:untag"]


def test_of_many_callers_one_gets_the_address() -> None:
    with scene(Ec2Settings(latency_s=0.01)) as ec2:
        eip, ips = ec2.address(), [f"10.0.0.{n}" for n in range(2, 8)]
        eni = ec2.node(*ips)

        def associate(ip: str) -> str:
            try:
                ec2.api.associate_address(
                    AllocationId=eip, NetworkInterfaceId=eni, PrivateIpAddress=ip, AllowReassociation=False
                )
            except ClientError as error:
                return str(error.response["Error"]["Code"])
            return ip

        with ThreadPoolExecutor(len(ips)) as pool:
            outcomes = sorted(pool.map(associate, ips))
        assert outcomes == [ec2.where(eip), *["Resource.AlreadyAssociated"] * 5]


def test_settings_can_be_read_and_changed() -> None:
    with scene() as ec2:
        assert ec2.control.change_settings(quota=5, latency_by_action={"ReleaseAddress": 1}).quota == 5
        assert ec2.control.settings().latency_of("ReleaseAddress") == 1
        with pytest.raises(ControlError, match="no such setting: speed"):
            ec2.control.change_settings(speed=1)
        with pytest.raises(ControlError, match="occupied_ip"):
            ec2.control.change_settings(occupied_ip="maybe")
        with pytest.raises(ControlError, match="does not exist"):
            ec2.control.assign_ips("eni-0", "10.0.0.1")
        ec2.node("10.0.0.2")
        with pytest.raises(ControlError, match="is on eni-"):
            ec2.control.add_interface("10.0.0.2")


def test_calls_on_one_connection_do_not_wait_for_delayed_acknowledgements() -> None:
    with scene() as ec2:
        ec2.api.describe_addresses()
        quickest = 1.0
        for _ in range(200):  # a delayed acknowledgement would slow down each, a busy machine only some
            started = time.perf_counter()
            ec2.api.describe_addresses()
            if (quickest := min(quickest, time.perf_counter() - started)) < 0.035:
                break
        assert quickest < 0.035


def test_it_runs_as_a_process_until_it_is_told_to_stop(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"quota": 7}')
    command = [sys.executable, "-m", "sandbox.ec2", "--port", "0", "--settings", str(settings)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        control = Ec2Control(process.stdout.readline().strip())
        assert control.is_ready()
        assert control.settings().quota == 7
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert not control.is_ready()
