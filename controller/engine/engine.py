"""The engine: all that serves Pods while this replica leads, made from its ports and settings by itself.

Whoever runs one, be it the controller, `release-cluster` or a test, says what the world is and how fast to go, and no
more, so all of them run the same machine. Whether it may lead is decided beside it, by the election, which opens and
ends its terms through `Ports.leadership`.
"""

from controller.core.ports import Term
from controller.engine.opening import OpenTerm, open_term
from controller.engine.peers import Peers
from controller.engine.reconcile import Reconciler
from controller.engine.term import Knowledge
from controller.engine.tuning import Ports, Tuning
from controller.engine.workqueue import Workqueue


class Engine:
    """`loop` serves Pods once it is started, `peers` are the other installs as they were seen. Nothing runs before."""

    def __init__(self, ports: Ports, tuning: Tuning) -> None:
        self.ports, self.tuning = ports, tuning
        self.peers = Peers(ports.clock)
        self.loop = Reconciler(ports, tuning, self.peers)

    def open_term(self, term: Term, queue: Workqueue, known: Knowledge | None = None) -> OpenTerm:
        """The parts that the loop would work with in this term, for whoever moves them by hand instead."""
        return open_term(term, self.ports, self.tuning, queue, self.peers, known)
