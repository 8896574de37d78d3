"""A fresh simulated EC2 for one test, with a real boto3 client on it.

The client makes one try for each call and waits 30 s at most, so that a test sees every refusal and never hangs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.ec2.clock import Clock
from sandbox.ec2.control import Ec2Control
from sandbox.ec2.server import Ec2Server
from sandbox.ec2.settings import Ec2Settings

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=30, read_timeout=30)


class HandClock:
    """A clock that stands still until it is moved; sleeping moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Now."""
        return self.now

    def wall(self) -> float:
        """Now."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Returns at once, that much later."""
        self.now += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The server's URL, a client, and the control plane."""

    url: str
    api: "EC2Client"
    control: Ec2Control

    def node(self, *secondary_ips: str, prefixes: tuple[str, ...] = (), zone: str = "us-west-2a") -> str:
        """An instance i-1 with one interface at 10.0.0.1; returns the interface's id."""
        interface = self.control.add_interface(
            "10.0.0.1", secondary_ips=secondary_ips, prefixes=prefixes, instance_id="i-1", zone=zone
        )
        return interface.interface_id

    def address(self, **tags: str) -> str:
        """An address; returns its allocation id."""
        return self.control.add_address(tags=tags).allocation_id

    def where(self, allocation_id: str) -> str | None:
        """The private IP that the address stands at."""
        held = self.control.world().addresses[allocation_id].association
        return held.private_ip if held else None

    def find_addresses(self, name: str, *values: str) -> list[str]:
        """The allocation ids that a filter finds."""
        answer = self.api.describe_addresses(Filters=[{"Name": name, "Values": values}])
        return [address["AllocationId"] for address in answer["Addresses"]]

    def find_interfaces(self, name: str, *values: str) -> list[str]:
        """The interface ids that a filter finds."""
        answer = self.api.describe_network_interfaces(Filters=[{"Name": name, "Values": values}])
        return [interface["NetworkInterfaceId"] for interface in answer["NetworkInterfaces"]]


@contextmanager
def scene(settings: Ec2Settings | None = None, clock: Clock | None = None) -> Iterator[Scene]:
    """Runs a server for the length of a test."""
    with Ec2Server(settings, clock=clock) as server:
        api = client(server.url)
        try:
            yield Scene(url=server.url, api=api, control=server.control)
        finally:
            api.close()


def client(url: str, access_key: str = "AKIDTEST", config: Config = CONFIG) -> "EC2Client":
    """A boto3 client that calls itself by this access key id."""
    return boto3.client(
        "ec2",
        endpoint_url=url,
        region_name="us-west-2",
        aws_access_key_id=access_key,
        aws_secret_access_key="secret",
        config=config,
    )


@contextmanager
def refused(code: str, status: int = 400, words: str | None = None) -> Iterator[None]:
    """Expects that EC2 refuses with this code and HTTP status, and in words that this pattern matches."""
    with pytest.raises(ClientError, match=words) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
