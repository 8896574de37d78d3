"""The table: its keys, how it is kept, who else is in it, and each right of the role on it.

A right to write is tried with a transaction of one write whose condition nothing meets, in a partition of this cluster:
writes are allowed inside of transactions alone, and perhaps in such partitions alone. So nothing is written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from controller.aws.plain_client import plain_client
from controller.core.config import Config
from controller.core.diagnosis import table
from controller.core.diagnosis.account import of_call
from controller.core.diagnosis.finding import Check, Finding, said, warning
from controller.core.diagnosis.rights import DENIED, Tried
from state import denial
from state.codes import CANCELED, translate
from state.credentials import CredentialKeeper
from state.errors import AccessDenied, PodEipError, Refused, TableMissing
from state.model import ClusterUid, InstallKey, InstallRecord
from state.provision import check_table
from state.reader import Reader
from state.table import DIRECTORY, open_table

NEVER: Final = "attribute_exists(pk) AND attribute_not_exists(pk)"
"""A condition that no item meets, and none that is missing."""


class TableReader:
    """Asks DynamoDB about one table. Raises errors of `state.errors`."""

    def __init__(self, config: Config, region: str, keeper: CredentialKeeper) -> None:
        self._config, self._region, self._name = config, region, config.table
        self._api = plain_client("dynamodb", region, config.call_timeout, keeper)

    @property
    def url(self) -> str:
        """Where DynamoDB is asked."""
        return str(self._api.meta.endpoint_url)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def findings(self) -> Iterator[Finding]:
        """Its keys; where they are right, how it is kept."""
        text = f"table {self._name} has the right keys"
        try:
            check_table(self._name, region=self._region, call_timeout=self._config.call_timeout)
        except TableMissing as error:
            made = "; the first replica makes it (--create-table)" if self._config.create_table else ""
            yield warning(Check.TABLE, said(error) + made) if made else of_call(Check.TABLE, text, error)
            return
        except PodEipError as error:
            yield of_call(Check.TABLE, text, error)
            return
        yield of_call(Check.TABLE, text)
        stand_in = not str(urlsplit(self.url).hostname).endswith((".amazonaws.com", ".amazonaws.com.cn"))
        yield from table.of_description(self._name, self._ask("describe_table")["Table"], stand_in=stand_in)
        yield self._recovery()

    def _recovery(self) -> Finding:
        try:
            answer = self._ask("describe_continuous_backups")
        except AccessDenied:
            return table.recovery_unknown("dynamodb:DescribeContinuousBackups is denied (deploy/iam, doctor)")
        except Refused as error:
            return table.recovery_unknown(f"the endpoint does not know it ({error.code})")
        return table.of_recovery(self._name, answer.get("ContinuousBackupsDescription", {}))

    def installs(self) -> Sequence[InstallRecord]:
        """Every install of the table."""
        opened = open_table(self._name, region=self._region, call_timeout=self._config.call_timeout)
        nobody = InstallKey(cluster_uid=ClusterUid(""), lease_namespace="", lease_name="")
        return Reader(opened, nobody).installs().installs

    def tried(self, cluster: str) -> Iterator[Tried]:
        """The answer to a try of each action; `cluster`: the UID of ours, empty where it is not known."""
        key = {"pk": {"S": f"cluster#{cluster}" if cluster else "eip#doctor"}, "sk": {"S": "doctor"}}
        yield self._try("DescribeTable", lambda: self._api.describe_table(TableName=self._name))
        yield self._try("Query", lambda: self._api.query(**self._query()))
        asked = {self._name: {"Keys": [key], "ConsistentRead": True}}
        yield self._try("BatchGetItem", lambda: self._api.batch_get_item(RequestItems=asked))
        for action, write in _writes(self._name, key).items():
            yield self._try(action, partial(self._api.transact_write_items, TransactItems=[write]))

    def _query(self) -> dict[str, Any]:
        return {
            "TableName": self._name,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": DIRECTORY}},
            "ConsistentRead": True,
            "Limit": 1,
        }

    def _ask(self, operation: str) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = getattr(self._api, operation)(TableName=self._name)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, self._name) from error
        return answer

    def _try(self, action: str, call: Callable[[], object]) -> Tried:
        try:
            call()
        except ClientError as error:
            return _answer(f"dynamodb:{action}", error)
        except BotoCoreError as error:
            raise translate(error, self._name) from error
        return Tried(action=f"dynamodb:{action}")


def _writes(name: str, key: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each kind of write, which never happens."""
    where = {"TableName": name, "ConditionExpression": NEVER}
    return {
        "PutItem": {"Put": {**where, "Item": key}},
        "UpdateItem": {
            "Update": {
                **where,
                "Key": key,
                "UpdateExpression": "SET v = :v",
                "ExpressionAttributeValues": {":v": {"N": "0"}},
            }
        },
        "DeleteItem": {"Delete": {**where, "Key": key}},
    }


def _answer(action: str, error: ClientError) -> Tried:
    """A cancelled transaction says why in its reasons; a denial names the action that is missing."""
    said = error.response.get("Error", {})
    code, message = str(said.get("Code", "")), str(said.get("Message", ""))
    if code == CANCELED:
        reasons = [str(reason.get("Code", "")) for reason in error.response.get("CancellationReasons", ())]
        code = reasons[0] if reasons else code
    words = denial.advice("dynamodb", action.partition(":")[2], message) if code in DENIED else ""
    return Tried(action=action, code=code, message=message, advice=words)
