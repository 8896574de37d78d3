"""X-Ray as a receiver of OTLP: where it is, and the signature that it wants on each request.

X-Ray takes OTLP over HTTP at its own endpoint, signed by Signature Version 4 for the service `xray` (CloudWatch user
guide, "OTLP Endpoints"). So no collector is needed. What is signed is the prepared request: the body as it goes over
the wire, after compression. The credentials are the process's own, which a thread of their own renews: signing never
asks STS.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from opentelemetry.sdk.trace import ReadableSpan
from requests.auth import AuthBase
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from controller.core.trace_settings import TRACES_PATH
from controller.surface.exporting import Batch, TellingSession, explained
from state.credentials import CredentialKeeper
from state.errors import Misconfigured
from state.sessions import new_session

SERVICE: Final = "xray"
MAX_BYTES: Final = 5_000_000
"""Of one request before compression (CloudWatch user guide, "OTLP Endpoints", endpoint limits)."""
GAP_NS: Final = 23 * 3600 * 10**9
"""Between the first and the last span of one request; X-Ray allows 24 hours. A Pod may have waited for longer."""
_SIGNED: Final = ("content-type", "content-encoding")
_SENT: Final = (*_SIGNED, "content-length", "user-agent", "accept", "accept-encoding", "connection")
REFUSED_S: Final = 60.0
# The codes by which AWS says that the credentials, and not the rights, are wrong (IAM, "Common errors").
_STALE: Final = (
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignature",
    "MissingAuthenticationToken",
    "UnrecognizedClient",
)
_ADVICE: Final[Mapping[str, str]] = {
    "AccessDenied": "The role needs xray:PutTraceSegments (deploy/iam, traces.json)",
    "Trace Segment Destination": "Turn Transaction Search on: aws xray update-trace-segment-destination "
    "--destination CloudWatchLogs",
    "InvalidSignature": "The secret key is wrong, or this machine's clock is",
    "ExpiredToken": "The credentials are looked for again",
    "UnrecognizedClient": "The access key is not known; the credentials are looked for again",
}


def endpoint_of(region: str, keeper: CredentialKeeper) -> str:
    """The URL of X-Ray's receiver in this Region, as botocore finds the service: by the table of partitions, or by
    AWS_ENDPOINT_URL_XRAY and the like; AWS_USE_FIPS_ENDPOINT is obeyed. Raises Misconfigured."""
    try:
        client = keeper.attach(new_session()).create_client(SERVICE, region_name=region)
    except BotoCoreError as error:
        raise Misconfigured([f"the endpoint of X-Ray in {region!r} cannot be told: {error}"]) from error
    return str(client.meta.endpoint_url).rstrip("/") + TRACES_PATH


def authorities() -> str:
    """The file of the authorities that AWS's certificates are held against: AWS_CA_BUNDLE, or those of requests."""
    return str(new_session().get_config_variable("ca_bundle") or DEFAULT_CA_BUNDLE_PATH)


def advice(reason: str) -> str:
    """What to do about X-Ray's refusal; empty where nothing is known."""
    return next((words for sign, words in _ADVICE.items() if sign in reason), "")


def split(spans: Batch) -> list[Batch]:
    """The batch in parts whose spans began within a day."""
    parts: list[list[ReadableSpan]] = []
    for span in sorted(spans, key=lambda span: span.start_time or 0):
        if not parts or (span.start_time or 0) - (parts[-1][0].start_time or 0) > GAP_NS:
            parts.append([])
        parts[-1].append(span)
    return list(parts)


class Signature(AuthBase):
    """Signs each request that is about to be sent, and takes off what only OTLP's other receivers are to see."""

    def __init__(self, keeper: CredentialKeeper, region: str) -> None:
        self._keeper, self._region = keeper, region

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Raises NoCredentialsError or CredentialRetrievalError where there are no valid credentials."""
        for name in [name for name in request.headers if name.lower() not in _SENT]:
            del request.headers[name]  # OTEL_EXPORTER_OTLP_HEADERS may hold another vendor's secret
        signed = {name: value for name, value in request.headers.items() if name.lower() in _SIGNED}
        draft = AWSRequest(method=request.method, url=request.url, data=request.body, headers=signed)
        SigV4Auth(self._keeper.frozen(), SERVICE, self._region).add_auth(draft)
        request.headers.update(dict(draft.headers.items()))
        return request


class SignedSession(TellingSession):
    """A session whose requests are signed; where AWS does not know the credentials, others are looked for."""

    def __init__(self, keeper: CredentialKeeper, region: str) -> None:
        super().__init__()
        self._keeper = keeper
        self.auth = Signature(keeper, region)
        self._asked_until = 0.0

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, and note the answer."""
        answer = super().request(*args, **kwargs)
        if answer.status_code in (401, 403) and explained(answer).startswith(_STALE):
            self._refused()
        return answer

    def _refused(self) -> None:
        """Have other credentials looked for, once in a while: EC2 and DynamoDB use them, and X-Ray alone may refuse."""
        if time.monotonic() >= self._asked_until:
            self._asked_until = time.monotonic() + REFUSED_S
            self._keeper.refused()
