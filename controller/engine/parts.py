"""What observes and acts in one term of leadership: each part holds ports and the term's state, and remembers nothing.

So the parts can be made anew for any state of a term, by whoever has the ports.
"""

from dataclasses import dataclass

from controller.core.situation import Facts
from controller.core.views import Term
from controller.engine.admission import Admission
from controller.engine.calls import CallQueue
from controller.engine.circuit_breakers import CircuitBreakers
from controller.engine.claims import ClaimIndex
from controller.engine.ec2view import AddressView
from controller.engine.ledger_freshness import LedgerFreshness
from controller.engine.lookups import LookupRunner
from controller.engine.memory import TermMemory
from controller.engine.observe import Observer
from controller.engine.placement import Placements
from controller.engine.pod_log import PodLog
from controller.engine.pod_notes import PodNotes
from controller.engine.pod_spans import PodSpans
from controller.engine.pool_allocator import PoolAllocator
from controller.engine.quota import QuotaGuard
from controller.engine.sightings import Sightings
from controller.engine.term import TermState
from controller.engine.tuning import Ports, Tuning
from controller.engine.workqueue import Workqueue


@dataclass(frozen=True, slots=True, kw_only=True)
class TermParts:
    """The parts of one term, and the state that they share. `parts_of` makes them."""

    state: TermState
    view: AddressView
    placements: Placements
    pools: PoolAllocator
    observer: Observer
    freshness: LedgerFreshness
    admission: Admission
    calls: CallQueue
    breakers: CircuitBreakers
    lookup_runner: LookupRunner
    quota: QuotaGuard
    queue: Workqueue
    log: PodLog
    notes: PodNotes
    spans: PodSpans

    @property
    def term(self) -> Term:
        """The term."""
        return self.state.term

    @property
    def facts(self) -> Facts:
        """What plans know of the install."""
        return self.state.facts

    @property
    def memory(self) -> TermMemory:
        """What is remembered of Pods and addresses."""
        return self.state.memory

    @property
    def claims(self) -> ClaimIndex:
        """Which claims are for an IP."""
        return self.state.claims


def parts_of(
    state: TermState, ports: Ports, tuning: Tuning, queue: Workqueue, sightings: Sightings | None = None
) -> TermParts:
    """The parts that work on this state, and wake Pods through `queue`."""
    clock, ledger, memory, facts = ports.clock, ports.ledger, state.memory, state.facts
    view = AddressView(ports.ec2, clock, tuning.consistency_s, state.seen)
    placements = Placements(ports.ec2, clock, state.places)
    kept = ports.rules().tenancy.kept
    quota = QuotaGuard(ec2=ports.ec2, view=view, memory=memory, drawn=state.drawn, kept=kept, clock=clock)
    admission = Admission(ports.rules, ledger, state.grants)
    pools = PoolAllocator(
        facts=facts, ledger=ledger, view=view, placements=placements, memory=memory, clock=clock, others=state.others
    )
    return TermParts(
        state=state,
        view=view,
        placements=placements,
        pools=pools,
        observer=Observer(
            facts=facts,
            pods=ports.pods,
            ledger=ledger,
            view=view,
            placements=placements,
            claims=state.claims,
            memory=memory,
            admission=admission,
            clock=clock,
            poll_interval_s=tuning.poll_interval_s,
            quota=quota,
            pools=pools,
            restored=ledger.restored,
        ),
        freshness=LedgerFreshness(ledger, tuning.silence_s),
        admission=admission,
        calls=CallQueue(ports.tokens, state.lines),
        breakers=CircuitBreakers(clock, state.breakers, view.has_of),
        lookup_runner=LookupRunner(view=view, placements=placements, pools=pools, pods=ports.pods, quota=quota),
        quota=quota,
        queue=queue,
        log=PodLog(memory, state.term, ports.measures),
        notes=PodNotes(),
        spans=PodSpans(
            tracing=ports.tracing, memory=memory, queue=queue, term=state.term, sightings=sightings or Sightings()
        ),
    )
