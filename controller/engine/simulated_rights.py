"""What IAM's simulator says of the role, as one more thing that a new install is asked for.

Its answer is worth having and no more: the role may lack the right to ask, and a private VPC may have no way to IAM.
Then nothing is known, and the first Pods show it. A denial that is known stays until the simulator answers again.
"""

import logging
from collections.abc import Callable, Sequence

from controller.core.ports import Clock
from controller.core.simulation import Decision, denials
from state import denial
from state.errors import AccessDenied, NoCredentials, PodEipError, Refused

log = logging.getLogger(__name__)

SILENT_S = 3600.0
"""Seconds until it is asked again after it may not be asked."""
AGAIN_S = 60.0
"""The same, after it was not reached."""
_WRONG = "Where it is wrong, take iam:SimulatePrincipalPolicy from the role: it is asked no more"


class SimulatedRights:
    """For one thread. `decide`: the role's ARN and the decisions; raises errors of `state.errors`."""

    def __init__(self, decide: Callable[[], tuple[str, list[Decision]]], clock: Clock) -> None:
        self._decide, self._clock = decide, clock
        self._silent_until = float("-inf")
        self._denied = False
        self._said = ""

    def check(self) -> None:
        """Raises AccessDenied where it is certain that the role may not serve a Pod with mode `auto`.

        Raises NoCredentials; and once there was a denial, what says nothing of rights (Unavailable, Throttled).
        """
        if self._clock() < self._silent_until:
            return
        try:
            arn, decisions = self._decide()
        except NoCredentials:
            raise
        except Refused as error:
            self._be_silent(SILENT_S, error)
            return
        except PodEipError as error:
            if self._denied:
                raise
            self._be_silent(AGAIN_S, error)
            return
        refused = list(denials(decisions))
        self._denied = bool(refused)
        if refused:
            raise _denial(arn, refused)
        self._tell_doubts(decisions)

    def _be_silent(self, seconds: float, error: PodEipError) -> None:
        self._silent_until, self._denied = self._clock() + seconds, False
        self._tell(f"IAM's simulator cannot be asked what the role may do: {error.explain()}")

    def _tell_doubts(self, decisions: Sequence[Decision]) -> None:
        open_ones = [one for one in decisions if not one.allowed]
        words = [f"{one.decision} of {one.action}, but does not know {', '.join(one.doubts)}" for one in open_ones]
        if words:
            self._tell(f"IAM's simulator says {'; '.join(words)}")

    def _tell(self, words: str) -> None:
        if words != self._said:
            self._said = words
            log.info("%s", words)


def _denial(arn: str, refused: Sequence[Decision]) -> AccessDenied:
    """Advice is for the first: once it is mended, the next one is told. The ARN would be left out of what is shown."""
    first = refused[0]
    words = "; ".join(decision.words("the controller's role") for decision in refused)
    advice = f"{denial.advice('ec2', first.action, first.words(arn)).rstrip('.')}. {_WRONG}"
    return AccessDenied(f"IAM's simulator says that {words}", code=first.decision, advice=advice)
