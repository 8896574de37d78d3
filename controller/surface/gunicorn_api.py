"""The part of gunicorn that we build on, with types.

gunicorn has no annotations, and a type checker knows nothing of a subclass of `Any`. Each declaration repeats what
gunicorn 27 has; the tests of the server run it for real and fail if one is wrong.
"""

from collections import deque
from collections.abc import Callable, Iterable
from selectors import BaseSelector
from socket import socket
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:

    class Application:
        """gunicorn.app.base.BaseApplication"""

        cfg: Any

        def __init__(self) -> None: ...

    class Arbiter:
        """gunicorn.arbiter.Arbiter: the master's loop. A worker's exit code that it knows ends the master too."""

        WORKER_BOOT_ERROR: int
        APP_LOAD_ERROR: int

        def __init__(self, app: Application) -> None: ...
        def run(self) -> None: ...
        def handle_term(self) -> None: ...

    class Logger:
        """gunicorn.glogging.Logger"""

        cfg: Any
        loglevel: int
        error_log: Any
        _access_log_enabled: bool

        def debug(self, msg: str, *args: object) -> None: ...

    class Connection:
        """gunicorn.workers.gthread.TConn"""

        sock: socket
        client: Any
        server: Any
        timeout: float

        def __init__(self, cfg: Any, sock: socket, client: Any, server: Any) -> None: ...
        def close(self, graceful: bool = False) -> None: ...

    class CallQueue:
        """gunicorn.workers.gthread.PollableMethodQueue: how a thread has something done by the main one."""

        def fileno(self) -> int: ...
        def run_callbacks(self, _fileobj: object) -> None: ...
        def defer(self, callback: Callable[..., object], *args: object) -> None: ...
        def close(self) -> None: ...

    class ThreadWorker:
        """gunicorn.workers.gthread.ThreadWorker"""

        alive: bool
        app: Any
        cfg: Any
        log: Logger
        nr_conns: int
        poller: BaseSelector
        method_queue: CallQueue
        pending_conns: deque[Any]
        sockets: list[Any]
        tpool: Any

        def notify(self) -> None: ...
        def is_parent_alive(self) -> bool: ...
        def set_accept_enabled(self, enabled: bool) -> None: ...
        def finish_request(self, conn: Any, fs: Any) -> None: ...
        def murder_pending(self) -> None: ...
        def wait_for_and_dispatch_events(self, timeout: float) -> None: ...
        def handle_request(self, req: Any, conn: Any) -> bool: ...
        def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None: ...
        def handle_exit(self, _sig: int, _frame: FrameType | None) -> None: ...
        def init_process(self) -> None: ...

    class Parser:
        """gunicorn.http.parser.RequestParser"""

        unreader: Any

        def __init__(self, cfg: Any, source: socket, source_addr: Any) -> None: ...
        def __next__(self) -> Any: ...

    class ParseException(Exception):
        """gunicorn.http.errors.ParseException: what a client may get wrong."""

else:
    from gunicorn.app.base import BaseApplication as Application
    from gunicorn.arbiter import Arbiter
    from gunicorn.glogging import Logger
    from gunicorn.http.errors import ParseException
    from gunicorn.http.parser import RequestParser as Parser
    from gunicorn.workers.gthread import TConn as Connection
    from gunicorn.workers.gthread import ThreadWorker

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

__all__ = ["Application", "Arbiter", "Connection", "Logger", "ParseException", "Parser", "ThreadWorker", "WsgiApp"]
