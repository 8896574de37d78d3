"""Lists in pages of bounded bytes: the API server limits a page by objects only, and objects may be large.

A page that is larger than the bound is not read to its end: it is asked for again with half the limit, down to one
object, which may be larger than the bound. Where pages are small the limit grows again. The limit is not part of a
continue token, so it may change between the pages of one list.
"""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

from controller.kube.connection import LARGEST_ANSWER, TOO_LARGE, Call, Connection
from controller.kube.decode import ListMeta
from state.errors import Unavailable

FIRST_LIMIT, LARGEST_LIMIT = 100, 500
PAGE_BYTES = 8 << 20
PAGE_TIMEOUT_S = 30.0

T = TypeVar("T")
log = logging.getLogger(__name__)


def pages(
    connection: Connection, resource: str, path: str, decode: Callable[[bytes], tuple[ListMeta, T]]
) -> Iterator[tuple[ListMeta, T]]:
    """Yield the result of `decode` for each page of one consistent list. Raises what `Connection.send` and `decode` do.

    An expired continue token is VersionExpired. `decode` must not keep the body, nor parts of it.
    """
    limit, token, more = FIRST_LIMIT, "", True
    while more:
        body = _page(connection, resource, path, limit, token)
        if body is None:
            limit //= 2
            continue
        limit = _grown(limit, len(body))
        meta, page = decode(body)
        del body  # else it would stay in memory while the next page comes
        yield meta, page
        token = meta.next_page or ""
        more = bool(token)


def _page(connection: Connection, resource: str, path: str, limit: int, token: str) -> bytes | None:
    """The body of that page; None where it is too large and a smaller one can be asked for."""
    query = [("limit", str(limit))] + ([("continue", token)] if token else [])
    most = PAGE_BYTES if limit > 1 else LARGEST_ANSWER
    call = Call(verb="list", resource=resource, path=path, query=query, timeout_s=PAGE_TIMEOUT_S, most_bytes=most)
    try:
        return connection.send(call)
    except Unavailable as error:
        if error.code != TOO_LARGE or limit == 1:
            raise
        log.debug("%d %s are more than %d bytes; asking for half as many", limit, resource, most)
        return None


def _grown(limit: int, size: int) -> int:
    """The limit after a page of that size: doubled where twice as much leaves a third of the bound."""
    return min(2 * limit, LARGEST_LIMIT) if 3 * size <= PAGE_BYTES else limit
