"""The order in which `doctor` looks: what a replica needs first comes first, each finding as soon as it is known.

The calls are made with the same credentials, endpoints and time limits as a replica's. Without credentials AWS is asked
nothing; without an API server, nothing that only it knows.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from controller.core.config import Config
from controller.core.diagnosis import account
from controller.core.diagnosis.account import Credentials
from controller.core.diagnosis.finding import Check, Finding, Grade, Questions, not_looked_at, said, warning
from controller.doctor import inside, outside
from controller.doctor.scene import Scene
from state.credentials import CredentialKeeper
from state.errors import AccessDenied, PodEipError


def examine(config: Config, region: str, questions: Questions) -> Iterator[Finding]:
    """Each finding as soon as it is known. Nothing is changed."""
    logging.getLogger().addHandler(logging.NullHandler())  # what goes wrong is a finding, and is told once
    keeper = CredentialKeeper(patience_s=config.call_timeout)
    credentials = account.of_credentials(_credentials(keeper))
    yield credentials
    with closing(Scene(config, region, keeper, os.environ)) as scene:
        if credentials.grade is not Grade.BROKEN:
            for check, look in outside.checks(scene, questions):
                yield from _looked(check, look)
        for check, look in inside.checks(scene, questions, aws=credentials.grade is not Grade.BROKEN):
            yield from _looked(check, look)
    keeper.stop()


def _credentials(keeper: CredentialKeeper) -> Credentials:
    keeper.renew()
    return Credentials(
        source=keeper.source,
        temporary=keeper.temporary,
        renewable=keeper.renewable,
        expires_in_s=keeper.expires_in_s,
        trouble=keeper.trouble,
    )


def _looked(check: Check, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What the check finds. Where the right to look is missing that is no fault; where the look fails, a warning."""
    try:
        yield from look()
    except AccessDenied as error:
        yield not_looked_at(check, f"the right is missing ({said(error)})", _DOCTORS_RIGHTS)
    except PodEipError as error:
        yield warning(check, f"it could not be looked at: {said(error)}", error.advice)


_DOCTORS_RIGHTS = "What doctor alone reads of AWS is in deploy/iam/PARTITION/doctor.json; `helm test` may read the rest"
