"""What belongs to one term of leadership: made when it opens, dropped when it ends, never carried over.

A later term must not act on what an earlier one saw: between them another replica may have led.
"""

import threading
from dataclasses import dataclass, field
from typing import TypedDict

from controller.core.ports import Term
from controller.core.situation import Facts
from controller.engine.admission import Admission
from controller.engine.brakes import Brakes
from controller.engine.calls import CallQueue
from controller.engine.claims import ClaimIndex
from controller.engine.ec2view import AddressView
from controller.engine.memory import Memory
from controller.engine.needs import Looker
from controller.engine.observe import Observer
from controller.engine.placement import Placements
from controller.engine.pulse import Pulse
from controller.engine.quota import QuotaGuard
from controller.engine.tuning import Ports, Tuning


@dataclass(frozen=True, slots=True, kw_only=True)
class TermState:
    """The state of one term. `term_state` makes it. `over`: the loop has dropped it, and nothing of it counts."""

    term: Term
    facts: Facts
    memory: Memory
    view: AddressView
    placements: Placements
    claims: ClaimIndex
    observer: Observer
    pulse: Pulse
    admission: Admission
    calls: CallQueue
    brakes: Brakes
    looker: Looker
    quota: QuotaGuard
    over: threading.Event = field(default_factory=threading.Event)


class Knowledge(TypedDict):
    """What one term has seen and done."""

    memory: Memory
    view: AddressView
    placements: Placements
    claims: ClaimIndex
    admission: Admission


def nothing_known(ports: Ports, tuning: Tuning) -> Knowledge:
    """What a term knows at its start: the claims, and nothing else."""
    clock, consistency_s = ports.clock, tuning.consistency_s
    return Knowledge(
        memory=Memory(clock=clock, consistency_s=consistency_s, started=clock()),
        view=AddressView(ports.ec2, clock, consistency_s),
        placements=Placements(ports.ec2, clock),
        claims=ClaimIndex(ports.ledger.pods().values()),
        admission=Admission(ports.rules, ports.ledger),
    )


def term_state(term: Term, ports: Ports, tuning: Tuning, known: Knowledge) -> TermState:
    """A state that knows this much."""
    view, memory, kept = known["view"], known["memory"], ports.rules().tenancy.kept
    quota = QuotaGuard(ec2=ports.ec2, view=view, memory=memory, kept=kept, clock=ports.clock)
    observer = Observer(
        facts=tuning.facts,
        pods=ports.pods,
        ledger=ports.ledger,
        clock=ports.clock,
        poll_interval_s=tuning.poll_interval_s,
        restored=ports.ledger.restored,
        quota=quota,
        **known,
    )
    return TermState(
        term=term,
        facts=tuning.facts,
        observer=observer,
        pulse=Pulse(ports.ledger, tuning.silence_s),
        calls=CallQueue(ports.tokens),
        brakes=Brakes(ports.clock),
        looker=Looker(view=view, placements=known["placements"], market=observer.market, pods=ports.pods, quota=quota),
        quota=quota,
        **known,
    )
