"""The VPC around the nodes: their instances, the route tables and security groups there, and the ways to AWS.

All of it is optional for the controller. The role of `deploy/iam/.../doctor.json` may read it; without it, each check
says which right it lacks.
"""

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.utils import get_environ_proxies

from controller.core.diagnosis import network
from controller.core.diagnosis.account import Endpoint, of_endpoint
from controller.core.diagnosis.finding import Check, Finding, not_looked_at
from controller.doctor.ec2 import Ec2Reader
from state.errors import PodEipError

MOST: Final = 200
"""Instances that are asked about; a filter takes 200 values."""

Shape = Mapping[str, Any]


def instances(ec2: Ec2Reader, ids: Sequence[str]) -> list[Shape]:
    """The first of these EC2 instances; those that are unknown are left out."""
    filters = [{"Name": "instance-id", "Values": sorted(ids)[:MOST]}]
    found = ec2.all("DescribeInstances", "Reservations", Filters=filters) if ids else []
    return [instance for reservation in found for instance in reservation.get("Instances", ())]


def vpc_of(found: Sequence[Shape]) -> str:
    """The VPC of the first of them; empty where there is none."""
    return next((str(instance["VpcId"]) for instance in found if instance.get("VpcId")), "")


def subnets(ec2: Ec2Reader, found: Sequence[Shape]) -> Iterator[Finding]:
    """Whether an address answers in the subnets of these instances."""
    interfaces = network.interfaces_of(found)
    filters = [{"Name": "vpc-id", "Values": [vpc_of(found)]}]
    tables = ec2.all("DescribeRouteTables", "RouteTables", Filters=filters) if interfaces else []
    yield network.of_subnets(interfaces, tables)


def security_groups(ec2: Ec2Reader, found: Sequence[Shape], port: int) -> Iterator[Finding]:
    """Whether the port is let in at the interfaces of these instances."""
    interfaces = network.interfaces_of(found)
    names = sorted({group for interface in interfaces for group in interface.groups})[:MOST]
    filters = [{"Name": "group-id", "Values": names}]
    groups = ec2.all("DescribeSecurityGroups", "SecurityGroups", Filters=filters) if names else []
    yield network.of_security_groups(interfaces, groups, port)


def endpoints_of_vpc(ec2: Ec2Reader, vpc_id: str) -> frozenset[str] | None:
    """The services that have an endpoint in the VPC; None where that cannot be read."""
    if not vpc_id:
        return None
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
    try:
        found = ec2.all("DescribeVpcEndpoints", "VpcEndpoints", Filters=filters)
    except PodEipError:
        return None
    return frozenset(str(e["ServiceName"]) for e in found if str(e.get("State", "")).lower() == "available")


def endpoints(
    urls: Mapping[str, str], limit_s: float, of_vpc: Callable[[], frozenset[str] | None]
) -> Iterator[Finding]:
    """Whether each of these services is reached. `of_vpc` is asked where one is not."""
    for service, url in urls.items():
        if get_environ_proxies(url):
            yield not_looked_at(Check.ENDPOINTS, f"{service} is asked through a proxy")
            continue
        seen = reach(service, url, limit_s)
        yield of_endpoint(seen, of_vpc() if seen.trouble else None)


def reach(service: str, url: str, limit_s: float) -> Endpoint:
    """Resolve the name and connect, within so many seconds. The system's resolver has no limit: a thread waits."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    answers: SimpleQueue[Endpoint] = SimpleQueue()
    asked = (service, host, port, limit_s, answers)
    threading.Thread(target=_connect, args=asked, name="doctor-connect", daemon=True).start()
    try:
        return answers.get(timeout=2 * limit_s)
    except Empty:
        return Endpoint(service=service, host=host, trouble="no answer in time")


def _connect(service: str, host: str, port: int, limit_s: float, answers: "SimpleQueue[Endpoint]") -> None:
    try:
        with socket.create_connection((host, port), limit_s) as connected:
            private = ipaddress.ip_address(connected.getpeername()[0]).is_private and ".amazonaws.com" in host
        answers.put(Endpoint(service=service, host=host, private=private))
    except OSError as error:
        answers.put(Endpoint(service=service, host=host, trouble=str(error) or type(error).__name__))
