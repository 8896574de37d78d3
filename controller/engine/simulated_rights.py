"""What IAM's simulator says of the role, as one more thing that a new install is asked for.

Its answer is worth having and no more: the role may lack the right to ask, and a private VPC may have no way to IAM.
Then nothing is known, and the first Pods show it. A denial that is known stays until the simulator answers again.
"""

import logging
from collections.abc import Callable

from controller.core.ports import Clock
from controller.core.simulation import Decision, denials
from state import denial
from state.errors import AccessDenied, PodEipError, Refused

log = logging.getLogger(__name__)

SILENT_S = 3600.0
"""Seconds until it is asked again after it could not be asked."""


class SimulatedRights:
    """For one thread. `decide`: the role's ARN and the decisions; raises errors of `state.errors`."""

    def __init__(self, decide: Callable[[], tuple[str, list[Decision]]], clock: Clock) -> None:
        self._decide, self._clock = decide, clock
        self._silent_until = 0.0
        self._denied = False

    def check(self) -> None:
        """Raises AccessDenied where it is certain that the role may not serve a Pod with mode `auto`.

        After that, what says nothing of rights (Unavailable, Throttled) is raised, too.
        """
        if self._clock() < self._silent_until:
            return
        try:
            arn, decisions = self._decide()
        except PodEipError as error:
            if self._denied and not isinstance(error, Refused):
                raise
            self._silent_until = self._clock() + SILENT_S
            log.info("IAM's simulator cannot be asked what the role may do: %s", error.explain())
            return
        refused = list(denials(decisions))
        self._denied = bool(refused)
        if refused:
            words = "; ".join(decision.words(arn) for decision in refused)
            advice = denial.advice("ec2", refused[0].action, words)
            raise AccessDenied(f"IAM's simulator says that {words}", code=refused[0].decision, advice=advice)
