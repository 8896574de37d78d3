"""One API call from its arrival to its answer: latency, throttle, faults, effect, record.

The order is that of the real thing: a call travels, is counted by the throttle, may be frozen or refused, has its
effect, and its answer travels back, or does not. The record is written before the answer leaves, so that whoever has
an answer finds it in the log.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from sandbox.ec2.addresses import without_address
from sandbox.ec2.clock import Clock
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.describe import describe_addresses, describe_attributes, describe_interfaces
from sandbox.ec2.faults import Fault, FaultBook
from sandbox.ec2.lies import LieBook, garbled
from sandbox.ec2.log import Caller, CallLog, CallRecord
from sandbox.ec2.model import Change, Ec2Error, Effect, World
from sandbox.ec2.protocol import Params, is_dry_run, parse_request
from sandbox.ec2.requests import (
    AllocateAddress,
    AssociateAddress,
    Describe,
    DescribeAccountAttributes,
    DescribeAddresses,
    DescribeAvailabilityZones,
    DescribeNetworkInterfaces,
    DescribeSurroundings,
    Mutation,
    Request,
)
from sandbox.ec2.rules import Rules
from sandbox.ec2.settings import UNFILTERED_INTERFACES
from sandbox.ec2.surroundings import surroundings_tree
from sandbox.ec2.throttle import Throttle
from sandbox.ec2.xml import (
    Tree,
    address_tree,
    allocated_tree,
    attributes_tree,
    interfaces_tree,
    render_answer,
    render_error,
    zones_tree,
)

SANDBOX = Caller(access_key="sandbox", user_agent="sandbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back; a body of None means that the connection is closed without a word."""

    status: int
    body: bytes | None


@dataclass(slots=True)
class _Outcome:
    """What is known of a call while it runs."""

    code: str = ""
    throttled: bool = False
    fault: Fault | None = None
    effects: tuple[Effect, ...] = ()


class Ec2Service:
    """Answers calls; safe to use from many threads, one for each call."""

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self.cloud = cloud
        self.faults = FaultBook()
        self.lies = LieBook()
        self.log = CallLog()
        self.throttle = Throttle()
        self._clock = clock

    def call(self, params: Params, caller: Caller) -> Reply:
        """Carries out one call and records it."""
        action = params.get("Action", "")
        record = self._begin(action, params, caller)
        half = self.cloud.settings.latency_of(action) / 2
        self._clock.sleep(half)
        outcome = _Outcome()
        reply = self._answer(params, caller, outcome)
        self._clock.sleep(half)
        self._end(record, reply, outcome)
        return reply

    def by_hand(self, action: str, params: Params, step: Callable[[World, Rules], Change]) -> Change:
        """Does and records what no client did: a lost node, a person's change, another service's."""
        record = self._begin(f"sandbox:{action}", params, SANDBOX)
        change = self.cloud.change(step, SANDBOX)
        self._end(record, Reply(status=200, body=b""), _Outcome(effects=change.effects))
        return change

    def _begin(self, action: str, params: Params, caller: Caller) -> CallRecord:
        shown = {name: value for name, value in params.items() if name not in ("Action", "Version")}
        now, wall = self._clock.monotonic(), self._clock.wall()
        return CallRecord(action=action, caller=caller, params=shown, started_mono=now, started_wall=wall)

    def _end(self, record: CallRecord, reply: Reply, outcome: _Outcome) -> None:
        ended = replace(
            record,
            ended_mono=self._clock.monotonic(),
            ended_wall=self._clock.wall(),
            code=outcome.code,
            status=reply.status,
            throttled=outcome.throttled,
            fault=outcome.fault.kind if outcome.fault else "",
            effects=outcome.effects,
        )
        self.log.add(ended)

    def _answer(self, params: Params, caller: Caller, outcome: _Outcome) -> Reply:
        request_id = str(uuid.uuid4())
        action = params.get("Action", "")
        try:
            request = parse_request(params)
            self._admit(action, request, outcome)
            if isinstance(request, Describe) and is_dry_run(params):
                self._dry_describe(action, caller, outcome)
            outcome.fault = self.faults.take(action, (caller.access_key, caller.user_agent), params.values())
            if not isinstance(request, Describe) and is_dry_run(params) and self.cloud.settings.dry_run_obeyed:
                self._refuse_dry_run(action, request, caller, outcome)
            tree = self._effect_amid_faults(action, request, caller, outcome)
        except Ec2Error as error:
            outcome.code = error.code
            return _faulty(Reply(status=error.status, body=render_error(error, request_id)), outcome.fault)
        return _faulty(Reply(status=200, body=render_answer(action, request_id, tree)), outcome.fault)

    def _admit(self, action: str, request: Request, outcome: _Outcome) -> None:
        settings = self.cloud.settings
        if not settings.throttle:
            return
        if not self.throttle.admit(_bucket_key(action, request), settings.buckets, self._clock.monotonic()):
            outcome.throttled = True
            raise Ec2Error("RequestLimitExceeded", "Request limit exceeded.", 503)

    def _dry_describe(self, action: str, caller: Caller, outcome: _Outcome) -> None:
        """Raise what a describe would have met, or that it would have succeeded. A counted fault is left to others."""
        names = (caller.access_key, caller.user_agent)
        lasting = (fault for fault in self.faults.waiting() if fault.count is None and fault.fits(action, names))
        outcome.fault = next(lasting, None)
        if outcome.fault:
            self._strike(outcome.fault, action, caller)
        raise Ec2Error("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)

    def _refuse_dry_run(self, action: str, request: Mutation, caller: Caller, outcome: _Outcome) -> None:
        """Raise what the call would have met: a fault, else a refusal, else that it would have succeeded.

        EC2's pages do not say whether the parameters are looked at before the right; a setting decides.
        """
        if outcome.fault:
            self._strike(outcome.fault, action, caller)
        if self.cloud.settings.dry_run_validates:
            self.cloud.rehearse(request)
        raise Ec2Error("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)

    def _effect_amid_faults(self, action: str, request: Request, caller: Caller, outcome: _Outcome) -> Tree:
        fault = outcome.fault
        if fault and not fault.after_effect:
            self._strike(fault, action, caller)
        tree = self._effect(request, caller, outcome)
        if fault and fault.after_effect:
            self._strike(fault, action, caller)
        return tree

    def _strike(self, fault: Fault, action: str, caller: Caller) -> None:
        if fault.kind == "error":
            raise Ec2Error(fault.code, fault.message, fault.status or 500)
        if fault.kind == "lost_call":
            raise Ec2Error("Unavailable", "The call was lost on its way.", 503)
        if fault.kind == "hold" and not self.faults.hold(action, caller.access_key, self._clock.monotonic()):
            raise Ec2Error("Unavailable", "The server is closing.", 503)

    def _effect(self, request: Request, caller: Caller, outcome: _Outcome) -> Tree:
        if isinstance(request, Describe):
            return self._describe(request)
        change = self.cloud.mutate(request, caller)
        outcome.effects = change.effects
        if isinstance(request, AllocateAddress):
            return allocated_tree(change.world.addresses[change.answer])
        answer: Tree = {"return": True}
        return {**answer, "associationId": change.answer} if isinstance(request, AssociateAddress) else answer

    def _describe(self, request: Describe) -> Tree:
        settings = self.cloud.settings
        match request:
            case DescribeAddresses():
                return self._describe_addresses(request, settings.account)
            case DescribeNetworkInterfaces():
                world = self.cloud.visible_world(max(settings.read_lag_s, settings.interface_lag_s))
                return interfaces_tree(world, describe_interfaces(world, request), settings.account)
            case DescribeAvailabilityZones():
                return zones_tree(settings.region)
            case DescribeAccountAttributes():
                return attributes_tree(describe_attributes(request, settings))
            case DescribeSurroundings():
                return surroundings_tree(self.cloud.visible_world(settings.read_lag_s), request, settings.account)
        assert_never(request)

    def _describe_addresses(self, request: DescribeAddresses, account: str) -> Tree:
        world = self.cloud.visible_world(self.cloud.settings.read_lag_s)
        found = describe_addresses(world, request, account)
        lies = self.lies.take(address.allocation_id for address in found)
        for lie in lies:
            world = world if lie.field else without_address(world, lie.allocation_id)
        if lies:
            found = describe_addresses(world, request, account)
        return {"addressesSet": [garbled(address_tree(world, address, account), lies) for address in found]}


def _bucket_key(action: str, request: Request) -> str:
    match request:
        case DescribeNetworkInterfaces(filters=(), max_results=None):
            return UNFILTERED_INTERFACES
    return action


def _faulty(reply: Reply, fault: Fault | None) -> Reply:
    if fault and fault.kind in ("lost_call", "lost_reply"):
        return replace(reply, body=None)
    if fault and fault.kind == "malformed":
        return Reply(status=fault.status or 200, body=fault.body.encode())
    return reply
