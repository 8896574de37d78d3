"""What belongs to one term of leadership: made when it opens, dropped when it ends, never carried over.

A later term must not act on what an earlier one saw: between them another replica may have led.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

from controller.core.ports import Clock, Ec2, Ledger, Pods, Term
from controller.core.situation import Facts
from controller.core.tenancy import Rules
from controller.core.tokens import Tokens
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TermState:
    """The state of one term. `new_term_state` makes it. `over`: the loop has dropped it, and nothing of it counts."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class TermBasis:
    """What the terms of one process have in common. Times are seconds."""

    facts: Facts
    pods: Pods
    ledger: Ledger
    ec2: Ec2
    tokens: Tokens
    rules: Callable[[], Rules]
    clock: Clock
    consistency_s: float
    poll_interval_s: float


class Knowledge(TypedDict):
    """What one term has seen and done."""

    memory: Memory
    view: AddressView
    placements: Placements
    claims: ClaimIndex
    admission: Admission


def new_term_state(term: Term, basis: TermBasis, pulse: Pulse, *, restored: bool) -> TermState:
    """A state that knows nothing yet but the claims; `restored`: the table may have lost some."""
    knowledge = Knowledge(
        memory=Memory(clock=basis.clock, consistency_s=basis.consistency_s, started=basis.clock()),
        view=AddressView(basis.ec2, basis.clock, basis.consistency_s),
        placements=Placements(basis.ec2, basis.clock),
        claims=ClaimIndex(basis.ledger.pods().values()),
        admission=Admission(basis.rules, basis.ledger),
    )
    return term_state(term, basis, pulse, knowledge, restored=restored)


def term_state(term: Term, basis: TermBasis, pulse: Pulse, knowledge: Knowledge, *, restored: bool) -> TermState:
    """A state that knows this much."""
    view, memory, kept = knowledge["view"], knowledge["memory"], basis.rules().tenancy.kept
    quota = QuotaGuard(ec2=basis.ec2, view=view, memory=memory, kept=kept, clock=basis.clock)
    observer = Observer(
        facts=basis.facts,
        pods=basis.pods,
        ledger=basis.ledger,
        clock=basis.clock,
        poll_interval_s=basis.poll_interval_s,
        restored=restored,
        quota=quota,
        **knowledge,
    )
    looker = Looker(view=view, placements=knowledge["placements"], market=observer.market, pods=basis.pods, quota=quota)
    return TermState(
        term=term,
        facts=basis.facts,
        observer=observer,
        pulse=pulse,
        calls=CallQueue(basis.tokens),
        brakes=Brakes(basis.clock),
        looker=looker,
        quota=quota,
        **knowledge,
    )
