"""One request by the WSGI protocol, checked by the standard library's validator, and a source of answers."""

from typing import Any
from urllib.parse import unquote
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from controller.core.status import Status
from controller.surface.gunicorn_api import WsgiApp
from controller.surface.metrics import Metrics
from controller.surface.web import application
from tests.web import samples


class Scripted:
    """A source of answers that says what it was made to say, and counts how often it was asked for the status."""

    def __init__(self, health: tuple[bool, str] = (True, "ok"), status: Status | None = None) -> None:
        self._health = health
        self._status = status or samples.status()
        self.looks = 0

    def status(self) -> dict[str, Any]:
        """The status."""
        self.looks += 1
        return self._status.to_json()

    def explain(self, namespace: str, name: str, *, own: bool = False) -> dict[str, Any] | None:
        """The sample; None for a Pod that is named for it."""
        return None if name == "starting" else samples.explanation(namespace, name)

    def own_status(self) -> dict[str, Any]:
        """The same: it leads."""
        return self.status()

    def healthy(self) -> tuple[bool, str]:
        """Whether it is, and why not."""
        return self._health

    ready = healthy


class Asked:
    """One request's answer."""

    def __init__(
        self,
        path: str,
        source: Scripted | None = None,
        method: str = "GET",
        metrics: Metrics | None = None,
        app: WsgiApp | None = None,
        query: str = "",
        decoded: bool = False,
        **sent: str | None,
    ) -> None:
        """`sent`: headers, by their names with an underscore for each hyphen; None: not sent.

        The path is as it stands in a URL; `decoded`: as a person writes it.
        """
        info = (path if decoded else unquote(path, errors="surrogateescape")).encode("utf-8", "surrogateescape")
        environ: dict[str, Any] = {"REQUEST_METHOD": method, "QUERY_STRING": query, "SCRIPT_NAME": ""}
        environ["PATH_INFO"] = info.decode("latin-1")
        setup_testing_defaults(environ)
        for name, value in sent.items():
            environ[f"HTTP_{name.upper()}"] = value
            if value is None:
                del environ[f"HTTP_{name.upper()}"]
        answer = app or application(source or Scripted(), metrics or Metrics())
        body: Any = validator(answer)(environ, self._start)
        self.body = b"".join(body)
        body.close()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        self.status, self.headers = int(status.split()[0]), dict(headers)
        return lambda _: None
