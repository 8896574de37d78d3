"""X-Ray's stand-in takes what is signed as AWS documents it, computed here by hand, and refuses everything else.

The signature is built step by step from the IAM user guide ("Create a signed AWS API request"), without botocore, so
that the receiver and the product, which both use botocore, cannot agree on something wrong.
"""

import gzip
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sandbox.xray import Account, Key, Refusal, take

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
HOST, PATH, REGION = "xray.us-west-2.amazonaws.com", "/v1/traces", "us-west-2"


def body(spans: int = 1, hours_apart: int = 0) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(spans):
        scope.spans.add(name="Associate", start_time_unix_nano=number * hours_apart * 3600 * 10**9)
    return bytes(gzip.compress(request.SerializeToString()))


def signed(data: bytes, secret: str = "s3cret", **changes: str) -> dict[str, str]:
    """The headers of a request, signed by hand."""
    headers = {
        "content-encoding": "gzip",
        "content-type": "application/x-protobuf",
        "host": HOST,
        "x-amz-date": NOW.strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-security-token": "token",
        **{name.replace("_", "-"): value for name, value in changes.items() if name not in ("region", "service")},
    }
    region, service = changes.get("region", REGION), changes.get("service", "xray")
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"POST\n{PATH}\n\n{lines}\n{names}\n{hashlib.sha256(data).hexdigest()}"
    stamp = headers["x-amz-date"]
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    line = f"AWS4-HMAC-SHA256 Credential=AKID/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": line}


def account(**changes: Any) -> Account:
    return Account(region=REGION, keys={"AKID": Key(**{"secret": "s3cret", "token": "token", **changes})})


def refused(to: Account, headers: Mapping[str, str], data: bytes, now: datetime = NOW) -> tuple[int, str]:
    with pytest.raises(Refusal) as raised:
        take(to, PATH, headers, data, now)
    assert to.spans == []
    return raised.value.status, raised.value.code


def test_a_request_that_is_signed_by_hand_is_taken() -> None:
    there, data = account(), body()
    take(there, PATH, signed(data), data, NOW + timedelta(minutes=4))
    assert [span.name for span in there.spans] == ["Associate"]


def test_what_was_signed_must_be_what_came() -> None:
    data = body()
    headers = signed(data)
    assert refused(account(), headers, body(2)) == (403, "InvalidSignatureException")
    assert refused(account(), {**headers, "content-type": "x"}, data) == (403, "InvalidSignatureException")
    assert refused(account(), {**headers, "host": "other"}, data) == (403, "InvalidSignatureException")
    assert refused(account(), signed(data, secret="guess"), data) == (403, "InvalidSignatureException")


def test_each_other_fault_has_its_refusal() -> None:
    data = body()
    headers = signed(data)
    bare = {name: value for name, value in headers.items() if name != "authorization"}
    assert refused(account(), bare, data) == (403, "MissingAuthenticationTokenException")
    assert refused(account(token="other"), headers, data) == (403, "UnrecognizedClientException")
    assert refused(Account(region=REGION), headers, data) == (403, "UnrecognizedClientException")
    assert refused(account(expires=NOW), headers, data) == (403, "ExpiredTokenException")
    assert refused(account(may_put=False), headers, data) == (403, "AccessDeniedException")
    assert refused(account(), headers, data, NOW + timedelta(minutes=6)) == (403, "InvalidSignatureException")
    assert refused(account(), signed(data, region="eu-west-1"), data) == (403, "InvalidSignatureException")
    assert refused(account(), signed(data, service="ec2"), data) == (403, "InvalidSignatureException")
    assert refused(account(), {**headers, "x-amz-more": "1"}, data) == (403, "IncompleteSignatureException")


def test_the_limits_of_the_endpoint_hold() -> None:
    there = account()
    there.transaction_search = False
    assert refused(there, signed(body()), body()) == (400, "InvalidRequestException")
    many = body(10_001)
    assert refused(account(), signed(many), many) == (400, "InvalidRequestException")
    apart = body(2, hours_apart=25)
    assert refused(account(), signed(apart), apart) == (400, "InvalidRequestException")
    deflated = signed(body(), content_encoding="deflate")
    assert refused(account(), deflated, body()) == (415, "UnsupportedMediaTypeException")
    assert refused(account(), signed(b"no gzip"), b"no gzip") == (400, "InvalidRequestException")
