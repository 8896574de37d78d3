"""Whether the role may change EC2 for a Pod, as far as it shows in an install that has served nobody yet.

AllocateAddress is one question for all Pods that want one from Amazon's pool, and may be asked before there is any.
Whether AssociateAddress, DisassociateAddress and ReleaseAddress are allowed depends on the address and the interface,
so EC2 cannot be asked for all Pods beforehand; IAM's simulator can, where the role may ask it; else the first Pods show
it. Once the install has served one, a denial is about a pool or an address: a tenant chooses those, and must not turn
all replicas red.
"""

import threading
from collections.abc import Callable

from controller.core.ability import is_refusal
from controller.core.ports import Clock
from state.errors import AccessDenied, PodEipError

KEPT_S = 300.0
"""Seconds for which a denial counts; a Pod that is denied tries again at least each minute."""
SERVES = "AssociateAddress"
"""Whoever may do this has served a Pod."""

_POOLS_ALONE = "Where Pods use pools alone, set --require-allocation=false (requireAllocation in the chart)"

Hear = Callable[[PodEipError | None], None]


class RightForAuto:
    """Asks whether the role may do what mode `auto` needs, until the install has served somebody. For one thread.

    `served`: whether it has; `ask` raises AccessDenied where it may not, as a dry run or IAM's simulator tells.
    """

    def __init__(self, *, served: Callable[[], bool], ask: Callable[[], None]) -> None:
        self._served, self._ask = served, ask
        self._proven = False

    def check(self) -> None:
        """Raises AccessDenied where the role may not, and what `served` and `ask` raise."""
        self._proven = self._proven or self._served()
        if self._proven:
            return
        try:
            self._ask()
        except AccessDenied as error:
            if not is_refusal(error):
                raise
            advice = ". ".join(part for part in (error.advice.rstrip("."), _POOLS_ALONE) if part)
            raise AccessDenied(error.message, code=error.code, advice=advice) from error


class ServingRights:
    """One replica's. Thread-safe.

    `served`: whether the install has served anybody; `leads`: whether this replica leads, for no other one can know.
    `hear` is told at once of each denial that counts, and of the first Pod that is served after one.
    """

    def __init__(self, *, served: Callable[[], bool], leads: Callable[[], bool], hear: Hear, clock: Clock) -> None:
        self._served, self._leads, self._hear, self._clock = served, leads, hear, clock
        self._lock = threading.Lock()
        self._proven = False
        self._denied: tuple[float, PodEipError] | None = None

    def heard(self, operation: str, error: PodEipError | None) -> None:
        """This call, which changes EC2, was answered (None), or failed with this."""
        if self._proven:
            return
        if error is None and operation == SERVES:
            self._prove()
        elif error is not None and is_refusal(error):
            self._deny(error)

    def check(self) -> None:
        """Raises the last denial, if it still counts."""
        with self._lock:
            denied = self._denied
        if denied is not None and self._leads() and self._clock() - denied[0] < KEPT_S:
            raise denied[1]

    def _deny(self, error: PodEipError) -> None:
        if self._served():
            self._prove()
            return
        with self._lock:
            if self._proven:
                return
            self._denied = (self._clock(), error)
        self._hear(error)

    def _prove(self) -> None:
        with self._lock:
            denied, self._denied, self._proven = self._denied, None, True
        if denied is not None:
            self._hear(None)
