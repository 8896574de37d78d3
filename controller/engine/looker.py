"""Plans for one Pod by itself, outside of any term, with the loop's own observer, looks and plan; changes nothing.

It reads as a leader would that has led for a while. What only a term remembers (failed tries, pauses, who waits for a
token) is not known here.
"""

from dataclasses import dataclass, replace

from controller.core.actions import Plan
from controller.core.desire import desire
from controller.core.plan import plan
from controller.core.situation import Situation
from controller.core.views import Term
from controller.engine.parts import TermParts, parts_of
from controller.engine.peers import Peers
from controller.engine.permits import InFlight, permitted
from controller.engine.term import beginning
from controller.engine.tuning import Ports, Tuning
from controller.engine.workqueue import Workqueue
from state.errors import Unavailable
from state.model import Epoch, PodUid

LOOKS = 20
"""More than a Pod can need: each look answers one of its needs, and there are seven kinds."""
_NOBODY = Term(identity="", epoch=Epoch(0), since="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found, and what a leader would do about it."""

    situation: Situation
    plan: Plan


def look(ports: Ports, tuning: Tuning, peers: Peers, uid: PodUid) -> Looked:
    """Look at this Pod, call by call, until nothing more has to be known. Raises what the ports raise."""
    parts = _parts(ports, tuning, peers, uid)
    record = ports.ledger.pod(uid)
    if record is not None and record.allocation_id is not None:
        ports.ledger.refresh([record.allocation_id])
    s = _observed(parts, uid)
    if s.occupant is not None and s.occupant_claim is None:
        ports.ledger.refresh([s.occupant.allocation_id])
        s = replace(s, occupant_claim=ports.ledger.address(s.occupant.allocation_id))
    return Looked(situation=s, plan=permitted(parts, s, plan(s), InFlight()))


def _parts(ports: Ports, tuning: Tuning, peers: Peers, uid: PodUid) -> TermParts:
    """The parts of a term that began before EC2's reads could be late."""
    state = beginning(_NOBODY, ports, tuning)
    state.memory.started -= tuning.consistency_s + 1.0
    mine, pod = state.memory.of(uid), ports.pods.get(uid)
    mine.proven, mine.gone = (desire(pod), False) if pod is not None else (None, True)
    parts = parts_of(state, ports, tuning, Workqueue(ports.clock))
    parts.pools.learn(peers, tuning.silence_s)
    parts.admission.begin(())
    return parts


def _observed(parts: TermParts, uid: PodUid) -> Situation:
    for _ in range(LOOKS):
        seen = parts.observer.observe([uid], frozenset())
        if seen.situations:
            return seen.situations[0]
        lookup = seen.parked[uid]
        parts.lookup_runner.look(lookup.kind, [lookup])
    raise Unavailable("what EC2 and the API server say does not come to rest: ask again", code="NoRest")
