"""What an engine is given: the ports that it works through, and the settings that it works by.

Two values, so that the controller, `release-cluster`, the tests and the model build their engines alike.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from controller.core.ports import Clock, Ec2, Events, Heart, Ledger, Pods
from controller.core.remembered import CALL_LIFE_S
from controller.core.situation import Facts
from controller.core.tenancy import Rules
from controller.core.tokens import Tokens
from controller.core.tracing import Tracing
from controller.engine.leadership import Leadership
from state.model import AllocationId


class OwnLedger(Ledger, Heart, Protocol):
    """The ledger of the install that the engine is for, and its pulse."""

    @property
    def restored(self) -> bool:
        """Whether the table was older, when this term began, than what had been written before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world, as the engine sees it.

    pods, ledger, ec2, events: Kubernetes, the claims, the addresses, and what Pods' authors read.
    tokens: asked before each mutation of EC2.
    tracing: told of each plan and each action.
    leadership: says which term is open; the engine acts in that one only.
    rules: who may have what, as it stands when it is asked.
    clock: monotonic seconds; all times of the engine are its.
    """

    pods: Pods
    ledger: OwnLedger
    ec2: Ec2
    tokens: Tokens
    events: Events
    tracing: Tracing
    leadership: Leadership
    rules: Callable[[], Rules]
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Whom the engine works for, and how. Times are seconds.

    facts: what plans know of the install.
    threads: how many plans run at once; as many again that take addresses away.
    consistency_s: after this time what EC2 shows is believed, whatever was changed before.
    poll_interval_s: how old a view of EC2 may be for a Pod that waits for a pool.
    resync_s: between two comparisons of all of EC2 with the ledger.
    silence_s: T; other installs that are silent for longer count as gone.
    remembered_s: how long intents are remembered at least; beyond that, the consistency time.
    agreed: addresses that nobody recorded, and that a person said are to be given back.
    """

    facts: Facts
    threads: int
    consistency_s: float
    poll_interval_s: float
    resync_s: float
    silence_s: float
    remembered_s: float = CALL_LIFE_S
    agreed: Collection[AllocationId] = frozenset()
