"""The engine: all that serves Pods while this replica leads, made from its ports and settings alone.

The controller, `release-cluster` and tests pass in ports and settings and nothing else, so all of them run the same
parts. The election is not part of it: that opens and ends terms through `Ports.leadership`.
"""

from controller.core.ports import Term
from controller.engine.opening import OpenTerm, open_term
from controller.engine.peers import Peers
from controller.engine.reconcile import Reconciler
from controller.engine.term import TermState
from controller.engine.tuning import Ports, Tuning
from controller.engine.workqueue import Workqueue


class Engine:
    """`loop` serves Pods once it is started; `peers`: the other installs as last seen. Nothing runs before."""

    def __init__(self, ports: Ports, tuning: Tuning) -> None:
        self.ports, self.tuning = ports, tuning
        self.peers = Peers(ports.clock)
        self.loop = Reconciler(ports, tuning, self.peers)

    def open_term(self, term: Term, queue: Workqueue, known: TermState | None = None) -> OpenTerm:
        """The parts that the loop would work with in this term, for whoever moves them by hand instead."""
        return open_term(term, self.ports, self.tuning, queue, self.peers, known)
