"""What goes in and comes out of the API, without sockets: one call, and an answer whole or in chunks.

Query parameters are read here once, with the API server's errors for those that cannot be read.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sandbox.kube.deletion import DeleteOptions
from sandbox.kube.status import RefusedError, bad_request, failure, unsupported_media

JSON_TYPE = "application/json"
BODY_LIMIT = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request; header names are lower case, the query holds the last value of each parameter."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def agent(self) -> str:
        """What the client calls itself."""
        return self.headers.get("user-agent", "")

    @property
    def bearer(self) -> str:
        """The client's token, which is its identity here; empty without one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""

    def flag(self, name: str) -> bool:
        """A boolean parameter: there, and neither `false` nor `0`."""
        return self.query.get(name, "false").lower() not in ("false", "0")

    def number(self, name: str) -> int | None:
        """A whole number, None where it is absent or empty; 400 where it is none."""
        text = self.query.get(name, "")
        try:
            return int(text) if text else None
        except ValueError as error:
            raise bad_request(f"invalid value for {name}: {text!r}") from error

    def json(self) -> Any:
        """The body; 400 where it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error

    def sent_object(self) -> Any:
        """The body of a POST or PUT; 415 for other formats than JSON."""
        if self.content_type not in ("", JSON_TYPE):
            raise unsupported_media(JSON_TYPE)
        return self.json()

    def delete_options(self) -> DeleteOptions:
        """What the body of a DELETE says, or its query where there is no body."""
        sent = self.sent_object() if self.body.strip() else {}
        if not isinstance(sent, dict):
            raise bad_request("expected DeleteOptions")
        conditions = sent.get("preconditions") or {}
        grace = sent["gracePeriodSeconds"] if "gracePeriodSeconds" in sent else self.number("gracePeriodSeconds")
        uid, version = conditions.get("uid") or "", conditions.get("resourceVersion") or ""
        return DeleteOptions(grace=grace, uid=uid, version=version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer."""

    code: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """An answer in chunks, until the iterator ends; an empty chunk sends nothing and looks for the client."""

    chunks: Generator[bytes, None, None]
    content_type: str = JSON_TYPE


def json_reply(value: Any, code: int = 200) -> Reply:
    """A JSON answer."""
    return Reply(code=code, body=msgspec.json.encode(value))


def refusal_reply(error: RefusedError) -> Reply:
    """A Status answer; one that asks to retry says so in a header too."""
    seconds = error.status.get("details", {}).get("retryAfterSeconds")
    headers = {"Retry-After": str(seconds)} if seconds else {}
    return Reply(code=error.code, body=msgspec.json.encode(error.status), headers=headers)


def too_large() -> RefusedError:
    """413: the body is above the API server's limit of 3 MiB."""
    return failure(413, "RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT}")


def object_json(head: bytes, raw: bytes) -> bytes:
    """An object's JSON from the resource's head and the stored body."""
    return head + raw[1:]
