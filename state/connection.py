"""The only way to DynamoDB: strong reads and fenced transactions, each with a time limit, none repeated by the SDK.

PynamoDB's defaults (15 s to connect, 30 s to read, three retries) would outlast a leader's deadline, and its clients
may refresh credentials, which is a network call, after the deadline was checked. So all time limits are set here, and
the guard is asked in botocore's `before-send`, when the request is signed and ready.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from botocore.session import Session
from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.connection._botocore_private import BotocoreBaseClientPrivate
from pynamodb.connection.base import MetaTable

from state.answers import check_answer
from state.backoff import Backoff
from state.calls import Observer, observe
from state.codes import translated
from state.credentials import CredentialKeeper
from state.errors import Throttled
from state.sessions import with_files

Key = tuple[str, str]
Raw = Mapping[str, Mapping[str, Any]]

BATCH = 100  # keys that one BatchGetItem takes
BATCH_ROUNDS = 8  # how often keys that DynamoDB left unprocessed are asked for again
BATCH_PAUSE = Backoff(base_s=0.02, sure=0.0)

_SCHEMA = MetaTable  # PynamoDB's description of a table's keys
_SORT = UnicodeAttribute(attr_name="sk")


def key_of(raw: Raw) -> Key:
    """The key of an item as DynamoDB sends it."""
    return raw["pk"]["S"], raw["sk"]["S"]


class GuardedConnection(Connection):
    """PynamoDB's connection whose transactions ask a guard as the last thing before they leave the process."""

    def __init__(
        self,
        table: str,
        *,
        region: str | None,
        call_timeout: float,
        keeper: CredentialKeeper | None = None,
        observer: Observer | None = None,
    ) -> None:
        """`call_timeout` (seconds) covers connecting and one wait for the answer; the SDK chooses the endpoint."""
        self._keeper, self._observer = keeper, observer
        super().__init__(
            region=region,
            connect_timeout_seconds=call_timeout / 4,
            read_timeout_seconds=call_timeout * 3 / 4,
            retry_configuration={"total_max_attempts": 1, "mode": "standard"},
        )
        self.table = table
        self._asked = threading.local()
        keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        types = [{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys]
        self.add_meta_table(_SCHEMA({"TableName": table, "KeySchema": keys, "AttributeDefinitions": types}))

    @property
    def session(self) -> Session:
        """PynamoDB's session of this thread, with the process's credentials."""
        session = super().session
        if not getattr(self._local, "kept", False):
            with_files(session)
            if self._keeper is not None:
                self._keeper.attach(session)
            self._local.kept = True
        return session

    @property
    def client(self) -> BotocoreBaseClientPrivate:
        """PynamoDB's client, which it makes anew while there are no credentials; each one asks the guard."""
        client = super().client
        event = "before-send.dynamodb.TransactWriteItems"
        client.meta.events.register_last(event, self._ask, unique_id="pod-eip-guard")
        client.meta.events.register("before-parse.dynamodb", check_answer, unique_id="pod-eip-answer")
        if self._observer is not None:
            observe(client.meta.events, self._observer)
        return client

    def _ask(self, **_: Any) -> None:
        guard: Callable[[], None] | None = getattr(self._asked, "guard", None)
        if guard is not None:
            guard()

    def transact(
        self,
        *,
        deletes: Sequence[dict[str, Any]],
        puts: Sequence[dict[str, Any]],
        updates: Sequence[dict[str, Any]],
        token: str,
        guard: Callable[[], None],
    ) -> None:
        """Send one TransactWriteItems. Raises PynamoDB's TransactWriteError, or what `guard` raises (nothing sent)."""
        self._asked.guard = guard
        try:
            self.transact_write_items([], deletes, puts, updates, client_request_token=token)
        finally:
            self._asked.guard = None

    def strong_query(self, pk: str, sort_prefix: str = "") -> Iterator[Raw]:
        """The items of a partition whose sort key has this prefix, page by page. Raises as every read does."""
        condition = _SORT.startswith(sort_prefix) if sort_prefix else None
        start: Any = None
        while True:
            with translated(self.table):
                page = self.query(
                    self.table,
                    pk,
                    range_key_condition=condition,
                    consistent_read=True,
                    exclusive_start_key=start,
                )
            yield from page["Items"]
            start = page.get("LastEvaluatedKey")
            if not start:
                return

    def strong_get(self, keys: Iterable[Key]) -> dict[Key, Raw]:
        """The items that exist among these keys. Raises Throttled where DynamoDB keeps leaving some out."""
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, Raw] = {}
        for start in range(0, len(wanted), BATCH):
            found |= self._get_batch(wanted[start : start + BATCH])
        return found

    def _get_batch(self, keys: Sequence[Key]) -> dict[Key, Raw]:
        found: dict[Key, Raw] = {}
        left: list[Any] = [{"pk": pk, "sk": sk} for pk, sk in keys]
        for tried in range(BATCH_ROUNDS):
            time.sleep(BATCH_PAUSE.after(tried, random.random()) if tried else 0)
            with translated(self.table):
                page = self.batch_get_item(self.table, left, consistent_read=True)
            found |= {key_of(raw): raw for raw in page["Responses"].get(self.table, ())}
            left = page.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
            if not left:
                return found
        raise Throttled(f"DynamoDB left {len(left)} of {len(keys)} keys unread", code="UnprocessedKeys")
