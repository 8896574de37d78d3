"""Whether there are AWS credentials, as one more thing that a replica must have to be able.

A role whose trust policy is wrong leaves a replica without any: nothing it asks is answered, so no right is refused.
An agent that comes up seconds late is no fault; nor is a source that fails while the present credentials are valid.
"""

from collections.abc import Callable

from controller.core.ports import Clock
from state import denial
from state.errors import AccessDenied, NoCredentials

PATIENCE_S = 10.0


class CredentialCheck:
    """For one thread. `trouble`: why nothing can be signed now; empty: it can."""

    def __init__(self, trouble: Callable[[], str], clock: Clock) -> None:
        self._trouble, self._clock = trouble, clock
        self._since: float | None = None

    def check(self) -> None:
        """Raises NoCredentials while they may yet come, and after PATIENCE_S seconds a plain AccessDenied."""
        trouble, now = self._trouble(), self._clock()
        if not trouble:
            self._since = None
            return
        self._since = now if self._since is None else self._since
        patient = now - self._since < PATIENCE_S
        raise (NoCredentials if patient else AccessDenied)(trouble, code="NoCredentials", advice=denial.NO_CREDENTIALS)
