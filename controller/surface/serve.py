"""Runs the controller inside gunicorn: one master, one worker with the loop, 8 threads for HTTP and 2 for probes.

The address is bound before gunicorn starts, because gunicorn would try five times and exit with a code of its own; here
a port in use is a fault like any other. The exit code is 0 after a signal, 2 where the settings (or the table
they name) are wrong, 3 where the controller could not start for another reason.
"""

import logging
import os
import socket
from math import ceil
from typing import Any

from controller.core.config import Config
from controller.core.values import Endpoint
from controller.surface import logs
from controller.surface.gunicorn_api import Application, Arbiter, Logger, WsgiApp
from controller.surface.lifecycle import EXIT_CANNOT_START, EXIT_MISCONFIGURED, Lifecycle
from controller.surface.program import NAME, complain
from controller.surface.runtime import Start
from controller.surface.worker import DRAIN_TIME_S, STOP_TIME_S, Worker
from state.errors import Misconfigured

_SHARED_MEMORY = "/dev/shm"
_BACKLOG = 2048


def serve(config: Config, start: Start) -> None:
    """Serve until a signal; never returns but by SystemExit. Raises Misconfigured where it cannot listen."""
    listener = bind(config.listen)
    logs.configure(config.log_level, config.log_format)
    log = logging.getLogger(__name__)
    for warning in config.warnings:
        log.warning("%s", warning)
    log.info("Listening", extra={"listen": str(config.listen)})
    Master(Server(config, start, listener)).run()


def bind(endpoint: Endpoint) -> socket.socket:
    """A socket that listens there (an empty host: on every address of both families); raises Misconfigured."""
    try:
        if endpoint.host in ("", "::"):
            return _bind_all(endpoint)
        family, _, _, _, address = socket.getaddrinfo(
            endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as fault:
        # socket.create_server adds the address to its text; getaddrinfo has numbers of its own, below 0.
        number = fault.errno or 0
        reason = os.strerror(number) if number > 0 else fault.strerror
        raise Misconfigured([f"--listen (PEC_LISTEN): cannot listen on {endpoint}: {reason}"]) from fault


def _bind_all(endpoint: Endpoint) -> socket.socket:
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", endpoint.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
    return socket.create_server(("", endpoint.port), backlog=_BACKLOG)


class Journal(Logger):
    """gunicorn's log, written by our handler; its own messages only at level debug."""

    def setup(self, cfg: Any) -> None:
        """Send everything to the root logger's handler."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.loglevel = logging.DEBUG if cfg.loglevel == "debug" else logging.WARNING
        self.error_log.setLevel(self.loglevel)
        self.error_log.propagate = True


class Master(Arbiter):
    """gunicorn's master, for exactly one worker: its signals for more workers and for a reload do nothing."""

    APP_LOAD_ERROR = EXIT_MISCONFIGURED
    WORKER_BOOT_ERROR = EXIT_CANNOT_START

    def handle_int(self) -> None:
        """Ctrl-C: like SIGTERM, the Lease is released first."""
        self.handle_term()

    def handle_ttin(self) -> None:
        """Nothing: a second worker would be a second controller in one Pod."""

    handle_quit = handle_hup = handle_int
    handle_ttou = handle_usr1 = handle_usr2 = handle_winch = handle_ttin


class Server(Application):
    """gunicorn's application: its settings, and the `Lifecycle`, which a worker gets by the fork, not started."""

    def __init__(self, config: Config, start: Start, listener: socket.socket) -> None:
        self.release_time_s = config.call_timeout + 2
        self.life = Lifecycle(start, config.cluster_name, complain)
        self._log_level = config.log_level
        self._lease = config.lease_name, config.lease_namespace
        self._trace_url = config.trace_url
        self._listener = listener
        super().__init__()

    def load_config(self) -> None:
        """Our settings; the listening socket is handed over by its file descriptor."""
        ours = {
            "bind": f"fd://{self._listener.detach()}",
            "workers": 1,
            "threads": 8,
            "worker_class": Worker,
            "worker_connections": 1000,
            "keepalive": 0,
            "timeout": 60,
            "graceful_timeout": ceil(self.release_time_s + DRAIN_TIME_S + STOP_TIME_S) + 1,
            "worker_tmp_dir": _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None,
            "control_socket_disable": True,
            "logger_class": Journal,
            "loglevel": self._log_level if self._log_level == "debug" else "warning",
            "post_worker_init": self._begin,
            "proc_name": NAME,
        }
        for name, value in ours.items():
            self.cfg.set(name, value)

    def load(self) -> WsgiApp:
        """The WSGI application, imported in the worker only, so that it takes no memory in the master."""
        from controller.kube.namespace import own_namespace
        from controller.surface.metrics import Metrics
        from controller.surface.web import application

        self.metrics = Metrics()
        name, namespace = self._lease
        # The chart's Service and Lease have the same name, so this is the Service's name as other Pods write it.
        return application(self.life, self.metrics, (f"{name}.{namespace or own_namespace()}",), self._trace_url or "")

    def _begin(self, worker: Worker) -> None:
        self.life.begin(self.metrics, worker.over)
