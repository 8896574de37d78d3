"""EC2 as `doctor` asks it: describes as they are, and mutations as dry runs alone.

The last thing before a request leaves is a look at its body: a mutation that is not marked as a dry run is not sent. So
no mistake in a check can change anything.
"""

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qs

from botocore import xform_name
from botocore.exceptions import ClientError

from controller.aws.client import is_dry_run
from controller.aws.codes import ec2_errors
from controller.aws.plain_client import plain_client
from controller.core.diagnosis.rights import DENIED, DRY_RUN, Tried
from controller.doctor.dates import ahead_of
from state import denial
from state.credentials import CredentialKeeper
from state.errors import NotSent, Unavailable

MOST_PAGES: Final = 50
_NO_DRY_RUNS: Final = "this endpoint does not answer a dry run as EC2 does, and might carry it out"


class Ec2Reader:
    """Asks EC2 in one Region; each call takes `call_timeout_s` at most. Raises errors of `state.errors`."""

    def __init__(self, *, region: str, call_timeout_s: float, keeper: CredentialKeeper) -> None:
        self._api = plain_client("ec2", region, call_timeout_s, keeper)
        self._sent = 0.0
        self.ahead_s: float | None = None
        """Seconds that our clock was ahead of EC2's at the last answer; None: no answer had a date."""
        self._api.meta.events.register_last("before-send.ec2", self._refuse_mutations)
        self._api.meta.events.register("after-call.ec2", self._note_date)

    @property
    def url(self) -> str:
        """Where EC2 is asked."""
        return str(self._api.meta.endpoint_url)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """The answer to one call."""
        with ec2_errors(operation):
            return self._method(operation)(**parameters)

    def all(self, operation: str, key: str, **parameters: Any) -> list[Mapping[str, Any]]:
        """The list `key` of all pages; Unavailable where there are more pages than anybody has."""
        found: list[Mapping[str, Any]] = []
        token = ""
        for _ in range(MOST_PAGES):
            page = self.ask(operation, **parameters, **({"NextToken": token} if token else {}))
            found += page.get(key, ())
            token = page.get("NextToken") or ""
            if not token:
                return found
        raise Unavailable(f"{operation} has more than {MOST_PAGES} pages", code="TooManyPages")

    def dry_run(self, operation: str, **parameters: Any) -> Tried:
        """What EC2 says of a mutation that it is told not to carry out; not asked where the endpoint may not obey."""
        if not self._obeys:
            return Tried(action=f"ec2:{operation}", why_not=_NO_DRY_RUNS)
        return self._dry_run(operation, **parameters)

    @cached_property
    def _obeys(self) -> bool:
        """Whether a call that changes nothing is answered as a dry run. A stand-in for EC2 may not know the mark."""
        return self._dry_run("DescribeAddresses").code == DRY_RUN

    def _dry_run(self, operation: str, **parameters: Any) -> Tried:
        with ec2_errors(operation):
            try:
                self._method(operation)(DryRun=True, **parameters)
            except ClientError as error:
                said = error.response.get("Error", {})
                code, message = str(said.get("Code", "")), str(said.get("Message", ""))
                words = denial.advice("ec2", operation, message) if code in DENIED else ""
                return Tried(action=f"ec2:{operation}", code=code, message=message, advice=words)
        return Tried(action=f"ec2:{operation}", code="NoDryRun")

    def _method(self, operation: str) -> Callable[..., Mapping[str, Any]]:
        found: Callable[..., Mapping[str, Any]] = getattr(self._api, xform_name(operation))
        return found

    def _refuse_mutations(self, request: Any, **_: Any) -> None:
        self._sent = time.time()
        if not is_harmless(request.body):
            raise NotSent("doctor sends no mutation that is not a dry run")

    def _note_date(self, http_response: Any, **_: Any) -> None:
        ahead = ahead_of(http_response.headers.get("Date"), self._sent, time.time())
        self.ahead_s = self.ahead_s if ahead is None else ahead


def is_harmless(body: bytes | str) -> bool:
    """Whether this request of the EC2 Query protocol changes nothing: a describe, or a dry run."""
    form = parse_qs(body.decode() if isinstance(body, bytes) else body)
    return form["Action"][-1].startswith("Describe") or is_dry_run(body)
