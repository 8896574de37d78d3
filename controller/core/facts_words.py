"""What is known of one Pod from each side, in sentences: what it asks for, the policy, the ledger, and EC2."""

from collections.abc import Iterable
from typing import assert_never

from controller.core import contract
from controller.core.contract import quoted
from controller.core.desire import Gone, Invalid, Nothing, Pending, Serve, Unproven
from controller.core.modes import SPECS, AddressSource
from controller.core.situation import Foreign, NoOffer, Offer, Placed, Situation, Unplaced
from controller.core.views import Address, PodView
from state.model import Mode, Phase, PodRecord

Sentences = tuple[str, ...]


def of_asking(s: Situation) -> Sentences:
    """What the Pod asks for, and what it shows."""
    return (_asked(s), *(_pod_facts(s.pod) if s.pod else ()))


def _asked(s: Situation) -> str:
    match s.desire:
        case Serve(mode=mode, pool=pool) | Pending(mode=mode, pool=pool):
            return f"The Pod asks for {_mode(mode, pool)}"
        case Nothing():
            return "The Pod asks for no address"
        case Invalid(why=why):
            return f"The Pod's annotations cannot be understood: {why}"
        case Gone(to=to) if to:
            return f"The Pod has lost its private IP to {to}"
        case Gone():
            return "The Pod is gone, or its containers have ended"
        case Unproven():
            return "Not known for certain: the cache is to be confirmed by the API server"
        case _:
            assert_never(s.desire)


def _mode(mode: Mode, pool: str) -> str:
    match SPECS[mode].source:
        case AddressSource.ALLOCATED:
            return f"a new address of the public IPv4 pool {quoted(pool)} (mode {mode})"
        case AddressSource.ANY:
            return f"any address that carries the tag key {quoted(pool)} (mode {mode})"
        case AddressSource.OWN_VALUE:
            return f"the address whose tag {quoted(pool)} has the Pod's name as its value (mode {mode})"


def _pod_facts(pod: PodView) -> Iterable[str]:
    at = f"its private IP is {pod.ip}" if pod.ip else "it has no private IP yet"
    yield f"It runs on node {quoted(pod.node)}, and {at}" if pod.node else f"It is on no node yet, and {at}"
    if pod.host_network:
        yield "It uses its node's network (hostNetwork): all such Pods of the node share one private IP"
    if pod.deleting:
        yield "It is being deleted"
    shown = pod.labels.get(contract.LABEL_PUBLIC_IP)
    yield f"It shows the address {quoted(shown)} in its label" if shown else "It shows no address in its labels"
    if pod.gated:
        yield f"Its readiness gate {contract.CONDITION} is {pod.condition or 'not set'}"


def of_policy(s: Situation) -> Sentences:
    """What the policy says about a new claim."""
    if s.refusal is not None:
        keeps = " What the Pod holds, it keeps" if s.record is not None else ""
        return (f"It is refused: {s.refusal.why}.{keeps}" if keeps else f"It is refused: {s.refusal.why}",)
    if isinstance(s.desire, Serve | Pending):
        held = s.record is not None and s.record.phase is not Phase.INTENT
        return ("Nothing is asked of the policy: the Pod holds an address",) if held else ("The policy lets it",)
    return ()


def of_ledger(s: Situation) -> Sentences:
    """What the claim says."""
    found = [_claim(s.record)]
    if s.taken_by_others:
        found.append("The address is claimed by another Pod by now: the claim was lost")
    if s.in_doubt:
        found.append("An allocation may have happened without an answer; its tags will tell")
    if s.remembered:
        found.append("An earlier intent is remembered, for its allocation may still arrive")
    if s.rival:
        found.append(f"{s.rival} has another claim for the same private IP")
    return tuple(found)


def _claim(record: PodRecord | None) -> str:
    if record is None:
        return "No claim: the ledger has no address for this Pod"
    which = f"{record.public_ip} ({record.allocation_id})"
    match record.phase:
        case Phase.INTENT:
            return "An intent: an address is to be allocated for this Pod"
        case Phase.CLAIMED:
            return f"The address {which} is claimed for it, and its association is not recorded yet"
        case Phase.ASSOCIATED:
            at = record.target.private_ip if record.target else "?"
            return f"The address {which} is claimed for it and associated with {at} ({record.association_id})"
        case Phase.RELEASING:
            return f"The address {which} is cut off, and is to be released"
        case _:
            assert_never(record.phase)


def of_ec2(s: Situation) -> Sentences:
    """What EC2 shows of the claimed address, of the Pod's private IP, and of the pool."""
    return (*_claimed_address(s), *_place(s), *_occupant(s), *_offered(s))


def _claimed_address(s: Situation) -> Iterable[str]:
    if s.record is None or s.record.allocation_id is None:
        return
    if s.address is None:
        late = "" if s.address_seen else "; its answers may be older than the claim"
        yield f"EC2 does not show the address {s.record.allocation_id}{late}"
        return
    yield f"EC2 shows the address {_shown(s.address)}"


def _shown(address: Address) -> str:
    there = address.association
    at = f"associated with {there.target.private_ip} on {there.target.interface_id}" if there else "free"
    return f"{address.public_ip} ({address.allocation_id}), {at}"


def _place(s: Situation) -> Iterable[str]:
    if not isinstance(s.desire, Serve):
        return
    match s.placement:
        case Placed(target=target):
            yield f"The private IP {target.private_ip} is on the interface {target.interface_id}"
        case Foreign(why=why):
            yield why[0].upper() + why[1:]
        case Unplaced(looked=False):
            if s.record is None or s.record.phase is not Phase.ASSOCIATED:
                yield "Nobody has looked yet on which interface the private IP is"
        case Unplaced():
            yield f"The private IP {s.desire.ip} is on no interface of the VPC"
        case _:
            assert_never(s.placement)


def _occupant(s: Situation) -> Iterable[str]:
    if s.occupant is not None:
        whose = f", of {s.occupant_claim.last_holder}" if s.occupant_claim and s.occupant_claim.last_holder else ""
        yield f"Another address is at the private IP: {_shown(s.occupant)}{whose}"
    if s.strayed:
        yield "The association is on another instance than the Pod's node"
    if s.breaker_open is not None:
        yield s.breaker_open.why[0].upper() + s.breaker_open.why[1:]


def _offered(s: Situation) -> Iterable[str]:
    match s.offer:
        case Offer(address=address):
            yield f"The pool has the address {address.public_ip} ({address.allocation_id}) for it"
        case NoOffer(why=why):
            yield why[0].upper() + why[1:] if why else ""
        case None:
            return
        case _:
            assert_never(s.offer)
