"""The control plane's client side: what tests, the demo and judges use to set a scene and to read what happened.

Every method is one HTTP request with a time limit of `timeout` seconds. It raises `ControlError` for a command that
the server refuses, and OSError where there is no server.
"""

import http.client
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from sandbox.ec2.cloud import new_id
from sandbox.ec2.commands import (
    AddAddress,
    Attach,
    ChangeIps,
    Count,
    GiveAway,
    InstanceId,
    InterfaceId,
    LetGo,
    MoveIp,
    Nothing,
    SetGateway,
    SetInstanceState,
)
from sandbox.ec2.faults import Fault, Held
from sandbox.ec2.lies import Lie
from sandbox.ec2.log import CallRecord, Entry, Holding
from sandbox.ec2.model import Address, Change, InstanceState, Interface, World
from sandbox.ec2.network import Network
from sandbox.ec2.requests import AssociateAddress, CreateTags, DeleteTags, DisassociateAddress, ReleaseAddress
from sandbox.ec2.settings import Ec2Settings

T = TypeVar("T")


class ControlError(Exception):
    """The server refused a command; the message says why."""


class Ec2Control:
    """Drives the simulation at `url`; safe to use from many threads."""

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._timeout = timeout

    def add_interface(
        self,
        private_ip: str,
        *,
        interface_id: str | None = None,
        secondary_ips: Sequence[str] = (),
        prefixes: Sequence[str] = (),
        instance_id: str | None = None,
        device_index: int = 0,
        vpc_id: str = "vpc-1",
        subnet_id: str = "subnet-1",
        zone: str = "us-west-2a",
        interface_type: str = "interface",
        tags: Mapping[str, str] | None = None,
    ) -> Interface:
        """Adds a network interface, attached if it has an instance id: that is all there is to an instance."""
        interface = Interface(
            interface_id=interface_id or new_id("eni"),
            private_ip=private_ip,
            secondary_ips=tuple(secondary_ips),
            prefixes=tuple(prefixes),
            instance_id=instance_id,
            device_index=device_index,
            vpc_id=vpc_id,
            subnet_id=subnet_id,
            zone=zone,
            interface_type=interface_type,
            tags=dict(tags or {}),
        )
        return self._post("put-interface", interface, Interface)

    def put_interface(self, interface: Interface) -> Interface:
        """Adds the interface or replaces the one of its id; associations on IPs that it lost are dropped."""
        return self._post("put-interface", interface, Interface)

    def assign_ips(self, interface_id: str, *ips: str, prefixes: Sequence[str] = ()) -> Interface:
        """Gives secondary IPs and delegated prefixes to an interface."""
        command = ChangeIps(interface_id=interface_id, add_ips=ips, add_prefixes=tuple(prefixes))
        return self._post("change-ips", command, Interface)

    def unassign_ips(self, interface_id: str, *ips: str, prefixes: Sequence[str] = ()) -> Interface:
        """Takes secondary IPs and prefixes away; associations on them are dropped."""
        command = ChangeIps(interface_id=interface_id, remove_ips=ips, remove_prefixes=tuple(prefixes))
        return self._post("change-ips", command, Interface)

    def remove_interface(self, interface_id: str) -> None:
        """Deletes an interface; its associations are dropped."""
        self._post("remove-interface", InterfaceId(interface_id=interface_id), Change)

    def detach_interface(self, interface_id: str) -> None:
        """Takes an interface off its instance; it stays, without an attachment."""
        self.attach(interface_id, None)

    def attach(self, interface_id: str, instance_id: str | None) -> None:
        """Gives an interface to an instance, or to none; its IPs and associations stay with it."""
        self._post("attach", Attach(interface_id=interface_id, instance_id=instance_id), Change)

    def move_ip(self, private_ip: str, interface_id: str, *, with_address: bool = False) -> None:
        """Gives a secondary IP of any interface of the VPC to this one.

        It is unassigned first, which drops its association; `with_address`, it is reassigned in one call, which takes
        the address along under a new association id.
        """
        command = MoveIp(private_ip=private_ip, interface_id=interface_id, with_address=with_address)
        self._post("move-ip", command, Change)

    def interface_lag(self, seconds: float) -> None:
        """DescribeNetworkInterfaces shows what was so long ago, from now on: new interfaces and IPs show late."""
        self.change_settings(interface_lag_s=seconds)

    def instance_state(self, instance_id: str, state: InstanceState) -> None:
        """Puts an instance into a state; a pending one's interfaces take no address yet."""
        self._post("instance-state", SetInstanceState(instance_id=instance_id, state=state), Change)

    def internet_gateway(self, vpc_id: str, *, attached: bool) -> None:
        """Gives the VPC an Internet gateway, or takes it away: without one no interface takes an address."""
        self._post("gateway", SetGateway(vpc_id=vpc_id, attached=attached), Change)

    def network(self, network: Network) -> None:
        """What is around the instances, from now on: routes, security groups, metadata options, endpoints."""
        self._post("network", network, Network)

    def kill_instance(self, instance_id: str) -> None:
        """Loses a node: its interfaces vanish, their associations are dropped."""
        self._post("kill-instance", InstanceId(instance_id=instance_id), Change)

    def add_address(
        self,
        *,
        tags: Mapping[str, str] | None = None,
        allocation_id: str = "",
        public_ip: str = "",
        border_group: str = "",
        pool: str = "amazon",
        service_managed: str = "",
    ) -> Address:
        """Adds an address, whatever the quota."""
        command = AddAddress(
            allocation_id=allocation_id,
            public_ip=public_ip,
            tags=dict(tags or {}),
            border_group=border_group,
            pool=pool,
            service_managed=service_managed,
        )
        return self._post("add-address", command, Address)

    def give_away(self, allocation_id: str) -> None:
        """The address, here or released before, is another account's from now on, and so is its association."""
        self._post("give-away", GiveAway(allocation_id=allocation_id), Change)

    def associate(
        self, allocation_id: str, interface_id: str, private_ip: str = "", *, allow_reassociation: bool = True
    ) -> str:
        """Associates by hand, as a person would; returns the association id."""
        request = AssociateAddress(
            allocation_id=allocation_id,
            interface_id=interface_id,
            private_ip=private_ip,
            allow_reassociation=allow_reassociation,
        )
        return self._post("associate", request, Change).answer

    def disassociate(self, association_id: str) -> None:
        """Disassociates by hand."""
        self._post("disassociate", DisassociateAddress(association_id=association_id), Change)

    def release(self, allocation_id: str) -> None:
        """Releases by hand."""
        self._post("release", ReleaseAddress(allocation_id=allocation_id), Change)

    def tag(self, resource_id: str, tags: Mapping[str, str]) -> None:
        """Tags an address or an interface by hand."""
        self._post("tag", CreateTags(resources=(resource_id,), tags=dict(tags)), Change)

    def untag(self, resource_id: str, *keys: str) -> None:
        """Removes tags by hand; without keys, all."""
        self._post("untag", DeleteTags(resources=(resource_id,), tags=dict.fromkeys(keys)), Change)

    def settings(self) -> Ec2Settings:
        """The settings in force."""
        return self._get("settings", Ec2Settings)

    def change_settings(self, **changes: object) -> Ec2Settings:
        """Changes the named settings; returns all."""
        return self._post("settings", changes, Ec2Settings)

    def inject(self, fault: Fault) -> int:
        """Lets a fault wait for the next calls that fit it; returns its id."""
        return self._post("inject", fault, Count).count

    def faults(self) -> tuple[Fault, ...]:
        """The faults that still wait."""
        return self._get("faults", tuple[Fault, ...])

    def clear_faults(self) -> None:
        """Forgets the faults and the lies that wait."""
        self._post("clear-faults", Nothing(), None)

    def omit_address(self, allocation_id: str, times: int | None = 1) -> None:
        """So many answers of DescribeAddresses (None: all) that should show the address do not."""
        self._post("lie", Lie(allocation_id=allocation_id, times=times), None)

    def garble_address(self, allocation_id: str, times: int | None = 1, *, field: str = "publicIp") -> None:
        """So many answers of DescribeAddresses show the address without this field (its name in XML)."""
        self._post("lie", Lie(allocation_id=allocation_id, times=times, field=field), None)

    def lies(self) -> tuple[Lie, ...]:
        """The lies that are not used up."""
        return self._get("lies", tuple[Lie, ...])

    def held(self) -> tuple[Held, ...]:
        """The calls that are frozen now."""
        return self._get("held", tuple[Held, ...])

    def let_go(self, held_id: int | None = None) -> int:
        """Lets one held call go on, or all; returns how many."""
        return self._post("let-go", LetGo(held_id=held_id), Count).count

    def refill_buckets(self) -> None:
        """Fills every throttle bucket."""
        self._post("refill", Nothing(), None)

    def world(self) -> World:
        """Addresses with their associations, and interfaces, as they are: never stale."""
        return self._get("state", World)

    def log(self, since: int = 0) -> tuple[CallRecord, ...]:
        """The calls that ended after the record of this sequence number."""
        return self._get(f"log?since={since}", tuple[CallRecord, ...])

    def journal(self, since: int = 0) -> tuple[Entry, ...]:
        """The effects after this order number, with whose call had them."""
        return self._get(f"journal?since={since}", tuple[Entry, ...])

    def holdings(self) -> tuple[Holding, ...]:
        """Every association since the start: which address, where, from when until when, by whom."""
        return self._get("holdings", tuple[Holding, ...])

    def is_ready(self) -> bool:
        """Whether the server answers."""
        try:
            self._get("health", Nothing)
        except OSError:
            return False
        return True

    def _get(self, name: str, kind: type[T]) -> T:
        return msgspec.json.decode(self._request("GET", name, None), type=kind)

    def _post(self, name: str, command: object, kind: type[T] | None) -> T:
        return msgspec.json.decode(self._request("POST", name, msgspec.json.encode(command)), type=kind)

    def _request(self, method: str, name: str, body: bytes | None) -> bytes:
        connection = http.client.HTTPConnection(*self._address, timeout=self._timeout)
        try:
            connection.request(method, f"/_sandbox/{name}", body)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise ControlError(answer.decode())
        return answer
