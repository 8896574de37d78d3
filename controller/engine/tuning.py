"""What an engine is made from: its ports and its settings.

They are two values, so that the controller, `release-cluster`, the tests and the model build their engines alike.
"""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from controller.core.measures import NO_MEASURES, Measures
from controller.core.ports import (
    Clock,
    Ec2,
    Events,
    Heartbeat,
    Ledger,
    Pods,
)
from controller.core.remembered import CALL_LIFE_S
from controller.core.situation import Facts
from controller.core.tenancy import Rules
from controller.core.tokens import Tokens
from controller.core.tracing import Tracing
from controller.core.views import Term
from controller.engine.recent_errors import RecentErrors
from state.model import AllocationId


class OwnLedger(Ledger, Heartbeat, Protocol):
    """The ledger of the install that the engine works for, with its heartbeat."""

    @property
    def restored(self) -> bool:
        """Whether the table, when this term began, lacked what had been written before (an older one was restored)."""
        ...


class Leads(Protocol):
    """Whether the engine may act."""

    @property
    def term(self) -> Term | None:
        """The open term."""
        ...

    @property
    def closing(self) -> bool:
        """Whether nothing new may start any more, for good."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports of the engine.

    pods, ledger, ec2, events: Kubernetes, the claims, the addresses, and what Pods' authors read.
    tokens: asked before each mutation of EC2.
    tracing: told of each plan and each action.
    leadership: says which term is open; the engine acts in that one only.
    rules: who may have what, as it stands when it is asked.
    clock: monotonic seconds; all times of the engine are its.
    chance: numbers from [0, 1), for pauses.
    errors: told of each that a plan or a chore ends with, for who looks at the status.
    measures: told what happens and how long it takes.
    """

    pods: Pods
    ledger: OwnLedger
    ec2: Ec2
    tokens: Tokens
    events: Events
    tracing: Tracing
    leadership: Leads
    rules: Callable[[], Rules]
    clock: Clock
    chance: Callable[[], float] = random.random
    errors: RecentErrors = field(default_factory=RecentErrors)
    measures: Measures = NO_MEASURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The settings of the engine. Times are seconds.

    facts: what plans know of the install.
    threads: how many plans run at once that serve; as many again that take addresses away.
    consistency_s: so long after a change EC2's reads may not show it yet.
    poll_interval_s: how old a view of EC2 may be for a Pod that waits for a pool.
    resync_s: between two comparisons of all of EC2 with the ledger.
    silence_s: T; other installs that are silent for longer count as gone.
    remembered_s: how long intents are remembered at least; beyond that, the consistency time.
    agreed: addresses without a claim that a person has agreed to release.
    """

    facts: Facts
    threads: int
    consistency_s: float
    poll_interval_s: float
    resync_s: float
    silence_s: float
    remembered_s: float = CALL_LIFE_S
    agreed: Collection[AllocationId] = frozenset()
