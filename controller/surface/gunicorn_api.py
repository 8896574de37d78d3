"""The part of gunicorn that we use, with types.

gunicorn has no annotations, and a type checker cannot check a subclass of `Any`. Each declaration repeats what gunicorn
27 has; the tests of the server run the real gunicorn, and fail if a declaration is wrong.
"""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from selectors import BaseSelector
from socket import socket
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
        """gunicorn.workers.gthread.TConn; `init` makes the parser, `data_ready`: bytes have arrived."""

        sock: socket
        parser: Any
        timeout: float
        data_ready: bool

        def init(self) -> None: ...
        def close(self) -> None: ...

    class CallQueue:
        """gunicorn.workers.gthread.PollableMethodQueue: calls that other threads pass to the main thread."""

        def defer(self, callback: Callable[..., object], *args: object) -> None: ...

    class ThreadWorker:
        """gunicorn.workers.gthread.ThreadWorker"""

        alive: bool
        app: Any
        cfg: Any
        log: Logger
        nr_conns: int
        poller: BaseSelector
        method_queue: CallQueue
        pending_conns: deque[Connection]
        tpool: Executor

        def init_process(self) -> None: ...
        def run(self) -> None: ...
        def is_parent_alive(self) -> bool: ...
        def murder_pending(self) -> None: ...
        def accept(self, listener: socket) -> None: ...
        def on_pending_socket_readable(self, conn: Connection, client: socket) -> None: ...
        def handle(self, conn: Connection) -> bool: ...
        def handle_request(self, req: Any, conn: Connection) -> bool: ...

else:
    from gunicorn.app.base import BaseApplication as Application
    from gunicorn.arbiter import Arbiter
    from gunicorn.glogging import Logger
    from gunicorn.workers.gthread import TConn as Connection
    from gunicorn.workers.gthread import ThreadWorker

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

__all__ = ["Application", "Arbiter", "Connection", "Logger", "ThreadWorker", "WsgiApp"]
