"""Makes the table, or says what is wrong with the existing one.

A person who starts the controller without its table is told which command makes it. The table gets on-demand capacity,
point-in-time recovery, protection against deletion, and tags that say whose it is. A stand-in for DynamoDB, behind an
endpoint that was set by hand, may not support all of these: that is a warning there, and an error on AWS itself.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from state.codes import table_missing, translate
from state.errors import Misconfigured, PodEipError, Refused, TableMissing, TableNotUsable, Throttled, Unavailable
from state.sessions import new_session

TAGS: Mapping[str, str] = {"app.kubernetes.io/name": "aws-pod-eip-controller"}

_KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
_TYPES = [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]
_UNKNOWN = ("UnknownOperationException", "ValidationException", "InvalidParameterValue", "SerializationException")
_EXTRAS = ("deletion protection and tags", "point-in-time recovery")


class Provisioner:
    """Makes and checks one table. Every call has a time limit and is made once."""

    def __init__(
        self,
        name: str,
        *,
        region: str | None = None,
        call_timeout: float = 4.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`region` None and the endpoint follow the SDK's standard. Raises Misconfigured without a Region."""
        self._name, self._region, self._timeout = name, region, call_timeout
        self._clock, self._sleep = clock, sleep
        self._client = self._connect(ignore_endpoints=False)

    def _connect(self, *, ignore_endpoints: bool) -> Any:
        settings: dict[str, Any] = {
            "connect_timeout": self._timeout / 4,
            "read_timeout": self._timeout * 3 / 4,
            "retries": {"total_max_attempts": 1, "mode": "standard"},
            "ignore_configured_endpoint_urls": ignore_endpoints,
        }
        try:
            session: Any = boto3.Session(botocore_session=new_session(), region_name=self._region)
            return session.client("dynamodb", config=Config(**settings))
        except BotoCoreError as error:
            raise translate(error, self._name) from error
        except ValueError as error:
            fault = f"the AWS settings (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_DYNAMODB, ...) are not usable: {error}"
            raise Misconfigured([fault]) from error

    def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            return getattr(self._client, operation)(TableName=self._name, **parameters)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, self._name) from error

    def check(self) -> None:
        """Raise TableMissing, TableNotUsable (other keys), Unavailable (being made), or what the call raised."""
        description = self._call("describe_table")["Table"]
        if description.get("TableStatus") == "DELETING":
            raise table_missing(self._name, "DELETING")
        if not _has_our_keys(description):
            raise TableNotUsable(
                f"The DynamoDB table '{self._name}' has other keys than pk and sk, both strings",
                advice="Name another table with --table, or let this program make one with --create-table",
            )
        if description.get("TableStatus") == "CREATING":
            raise Unavailable(f"The DynamoDB table '{self._name}' is being made", code="CREATING")

    def create(self, *, tags: Mapping[str, str] | None = None, limit_s: float = 120.0) -> Sequence[str]:
        """Make the table unless it exists, and wait at most `limit_s` seconds until it can be used.

        Safe to run again, and by several replicas at once. Returns warnings. Raises as `check` does.
        """
        deadline = self._clock() + limit_s
        warnings = [] if self._exists() else self._make({**TAGS, **(tags or {})})
        self._wait_active(deadline)
        return [*warnings, *self._recovery(deadline)]

    def _exists(self) -> bool:
        try:
            self.check()
        except TableMissing as error:
            if error.code == "DELETING":
                raise
            return False
        except Unavailable as error:
            if error.code != "CREATING":
                raise
        return True

    def _make(self, tags: Mapping[str, str]) -> list[str]:
        plain = {"KeySchema": _KEYS, "AttributeDefinitions": _TYPES, "BillingMode": "PAY_PER_REQUEST"}
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        try:
            self._create(**plain, DeletionProtectionEnabled=True, Tags=listed)
        except Refused as error:
            self._forgive(error)
            self._create(**plain)
            return [_warning(_EXTRAS[0], error)]
        return []

    def _create(self, **parameters: Any) -> None:
        """Create it; it is no error if another replica was faster."""
        try:
            self._call("create_table", **parameters)
        except Throttled as error:
            if error.code != "ResourceInUseException":
                raise

    def _wait_active(self, deadline: float) -> None:
        while True:
            try:
                self.check()
            except (Unavailable, TableMissing):  # a table that was just made may not be seen yet
                if self._clock() > deadline:
                    raise
                self._sleep(0.5)
            else:
                return

    def _recovery(self, deadline: float) -> list[str]:
        """Turn point-in-time recovery on; a table is not ready for it in the first moments."""
        while True:
            try:
                wanted = {"PointInTimeRecoveryEnabled": True}
                self._call("update_continuous_backups", PointInTimeRecoverySpecification=wanted)
            except Refused as error:
                if error.code == "ContinuousBackupsUnavailableException" and self._clock() < deadline:
                    self._sleep(0.5)
                    continue
                self._forgive(error)
                return [_warning(_EXTRAS[1], error)]
            return []

    def _forgive(self, error: PodEipError) -> None:
        """Return where a stand-in does not support the call; otherwise raise the error again."""
        if error.code not in _UNKNOWN or not self.by_hand():
            raise error

    def by_hand(self) -> bool:
        """Whether the endpoint is another than the SDK's own choice."""
        own = self._connect(ignore_endpoints=True).meta.endpoint_url
        return bool(urlsplit(own).netloc != urlsplit(self._client.meta.endpoint_url).netloc)


def _has_our_keys(description: Mapping[str, Any]) -> bool:
    types = {item["AttributeName"]: item["AttributeType"] for item in description.get("AttributeDefinitions", ())}
    keys = {item["AttributeName"]: item["KeyType"] for item in description.get("KeySchema", ())}
    return keys == {"pk": "HASH", "sk": "RANGE"} and types.get("pk") == types.get("sk") == "S"


def _warning(what: str, error: PodEipError) -> str:
    return f"The endpoint, which was set by hand, does not know {what} ({error.code}): the table has none"


def create_table(
    name: str,
    *,
    region: str | None = None,
    call_timeout: float = 4.0,
    tags: Mapping[str, str] | None = None,
    limit_s: float = 120.0,
) -> Sequence[str]:
    """Make the table unless it exists; see `Provisioner.create`."""
    return Provisioner(name, region=region, call_timeout=call_timeout).create(tags=tags, limit_s=limit_s)


def check_table(name: str, *, region: str | None = None, call_timeout: float = 4.0) -> None:
    """Raise unless the table can be used; see `Provisioner.check`."""
    Provisioner(name, region=region, call_timeout=call_timeout).check()
