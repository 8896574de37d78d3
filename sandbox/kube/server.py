"""A whole sandbox cluster: its store, its API on a port, and the tiny kubelet if it is wanted.

    with KubeServer(KubeSettings(kubelet_seconds=1)) as kube:
        kube.control.pod("default", "web-0", ip="10.0.0.5")

`stop` and `start` keep what is stored and the port, as when an API server is restarted over its etcd.
"""

import threading
from types import TracebackType

from sandbox.kube import resources
from sandbox.kube.api import Api
from sandbox.kube.control import KubeControl
from sandbox.kube.door import Door
from sandbox.kube.faults import FaultBook
from sandbox.kube.gateway import Gateway
from sandbox.kube.http import Listener
from sandbox.kube.kubelet import Kubelet
from sandbox.kube.log import RequestLog
from sandbox.kube.namespaces import Namespaces
from sandbox.kube.registry import Registry
from sandbox.kube.settings import KubeSettings
from sandbox.kube.store import Store
from sandbox.kube.watch import WatchSwitch


class KubeServer:
    """One cluster's API server, in threads of this process."""

    def __init__(self, settings: KubeSettings | None = None) -> None:
        self.settings = settings or KubeSettings()
        self.store = Store(resources.ALL, self.settings.history)
        kubelet = self.settings.kubelet_seconds is not None
        namespaces = Namespaces(self.store, cluster_uid=self.settings.cluster_uid, kubelet=kubelet)
        self.registry = Registry(self.store, namespaces)
        self.store.compact()
        self._switch = WatchSwitch(self.settings.bookmark_seconds)
        self._log = RequestLog(self.settings.log_entries)
        self._port = self.settings.port
        self._listener: Listener | None = None
        self._control: KubeControl | None = None

    @property
    def url(self) -> str:
        """The base URL; the port is known once it was started."""
        return f"http://{self.settings.host}:{self._port}"

    @property
    def control(self) -> KubeControl:
        """The controls of this server, over its port."""
        if self._control is None:
            self._control = KubeControl(self.url, name=self.settings.name)
        return self._control

    def start(self) -> "KubeServer":
        """Listen and serve; OSError where the port is taken."""
        faults = FaultBook()
        api = Api(self.registry, self._switch, self.settings.version)
        self._gateway = Gateway(api, faults, self._log, Door(self.store, self._switch, faults, self._log))
        self._listener = Listener((self.settings.host, self._port), self._gateway)
        self._port = int(self._listener.server_address[1])
        serve = threading.Thread(target=self._listener.serve_forever, args=(0.1,), name="sandbox-kube", daemon=True)
        serve.start()
        if self.settings.kubelet_seconds is not None:
            self._kubelet = Kubelet(self.registry, self.settings.kubelet_seconds)
            self._kubelet.start()
        return self

    def stop(self) -> None:
        """End all watches, held calls and connections, and close the port; what is stored stays."""
        if self._listener is None:
            return
        self._listener.shutdown()
        self._switch.generation += 1
        self._switch.muted = frozenset()
        self.store.wake()
        self._gateway.stop()
        self._listener.cut_connections()
        self._listener.server_close()
        self._listener = None
        if self.settings.kubelet_seconds is not None:
            self._kubelet.stop()

    def __enter__(self) -> "KubeServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._control:
            self._control.close()
        self.stop()
