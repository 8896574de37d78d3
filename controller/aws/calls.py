"""One way for every call to EC2: wait for a token, ask whether we lead, send, judge the answer, tell telemetry."""

import time
from collections.abc import Callable
from typing import TypeVar

from controller.aws.client import MUTATIONS
from controller.aws.codes import LABELS, ec2_errors
from controller.aws.gate import Throttle
from controller.core.ports import Guard, Telemetry
from state.credentials import CredentialKeeper
from state.errors import NoCredentials, NotSent, PodEipError

T = TypeVar("T")
Listener = Callable[[str, PodEipError | None], None]
"""Told of each mutation, and of the error that it ended with."""


class Calls:
    """Sends calls through the throttle; raises `state.errors` only. Thread-safe."""

    def __init__(
        self, throttle: Throttle, guard: Guard, telemetry: Telemetry | None, keeper: CredentialKeeper | None = None
    ) -> None:
        self._throttle, self._guard, self._telemetry, self._keeper = throttle, guard, telemetry, keeper
        self.listener: Listener = _nobody

    def send(self, operation: str, call: Callable[[], T]) -> T:
        """The answer of `call`. Mutations raise NotLeading where the guard says so."""
        if operation in MUTATIONS:  # a mutation has its token already
            self._guard.check()
            return self._heard(operation, call)
        return self.send_harmless(operation, call)

    def send_harmless(self, operation: str, call: Callable[[], T]) -> T:
        """The answer of a read or a dry run: it waits for its token, and needs no leadership."""
        with self._throttle.turn(operation, _nothing):
            return self._observed(operation, call)

    def _heard(self, operation: str, call: Callable[[], T]) -> T:
        try:
            answer = self._observed(operation, call)
        except PodEipError as error:
            self.listener(operation, error)
            raise
        self.listener(operation, None)
        return answer

    def _observed(self, operation: str, call: Callable[[], T]) -> T:
        started = time.monotonic()
        try:
            with ec2_errors(operation):
                answer = call()
        except NotSent:
            raise
        except PodEipError as error:
            self._tell(operation, started, error.label(LABELS))
            if isinstance(error, NoCredentials) and self._keeper is not None:
                self._keeper.refused()
            raise
        self._tell(operation, started, "")
        return answer

    def _tell(self, operation: str, started: float, code: str) -> None:
        if self._telemetry is not None:
            self._telemetry.call("ec2", operation, time.monotonic() - started, code)


def _nobody(_operation: str, _error: PodEipError | None) -> None:
    """Tells nobody."""


def _nothing() -> None:
    """The guard of reads: none."""
