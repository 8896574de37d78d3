"""What moto leaves out of TransactWriteItems and the service does not: the request token and the limit of 4 MB.

From the API reference: a request that is repeated with its ClientRequestToken within ten minutes of its success has
no second effect; another request with that token is an IdempotentParameterMismatchException; the items of one
transaction may not exceed 4 MB together. DynamoDB Local does all three.
"""

import json
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TARGET = "DynamoDB_20120810.TransactWriteItems"
LARGEST = 4 * 1024 * 1024
REMEMBERED_S = 600.0
SIZED = ("Item", "Key", "ExpressionAttributeValues")
HEADERS = [("Content-Type", "application/x-amz-json-1.0")]


class Transactions:
    """A WSGI application before another one. Not safe for threads: it stands behind the lock of its server."""

    def __init__(self, app: "WSGIApplication", clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._clock = app, clock
        self._done: dict[str, tuple[float, bytes]] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET") != TARGET:
            return self._app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        return self._transact(body, environ, start_response)

    def _transact(self, body: bytes, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = json.loads(body)
        token = request.get("ClientRequestToken", "")
        at, before = self._done.get(token, (float("-inf"), b""))
        if token and self._clock() - at < REMEMBERED_S:
            if before != body:
                return _refused(start_response, "IdempotentParameterMismatchException", "another request's token")
            start_response("200 OK", HEADERS)
            return [b"{}"]
        if (size := payload(request)) > LARGEST:
            said = f"Transaction payload size cannot exceed 4MB. Payload Size: {size}"
            return _refused(start_response, "ValidationException", said)
        return self._forward(token, body, environ, start_response)

    def _forward(
        self, token: str, body: bytes, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if token and status.startswith("200"):
                self._done[token] = (self._clock(), body)
            return start_response(status, headers, *more)

        return self._app(environ, begin)


def payload(request: dict[str, Any]) -> int:
    """The bytes of all items of a transaction: names and values."""
    operations = (operation for entry in request.get("TransactItems", []) for operation in entry.values())
    return sum(_size(operation[part]) for operation in operations for part in SIZED if part in operation)


def _size(value: object) -> int:
    if isinstance(value, dict):
        return sum(len(str(key).encode()) + _size(inner) for key, inner in value.items())
    if isinstance(value, list):
        return sum(map(_size, value))
    return len(str(value).encode())


def _refused(start_response: "StartResponse", code: str, said: str) -> Iterable[bytes]:
    start_response("400 Bad Request", HEADERS)
    return [json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": said}).encode()]
