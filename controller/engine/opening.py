"""Opens a term: makes all that lives as long as one term of leadership does, and nothing that lives longer.

It is a module of its own because two need it: the loop, and callers that take each step of a term themselves.
"""

from dataclasses import dataclass

from controller.core.views import Term
from controller.engine.housekeeping import Housekeeping
from controller.engine.parts import TermParts, parts_of
from controller.engine.peers import Peers
from controller.engine.requeue import Requeue
from controller.engine.sightings import Sightings
from controller.engine.term import TermState, beginning
from controller.engine.tuning import Ports, Tuning
from controller.engine.workqueue import Workqueue


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTerm:
    """The parts of one term: what observes and acts, its chores, and what handles the outcomes of plans."""

    parts: TermParts
    housekeeping: Housekeeping
    requeue: Requeue

    @property
    def state(self) -> TermState:
        """All that the term remembers."""
        return self.parts.state


def open_term(
    term: Term,
    ports: Ports,
    tuning: Tuning,
    queue: Workqueue,
    peers: Peers,
    known: TermState | None = None,
    sightings: Sightings | None = None,
) -> OpenTerm:
    """The parts of this term, which wake Pods through `queue`. `known`: None where only the claims are known."""
    parts = parts_of(known or beginning(term, ports, tuning), ports, tuning, queue, sightings)
    housekeeping = Housekeeping(
        parts=parts,
        ledger=ports.ledger,
        pods=ports.pods,
        heartbeats=ports.ledger,
        clock=ports.clock,
        resync_s=tuning.resync_s,
        peers=peers,
        agreed=tuning.agreed,
        remembered_s=tuning.remembered_s,
        measures=ports.measures,
    )
    requeue = Requeue(
        parts=parts,
        events=ports.events,
        errors=ports.errors,
        clock=ports.clock,
        poll_interval_s=tuning.poll_interval_s,
        measures=ports.measures,
    )
    return OpenTerm(parts=parts, housekeeping=housekeeping, requeue=requeue)
