"""Which calls are spans: those that serve a Pod, below its action; others only where they fail, or are asked for."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import copy_context
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from state.group import GROUP
from tests.fakes.otlp import Receiver
from tests.web.traced import ASSOCIATE, INTEND, LABEL, TELL, attributes, subject, tracer

REFUSAL = (
    b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow down &#x202e;</Message></Error></Errors>"
    b"<RequestID>req-1</RequestID></Response>"
)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """An API that always says the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def dynamodb() -> Iterator[str]:
    with answering(200, b"{}") as url:
        yield url


@pytest.fixture
def busy_ec2() -> Iterator[str]:
    """In the words of EC2's API reference, "Example of error response"."""
    with answering(503, REFUSAL) as url:
        yield url


def client(url: str, service: str = "ec2") -> Any:
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2)
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    make: Any = boto3.client  # its stubs want the service as a literal
    return make(service, region_name="eu-central-1", endpoint_url=url, config=config, **keys)


def call(url: str) -> None:
    """A call that is answered by what is no XML, or by nobody."""
    with suppress(ClientError, BotoCoreError):
        client(url).describe_addresses()


def test_a_call_that_serves_no_pod_leaves_nothing(receiver: Receiver, env: Mapping[str, str], dynamodb: str) -> None:
    one = tracer(env)
    client(dynamodb, "dynamodb").list_tables()
    one.called("kubernetes", "list pods", 0.1, "")
    one.shutdown()
    assert receiver.spans == []


def test_such_calls_are_spans_where_somebody_asks_for_them(
    receiver: Receiver, env: Mapping[str, str], dynamodb: str
) -> None:
    one = tracer(env, all_calls=True)
    client(dynamodb, "dynamodb").list_tables()
    one.called("kubernetes", "list pods", 0.1, "")
    one.shutdown()
    assert {span.name for span in receiver.spans} == {"DynamoDB.ListTables", "list pods"}


def test_such_calls_are_spans_where_they_fail(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    call("http://127.0.0.1:1")
    one.called("kubernetes", "list pods", 0.1, "Forbidden")
    one.shutdown()
    aws, kubernetes = receiver.named("EC2.DescribeAddresses"), receiver.named("list pods")
    assert all(span.status.code == 2 and span.parent_span_id == b"" for span in (aws, kubernetes))
    assert attributes(aws)["pod_eip.background"] is True
    assert [event.name for event in aws.events] == ["exception"]
    assert aws.end_time_unix_nano > aws.start_time_unix_nano
    assert attributes(kubernetes)["error.type"] == "Forbidden"


def test_calls_within_an_action_are_spans_below_it(receiver: Receiver, env: Mapping[str, str], dynamodb: str) -> None:
    one = tracer(env)
    with one.action(subject(), LABEL, one.begin(subject(), "")):
        one.called("kubernetes", "patch pods/status", 0.25, "")
        client(dynamodb, "dynamodb").list_tables()
    one.shutdown()
    label = receiver.named("Label")
    patch, tables = receiver.named("patch pods/status"), receiver.named("DynamoDB.ListTables")
    assert patch.parent_span_id == tables.parent_span_id == label.span_id
    assert patch.end_time_unix_nano - patch.start_time_unix_nano == 250_000_000
    assert patch.kind == tables.kind == 3  # SPAN_KIND_CLIENT
    assert attributes(patch) == {"peer.service": "kubernetes"}


def test_an_events_call_belongs_to_the_pods_trace(receiver: Receiver, env: Mapping[str, str]) -> None:
    one = tracer(env)
    parent = one.begin(subject(), "")
    with one.action(subject(), TELL, parent):
        emitted = copy_context()
    with one.within(parent):
        also = copy_context()
    for context in (emitted, also):
        context.run(one.called, "kubernetes", "create events", 0.1, "")
    one.shutdown()
    root, *calls = receiver.spans
    assert [(span.name, span.parent_span_id) for span in calls] == [("create events", root.span_id)] * 2


def test_a_transaction_is_linked_with_each_action_that_it_writes_for(
    receiver: Receiver, env: Mapping[str, str], dynamodb: str
) -> None:
    one = tracer(env)
    parent = one.begin(subject(), "")
    with one.action(subject(), INTEND, parent):
        mine = copy_context()
        with one.action(subject(), LABEL, parent):
            others = copy_context()
            context = copy_context()
            context.run(GROUP.set, (mine, others, copy_context()))
            context.run(transact, dynamodb)
    one.shutdown()
    transaction = receiver.named("DynamoDB.TransactWriteItems")
    actions = [receiver.named("Intend"), receiver.named("Label")]
    assert {link.span_id for link in transaction.links} == {span.span_id for span in actions}
    for span in actions:
        assert {link.span_id for link in span.links} == {transaction.span_id}


def transact(url: str) -> None:
    client(url, "dynamodb").transact_write_items(TransactItems=[{"Delete": {"TableName": "tab", "Key": {}}}])


def test_the_code_and_the_request_id_of_a_refusal_are_on_its_spans(
    receiver: Receiver, env: Mapping[str, str], busy_ec2: str
) -> None:
    one = tracer(env)
    with pytest.raises(ClientError), one.action(subject(), ASSOCIATE, one.begin(subject(), "")):
        client(busy_ec2).associate_address(AllocationId="a")
    one.shutdown()
    for name in ("EC2.AssociateAddress", "Associate"):
        assert attributes(receiver.named(name))["aws.request_id"] == "req-1"
    call_span = receiver.named("EC2.AssociateAddress")
    assert attributes(call_span)["error.type"] == "RequestLimitExceeded"
    assert call_span.status.message == r"RequestLimitExceeded: slow down \u202e"


def test_what_the_api_server_says_when_all_is_well_is_no_failure(receiver: Receiver, env: Mapping[str, str]) -> None:
    """The first replica of all asks for a Lease that is not there; two that want one write it at once."""
    one = tracer(env)
    one.called("kubernetes", "get leases", 0.1, "NotFound")
    one.called("kubernetes", "create leases", 0.1, "AlreadyExists")
    one.shutdown()
    assert receiver.spans == []
