"""The control plane's server side: JSON under `/_sandbox/` on the port of the API itself.

It stands for everything that is not the client under test: nodes, the VPC CNI, people with consoles, other accounts,
and bad luck. It is never throttled, delayed or held.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from sandbox.ec2.addresses import mutate
from sandbox.ec2.byhand import add_address, give_away
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
from sandbox.ec2.faults import Fault
from sandbox.ec2.interfaces import (
    attach,
    change_ips,
    kill_instance,
    move_ip,
    put_interface,
    remove_interfaces,
    set_gateway,
    set_instance_state,
)
from sandbox.ec2.lies import Lie
from sandbox.ec2.log import holdings
from sandbox.ec2.model import Address, Change, Ec2Error, Interface, World
from sandbox.ec2.network import Network
from sandbox.ec2.requests import AssociateAddress, CreateTags, DeleteTags, DisassociateAddress, Mutation, ReleaseAddress
from sandbox.ec2.rules import Rules
from sandbox.ec2.service import Ec2Service
from sandbox.ec2.settings import Ec2Settings
from sandbox.ec2.targets import interface_of

PREFIX = "/_sandbox/"
Step = Callable[[World, Rules], Change]
T = TypeVar("T")


class Admin:
    """Carries out commands and answers questions about one service."""

    def __init__(self, service: Ec2Service) -> None:
        self._service = service
        self._questions: Mapping[str, Callable[[int], object]] = {
            "health": lambda _since: Nothing(),
            "settings": lambda _since: service.cloud.settings,
            "state": lambda _since: service.cloud.world,
            "journal": lambda since: service.cloud.journal()[since:],
            "holdings": lambda _since: holdings(service.cloud.journal()),
            "log": lambda since: service.log.since(since),
            "faults": lambda _since: service.faults.waiting(),
            "held": lambda _since: service.faults.held(),
            "lies": lambda _since: service.lies.waiting(),
        }
        self._commands: Mapping[str, Callable[[bytes], object]] = {
            **self._account_commands(),
            **self._fault_commands(),
            **{name: self._mutation(name, kind) for name, kind in _MUTATIONS.items()},
        }

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        """The HTTP status and JSON of one request; faults of the request are 400 or 404 with `error`."""
        url = urlsplit(target)
        name = url.path.removeprefix(PREFIX)
        try:
            if method == "GET" and name in self._questions:
                since = parse_qs(url.query).get("since", ["0"])[-1]
                return 200, msgspec.json.encode(self._questions[name](int(since)))
            if method == "POST" and name in self._commands:
                return 200, msgspec.json.encode(self._commands[name](body))
        except (Ec2Error, ValueError) as error:
            return 400, msgspec.json.encode({"error": str(error)})
        return 404, msgspec.json.encode({"error": f"no such thing: {method} {url.path}"})

    def _account_commands(self) -> Mapping[str, Callable[[bytes], object]]:
        do = self._do
        return {
            "put-interface": _typed(Interface, self._put_interface),
            "change-ips": _typed(ChangeIps, self._change_ips),
            "remove-interface": _typed(
                InterfaceId, lambda c: do("remove-interface", c, lambda w, _r: _without_interface(w, c.interface_id))
            ),
            "attach": _typed(Attach, lambda c: do("attach", c, lambda w, _r: attach(w, c.interface_id, c.instance_id))),
            "move-ip": _typed(MoveIp, lambda c: do("move-ip", c, lambda w, rules: move_ip(w, c, rules))),
            "kill-instance": _typed(
                InstanceId, lambda c: do("kill-instance", c, lambda w, _r: kill_instance(w, c.instance_id))
            ),
            "add-address": _typed(AddAddress, self._add_address),
            "give-away": _typed(GiveAway, lambda c: do("give-away", c, lambda w, _r: give_away(w, c.allocation_id))),
            **self._state_commands(),
        }

    def _state_commands(self) -> Mapping[str, Callable[[bytes], object]]:
        do = self._do
        return {
            "instance-state": _typed(
                SetInstanceState,
                lambda c: do("instance-state", c, lambda w, _r: set_instance_state(w, c.instance_id, c.state)),
            ),
            "gateway": _typed(
                SetGateway, lambda c: do("gateway", c, lambda w, _r: set_gateway(w, c.vpc_id, attached=c.attached))
            ),
            "settings": self._change_settings,
            "network": _typed(Network, self._put_network),
        }

    def _fault_commands(self) -> Mapping[str, Callable[[bytes], object]]:
        faults, lies = self._service.faults, self._service.lies
        return {
            "lie": _typed(Lie, lies.tell),
            "inject": _typed(Fault, lambda fault: Count(count=faults.inject(fault))),
            "let-go": _typed(LetGo, lambda command: Count(count=faults.let_go(command.held_id))),
            "clear-faults": _typed(Nothing, lambda _: self._clear_faults()),
            "refill": _typed(Nothing, lambda _: self._service.throttle.refill()),
        }

    def _clear_faults(self) -> None:
        self._service.faults.clear()
        self._service.lies.clear()

    def _do(self, action: str, command: object, step: Step) -> Change:
        params = {name: str(value) for name, value in msgspec.to_builtins(command).items() if value}
        return replace(self._service.by_hand(action, params, step), world=World())

    def _mutation(self, name: str, kind: type[Mutation]) -> Callable[[bytes], object]:
        def run(request: Mutation) -> Change:
            return self._do(name, request, lambda world, rules: mutate(world, request, rules))

        return _typed(kind, run)

    def _put_interface(self, interface: Interface) -> Interface:
        self._do("put-interface", interface, lambda world, _rules: put_interface(world, interface))
        return interface

    def _change_ips(self, command: ChangeIps) -> Interface:
        self._do("change-ips", command, lambda world, _rules: change_ips(world, command))
        return interface_of(self._service.cloud.world, command.interface_id)

    def _put_network(self, network: Network) -> Network:
        self._do("network", network, lambda world, _rules: Change(world=replace(world, network=network)))
        return network

    def _add_address(self, command: AddAddress) -> Address:
        done = self._do("add-address", command, lambda world, rules: add_address(world, command, rules))
        return self._service.cloud.world.addresses[done.answer]

    def _change_settings(self, body: bytes) -> Ec2Settings:
        patch = msgspec.json.decode(body, type=dict[str, Any])
        unknown = patch.keys() - Ec2Settings.__dataclass_fields__.keys()
        if unknown:
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        merged = {**msgspec.to_builtins(self._service.cloud.settings), **patch}
        self._service.cloud.settings = msgspec.convert(merged, Ec2Settings)
        return self._service.cloud.settings


_MUTATIONS: Mapping[str, type[Mutation]] = {
    "associate": AssociateAddress,
    "disassociate": DisassociateAddress,
    "release": ReleaseAddress,
    "tag": CreateTags,
    "untag": DeleteTags,
}


def _typed(kind: type[T], run: Callable[[T], object]) -> Callable[[bytes], object]:
    decoder = msgspec.json.Decoder(kind)
    return lambda body: run(decoder.decode(body))


def _without_interface(world: World, interface_id: str) -> Change:
    interface_of(world, interface_id)
    return remove_interfaces(world, lambda interface: interface.interface_id == interface_id, "interface-gone")
