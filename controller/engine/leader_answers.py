"""What a replica answers to who asks for the status: on a standby, the leader's words where they can be had.

It is called from the threads of HTTP alone, never from the loop's. The leader is asked while somebody waits, so the
time that it may take is short; after a failure it is left alone for a while, and those who ask are answered at once.
"""

import threading
from collections.abc import Callable

from controller.core.handing_on import Lead, Silence, fault_of, handed_on, own_words
from controller.core.ports import Clock
from controller.core.status import Status
from controller.core.values import Endpoint
from state.errors import PodEipError

PAUSE_S = 3.0

Ask = Callable[[Endpoint], Status]
"""Asks a replica for what it knows itself. Raises Unavailable where no status came within the time limit."""


class LeaderAnswers:
    """Thread-safe: one asks, others wait for that one.

    own: what this replica knows. lead: who leads, by the Lease. ask: the leader. read_s: seconds since this replica
    read the table; None: never.
    """

    def __init__(
        self,
        *,
        own: Callable[[], Status],
        lead: Callable[[], Lead],
        ask: Ask,
        read_s: Callable[[], float | None],
        clock: Clock,
    ) -> None:
        self._own, self._lead, self._ask, self._read_s, self._clock = own, lead, ask, read_s, clock
        self._lock = threading.Lock()
        self._asked: Lead | None = None
        self._failed_since: float | None = None
        self._not_before = float("-inf")
        self._why = ""

    def status(self) -> Status:
        """This replica's own status on the leader; on a standby the leader's, or its own with a note that says why."""
        own, lead = self._own(), self._lead()
        if own.leader.is_me:
            return own
        with self._lock:
            self._turn_to(lead)
            answer = self._answer(own, lead)
        return answer or own_words(own, lead, self._silence(), self._read_s())

    def _turn_to(self, lead: Lead) -> None:
        """Another leader, or another term, is asked at once, whatever the one before did."""
        if lead != self._asked:
            self._asked, self._failed_since, self._not_before, self._why = lead, None, float("-inf"), ""

    def _answer(self, own: Status, lead: Lead) -> Status | None:
        asked_at = self._clock()
        nobody_else = lead.identity in ("", own.identity)
        if nobody_else or lead.address is None or asked_at < self._not_before:
            return None
        try:
            answer = self._ask(lead.address)
            self._why = fault_of(answer, own, lead)
        except PodEipError as error:
            self._why = error.message
        if self._why:
            self._failed_since = asked_at if self._failed_since is None else self._failed_since
            self._not_before = self._clock() + PAUSE_S
            return None
        self._failed_since = None
        return handed_on(answer, own, lead, self._clock() - asked_at)

    def _silence(self) -> Silence | None:
        since = self._failed_since
        return None if since is None else Silence(for_s=self._clock() - since, why=self._why.rstrip("."))
