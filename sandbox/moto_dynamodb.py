"""moto's DynamoDB as a process: `python -m sandbox.moto_dynamodb --port N`.

The fallback where there is no Java. moto's own server answers requests in threads of its own and its transactions are
not atomic: a cancelled one restores a copy of the whole table and with it undoes what others committed meanwhile.
Here one lock lets one request in at a time, so a transaction is seen as a whole or not at all. That copy, made anew
for each operation of a transaction, takes seconds at 1,000 items; here it shares the items, which costs microseconds.
Tables need a sort key for it, as the ledger's has.
"""

import argparse
import copy
from collections import defaultdict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.moto_transactions import Transactions

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Copies:
    """The copies of tables made in one request, all before its first write: one for each table is enough."""

    def __init__(self) -> None:
        self._made: dict[str, Table] = {}

    def forget(self) -> None:
        """Begin a new request."""
        self._made.clear()

    def copy(self, table: Table) -> Table:
        """A copy that keeps the items of now, as long as an item is replaced and never changed in place."""
        if table.table_arn not in self._made:
            twin = self._made[table.table_arn] = copy.copy(table)
            twin.items = defaultdict(dict, {key: items.copy() for key, items in table.items.items()})
        return self._made[table.table_arn]


def replacing(update: Callable[..., Item]) -> Callable[..., Item]:
    """Wrap moto's `update_item`, which changes the item in place, so that it changes a copy put in its place."""

    def update_item(self: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **settings: Any) -> Item:
        table, item = self.get_table(table_name), self.get_item(table_name, key)
        if item is not None:
            table.items[item.hash_key][item.range_key] = copy.deepcopy(item)
        return update(self, table_name, key, *args, **settings)

    return update_item


def share_items(copies: Copies) -> None:
    """Teach moto's own classes both. They cannot be subclassed: moto finds its parts by the name of their module."""
    table: Any = Table
    backend: Any = DynamoDBBackend
    table.__deepcopy__ = lambda self, _memo: copies.copy(self)
    backend.update_item = replacing(backend.update_item)


class OneAtATime:
    """A WSGI application that calls another one under a lock, until its whole answer has been made."""

    def __init__(self, app: "WSGIApplication", copies: Copies):
        self._app, self._copies = app, copies
        self._lock = Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with self._lock:
            self._copies.forget()
            return list(self._app(environ, start_response))


class QuietHandler(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a test reads the output only when something failed."""


def main() -> None:
    """Serve on loopback until a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    copies = Copies()
    share_items(copies)
    app = OneAtATime(Transactions(create_backend_app("dynamodb")), copies)
    make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler).serve_forever()


if __name__ == "__main__":
    main()
