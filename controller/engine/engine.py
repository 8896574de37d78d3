"""The engine: all that serves Pods while this replica leads, made from its ports and settings alone.

The controller, `release-cluster` and tests pass in ports and settings and nothing else, so all of them run the same
parts. The election is not part of it: that opens and ends terms through `Ports.leadership`.
"""

from controller.engine.execute import Executor, Threads
from controller.engine.peers import Peers
from controller.engine.reconcile import LoopState, Reconciler
from controller.engine.tuning import Ports, Tuning


class Engine:
    """`loop` serves Pods once it is started; `peers`: the other installs as last seen. Nothing runs before.

    executor: carries out plans, looks and chores; None: the loop's own threads.
    known, peers: what is remembered already, and kept. A twin is an engine with a copy of both.
    """

    def __init__(
        self,
        ports: Ports,
        tuning: Tuning,
        executor: Executor | None = None,
        known: LoopState | None = None,
        peers: Peers | None = None,
    ) -> None:
        self.ports, self.tuning = ports, tuning
        self.peers = peers or Peers(ports.clock)
        self.loop = Reconciler(ports, tuning, self.peers, executor or Threads(ports, threads=tuning.threads), known)
