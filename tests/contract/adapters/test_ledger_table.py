"""The table is made as a ledger needs it, once, whoever asks and how often; and a wrong one is told by name."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from sandbox.dynamodb import CREDENTIALS
from state.errors import AccessDenied, PodEipError, Refused, TableMissing, TableNotUsable, Throttled, Unavailable
from state.provision import Provisioner, check_table, create_table
from state.table import open_table
from tests.fakes.dynamodb_proxy import Answer, Proxy, refusal

REGION = CREDENTIALS["region_name"]
BACKUPS = "UpdateContinuousBackups"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS["aws_secret_access_key"])


@pytest.fixture(params=["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"])
def endpoint(request: pytest.FixtureRequest, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server, named by either variable."""
    url = str(dynamodb.meta.endpoint_url)
    monkeypatch.setenv(request.param, url)
    return url


@pytest.fixture
def proxy(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A network that a test can break, named by the variable."""
    with Proxy(dynamodb.meta.endpoint_url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        yield proxy


@pytest.fixture
def name() -> str:
    """A table that does not exist."""
    return f"table-{uuid4().hex}"


def make(name: str) -> Any:
    """Make it with short waits."""
    return create_table(name, region=REGION, call_timeout=20.0, limit_s=20.0)


def test_it_is_made_and_made_again(endpoint: str, name: str, dynamodb: Any) -> None:
    make(name)
    make(name)
    check_table(name, region=REGION, call_timeout=20.0)
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]} == {"pk": "HASH", "sk": "RANGE"}


def test_it_has_all_that_the_service_knows(name: str, dynamodb: Any, proxy: Proxy) -> None:
    warnings = make(name)
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert table["DeletionProtectionEnabled"] is True
    if warnings:  # said of a stand-in, and true of it
        with pytest.raises(ClientError, match="UnknownOperationException"):
            dynamodb.describe_continuous_backups(TableName=name)
        assert ["recovery" in warning for warning in warnings] == [True]
        return
    tags = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
    assert {"Key": "app.kubernetes.io/name", "Value": "aws-pod-eip-controller"} in tags
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_replicas_may_make_it_at_once(proxy: Proxy, name: str) -> None:
    with ThreadPoolExecutor(3) as threads:
        for made in [threads.submit(make, name) for _ in range(3)]:
            made.result(60)
    assert len(proxy.requests("CreateTable")) >= 1


@pytest.mark.parametrize("code", ["UnknownOperationException", "ValidationException"])
def test_what_a_stand_in_does_not_know_is_a_warning(proxy: Proxy, name: str, code: str) -> None:
    proxy.fault(refusal(code, "unsupported"), operation="CreateTable")
    proxy.fault(refusal(code, "unsupported"), operation=BACKUPS)
    protection, recovery = make(name)
    assert "deletion protection" in protection
    assert "point-in-time recovery" in recovery
    assert code in recovery
    check_table(name, region=REGION, call_timeout=20.0)


def test_recovery_is_asked_for_again_until_the_table_is_ready(proxy: Proxy, name: str) -> None:
    proxy.fault(refusal("ContinuousBackupsUnavailableException", "soon"), operation=BACKUPS)
    make(name)
    assert len(proxy.requests(BACKUPS)) == 2


@pytest.mark.parametrize("operation", ["CreateTable", BACKUPS])
def test_a_missing_permission_is_an_error(proxy: Proxy, name: str, operation: str) -> None:
    proxy.fault(refusal("AccessDeniedException", "not authorized"), operation=operation)
    with pytest.raises(AccessDenied):
        make(name)


def test_too_many_tables_at_once_is_throttled(proxy: Proxy, name: str) -> None:
    proxy.fault(refusal("LimitExceededException", "many"), operation="CreateTable")
    with pytest.raises(Throttled):
        make(name)


def test_a_table_that_is_not_there_names_the_command(endpoint: str, name: str) -> None:
    with pytest.raises(TableMissing) as caught:
        check_table(name, region=REGION, call_timeout=20.0)
    assert f"aws-pod-eip-controller table create --table {name}" in caught.value.explain()


@pytest.mark.parametrize("keys", [[("pk", "HASH", "S")], [("pk", "HASH", "S"), ("sk", "RANGE", "N")]])
def test_a_table_with_other_keys_is_not_usable(
    endpoint: str, name: str, dynamodb: Any, keys: list[tuple[str, str, str]]
) -> None:
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind, _ in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": what} for key, _, what in keys],
    )
    for attempt in (check_table, create_table):
        with pytest.raises(TableNotUsable):
            attempt(name, region=REGION, call_timeout=20.0)


@pytest.mark.parametrize(("status", "error"), [("CREATING", Unavailable), ("DELETING", TableMissing)])
def test_a_table_that_comes_or_goes_is_not_used(proxy: Proxy, name: str, status: str, error: type[PodEipError]) -> None:
    make(name)
    proxy.fault(_described(name, status), operation="DescribeTable")
    with pytest.raises(error):
        check_table(name, region=REGION, call_timeout=20.0)


def _described(name: str, status: str) -> Any:
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    types = [{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")]
    table = {"TableName": name, "TableStatus": status, "KeySchema": keys, "AttributeDefinitions": types}
    return Answer(status=200, body={"Table": table})


def test_an_endpoint_is_by_hand_only_where_it_was_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(variable, raising=False)
    assert not Provisioner(name, region=REGION).by_hand()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert Provisioner(name, region=REGION).by_hand()


def test_the_ledgers_own_connection_follows_the_variable(endpoint: str, name: str) -> None:
    table = open_table(name, region=REGION, call_timeout=4.0)
    assert table.connection.client.meta.endpoint_url == endpoint
    config: Any = table.connection.client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1.0, 3.0)
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    with pytest.raises(TableMissing):
        table.connection.strong_get([("a", "b")])


def test_an_unknown_refusal_is_not_forgiven(proxy: Proxy, name: str) -> None:
    proxy.fault(refusal("NeverHeardOfException", "news"), operation=BACKUPS)
    with pytest.raises(Refused):
        make(name)
