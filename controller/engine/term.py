"""What belongs to one term of leadership: made when it opens, dropped when it ends, never carried over.

A later term must not act on what an earlier one saw: between them another replica may have led. All of it is one
value, so that a twin of a term can be made: `copy` it, and open a term that knows this much.
"""

from dataclasses import dataclass, field

from controller.core.situation import Facts
from controller.core.views import Term
from controller.engine.admission import Grants
from controller.engine.calls import Lines
from controller.engine.chores import Chores
from controller.engine.circuit_breakers import Breaker
from controller.engine.claims import ClaimIndex, index_of
from controller.engine.ec2view import Seen
from controller.engine.memory import TermMemory
from controller.engine.placement import Places
from controller.engine.plain import Plain
from controller.engine.pool_allocator import Others
from controller.engine.quota import Drawn
from controller.engine.tuning import Ports, Tuning
from controller.engine.waiters import Waiters


@dataclass(slots=True, kw_only=True)
class TermState(Plain):
    """All that a term remembers. `over`: the loop has dropped it, and nothing of it counts."""

    term: Term
    facts: Facts
    memory: TermMemory
    claims: ClaimIndex
    grants: Grants
    seen: Seen = field(default_factory=Seen)
    places: Places = field(default_factory=Places)
    others: Others = field(default_factory=Others)
    lines: Lines = field(default_factory=Lines)
    breakers: dict[str, Breaker] = field(default_factory=dict)
    drawn: Drawn = field(default_factory=Drawn)
    waiters: Waiters = field(default_factory=Waiters)
    chores: Chores = field(default_factory=Chores)
    over: bool = False


def beginning(term: Term, ports: Ports, tuning: Tuning) -> TermState:
    """What a term knows at its start: the claims, and nothing else."""
    return TermState(
        term=term,
        facts=tuning.facts,
        memory=TermMemory(clock=ports.clock, consistency_s=tuning.consistency_s, started=ports.clock()),
        claims=index_of(ports.ledger.pods().values()),
        grants=Grants(ports.rules()),
    )
