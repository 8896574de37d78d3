"""X-Ray's receiver of OTLP, as AWS describes it: it knows whom it gave which keys, and refuses what is not signed.

The signature is computed anew by botocore's own code from what came over the wire, so that a client that signs
something else than it sends is refused, as AWS would. Sources: CloudWatch user guide, "OTLP Endpoints" (path, limits);
IAM user guide, "Signature Version 4" (what must be signed, five minutes); the words of the refusals are AWS's own.
"""

import gzip
import hmac
import json
import re
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATH: Final = "/v1/traces"
MAX_BYTES: Final = 5_000_000
MAX_SPANS: Final = 10_000
GAP_NS: Final = 24 * 3600 * 10**9
SKEW: Final = timedelta(minutes=5)
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_STAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An access key that was given out. `token`: of temporary ones; `may_put`: has xray:PutTraceSegments."""

    secret: str
    token: str | None = None
    expires: datetime | None = None
    may_put: bool = True


@dataclass(slots=True, kw_only=True)
class Account:
    """What the receiver knows, and what it has received; a test changes it as it goes."""

    region: str = "us-west-2"
    keys: dict[str, Key] = field(default_factory=dict)
    transaction_search: bool = True
    spans: list[Any] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)


class Refusal(Exception):
    """The answer to a request that is not taken."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words = status, code, words


def take(account: Account, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Take one request, by its headers in small letters. Raises Refusal."""
    key = verify(account, path, headers, body, now)
    if not key.may_put:
        words = "User: arn:aws:sts::111122223333:assumed-role/eip/x is not authorized to perform: xray:PutTraceSegments"
        raise Refusal(403, "AccessDeniedException", words)
    if not account.transaction_search:
        words = "The OTLP API is supported with CloudWatch Logs as a Trace Segment Destination."
        raise Refusal(400, "InvalidRequestException", words)
    if headers.get("content-type") != "application/x-protobuf":
        raise Refusal(415, "UnsupportedMediaTypeException", "The content type is not supported")
    request = _decoded(headers.get("content-encoding", ""), body)
    spans = [span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]
    if len(spans) > MAX_SPANS:
        raise Refusal(400, "InvalidRequestException", "Too many spans in one request")
    began = [span.start_time_unix_nano for span in spans]
    if began and max(began) - min(began) > GAP_NS:
        raise Refusal(400, "InvalidRequestException", "The spans of one request are too far apart")
    account.senders.append(headers["authorization"])
    account.headers.append(dict(headers))
    account.spans.extend(spans)
    account.resources += [
        {a.key: a.value.string_value for a in group.resource.attributes} for group in request.resource_spans
    ]


def verify(account: Account, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Key:
    """The key that the request was signed with. Raises Refusal."""
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise Refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    key = account.keys.get(found["key"])
    if key is None or (key.token or "") != headers.get("x-amz-security-token", ""):
        words = "The security token included in the request is invalid."
        raise Refusal(403, "UnrecognizedClientException", words)
    if key.expires is not None and key.expires <= now:
        words = "The security token included in the request is expired"
        raise Refusal(403, "ExpiredTokenException", words)
    _check_scope(account, found, headers, now)
    if not hmac.compare_digest(found["signature"], _signature(account, found, key, path, headers, body)):
        words = "The request signature we calculated does not match the signature you provided."
        raise Refusal(403, "InvalidSignatureException", words)
    return key


def _check_scope(account: Account, found: re.Match[str], headers: Mapping[str, str], now: datetime) -> None:
    """Refuse another service, another Region, an old signature, and a header that must be signed and is not."""
    if (found["service"], found["region"]) != ("xray", account.region):
        words = f"Credential should be scoped to a valid region and correct service: 'xray', '{account.region}'."
        raise Refusal(403, "InvalidSignatureException", words)
    try:
        made = datetime.strptime(headers.get("x-amz-date", ""), _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(403, "IncompleteSignatureException", "X-Amz-Date is missing") from None
    if abs(now - made) > SKEW or found["day"] != made.strftime("%Y%m%d"):
        raise Refusal(403, "InvalidSignatureException", "Signature expired")
    must = {"host", *(name for name in headers if name.startswith("x-amz-"))}
    if not must <= set(found["headers"].split(";")):
        raise Refusal(403, "IncompleteSignatureException", "Headers that must be signed are not")


def _signature(
    account: Account, found: re.Match[str], key: Key, path: str, headers: Mapping[str, str], body: bytes
) -> str:
    """What botocore makes of this request, with the headers that the client says it signed."""
    signed = {name: headers.get(name, "") for name in found["headers"].split(";")}
    request = AWSRequest(method="POST", url=f"https://{headers['host']}{path}", data=body, headers=signed)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(ReadOnlyCredentials(found["key"], key.secret, key.token), "xray", account.region)
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def _decoded(encoding: str, body: bytes) -> ExportTraceServiceRequest:
    if encoding not in ("", "gzip"):
        raise Refusal(415, "UnsupportedMediaTypeException", "Only gzip and none are supported")
    try:
        plain = gzip.decompress(body) if encoding else body
        if len(plain) > MAX_BYTES:
            raise Refusal(413, "RequestTooLargeException", "The request is too large")
        found: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(plain)
        return found
    except (DecodeError, OSError, EOFError, zlib.error):
        raise Refusal(400, "InvalidRequestException", "The body cannot be read") from None


class XRay:
    """The receiver on a free port of loopback, in threads of this process."""

    def __init__(self, account: Account | None = None) -> None:
        self.account = account or Account()
        mine = self.account

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    if self.path != PATH:
                        raise Refusal(404, "UnknownOperationException", "")
                    take(mine, self.path, {k.lower(): v for k, v in self.headers.items()}, body, datetime.now(UTC))
                except Refusal as refusal:
                    mine.refusals.append(refusal.code)
                    self._say(refusal.status, json.dumps({"message": refusal.words}).encode(), refusal.code)
                else:
                    self._say(200, b"", "")

            def _say(self, status: int, body: bytes, code: str) -> None:
                self.send_response(status)
                if code:
                    self.send_header("x-amzn-ErrorType", code)
                self.send_header("Content-Type", "application/json" if body else "application/x-protobuf")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def named(self, name: str) -> list[Any]:
        """The spans of that name."""
        return [span for span in list(self.account.spans) if span.name == name]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
