"""What a replica answers to who asks for one Pod: on a standby, the leader's explanation where it can be had.

It is called from the threads of HTTP alone. One asks the leader at a time, and after a failure nobody does for a while:
then a standby says what it knows itself. What it is told is shown and nothing else, and is believed only if the replica
that the Lease names says it, which no stranger at its address can: that name is drawn at random.
"""

import threading
from collections.abc import Callable
from dataclasses import replace

from controller.core.explain import Explanation
from controller.core.handing_on import Lead
from controller.core.ports import Clock
from controller.core.values import Endpoint
from state.errors import PodEipError

PAUSE_S = 3.0
PATIENCE_S = 0.5

Ask = Callable[[Endpoint, str, str], Explanation]
"""Asks a replica what it knows itself of this Pod. Raises Unavailable where no explanation came in time."""


class LeaderExplains:
    """Thread-safe. own: what this replica knows. lead: who leads, by the Lease. ask: the leader."""

    def __init__(
        self, *, own: Callable[[str, str], Explanation], lead: Callable[[], Lead], ask: Ask, clock: Clock
    ) -> None:
        self.own, self._lead, self._ask, self._clock = own, lead, ask, clock
        self._lock = threading.Lock()
        self._failed: Lead | None = None
        self._not_before = float("-inf")

    def explain(self, namespace: str, name: str) -> Explanation:
        """The leader's explanation, or this replica's own."""
        own, lead = self.own(namespace, name), self._lead()
        nobody_else = lead.identity in ("", own.answered_by.identity)
        if own.answered_by.leads or nobody_else or lead.address is None:
            return own
        if not self._lock.acquire(timeout=PATIENCE_S):
            return own
        try:
            if lead == self._failed and self._clock() < self._not_before:
                return own
            return self._handed_on(own, lead, lead.address)
        finally:
            self._lock.release()

    def _handed_on(self, own: Explanation, lead: Lead, address: Endpoint) -> Explanation:
        try:
            answer = self._ask(address, own.namespace, own.name)
            why = _fault_of(answer, own, lead)
        except PodEipError as error:
            answer, why = own, error.message
        if why:
            self._failed, self._not_before = lead, self._clock() + PAUSE_S
            return _noted(own, f"The leader ({lead.identity}) could not be asked: {why}")
        return _noted(answer, f"{own.answered_by.identity}, a standby, handed this on")


def _fault_of(answer: Explanation, own: Explanation, lead: Lead) -> str:
    """Why this is not the leader's explanation of the Pod; empty: it is."""
    if answer.answered_by.identity != lead.identity or answer.answered_by.cluster != own.answered_by.cluster:
        return "another replica answered"
    if not answer.answered_by.leads:
        return "it says that it does not lead"
    return "" if (answer.namespace, answer.name) == (own.namespace, own.name) else "it answered of another Pod"


def _noted(found: Explanation, note: str) -> Explanation:
    source = found.answered_by
    return replace(found, answered_by=replace(source, notes=(*source.notes, note)))
