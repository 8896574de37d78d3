"""The hand on one sandbox cluster, from the same process or another: its Pods and Nodes, its faults, its log.

Everything goes through `/_sandbox/`, so nothing of it is disturbed by the faults, delayed, or logged.
"""

from pathlib import Path
from types import TracebackType

import msgspec

from sandbox.kube.client import ApiClient
from sandbox.kube.cluster import Cluster
from sandbox.kube.faults import Fault
from sandbox.kube.log import LogEntry
from sandbox.kube.resources import Json


class KubeControl(Cluster):
    """Controls of the sandbox server at `url`; safe to use from several threads."""

    def __init__(self, url: str, *, name: str = "sandbox") -> None:
        super().__init__(ApiClient(f"{url}/_sandbox/api"))
        self.url = url
        self._name = name
        self._door = ApiClient(f"{url}/_sandbox")

    def __enter__(self) -> "KubeControl":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        super().close()
        self._door.close()

    def version(self) -> int:
        """The newest resourceVersion."""
        return int(self._door.call("GET", "/version")["version"])

    def compact(self) -> int:
        """Expire all versions so far: continued lists and new watches from them get 410. The new version."""
        return int(self._door.call("POST", "/compact", {})["version"])

    def drop_watches(self) -> None:
        """End every open watch, as when an API server goes away."""
        self._door.call("POST", "/drop-watches", {})

    def silence_watches(self, client: str = "", *, silent: bool = True) -> None:
        """The watches of that client, or all, stay open and send nothing; `silent=False` lets them go on."""
        self._door.call("POST", "/silence", {"silent": silent, "client": client})

    def partition(self, client: str) -> None:
        """Cut a client off without a word: its watches fall silent, its calls hang; `clear_faults` mends it."""
        self.silence_watches(client)
        self.inject(Fault(kind="hang", client=client))

    def latency(self, seconds: float) -> None:
        """Delay every request by so much; 0 ends it."""
        self._door.call("POST", "/latency", {"seconds": seconds})

    def inject(self, fault: Fault) -> int:
        """Put a fault in force; its number, for `release`."""
        return int(self._door.call("POST", "/faults", fault)["number"])

    def release(self, number: int) -> None:
        """End that fault and let the calls go on that it holds."""
        self._door.call("DELETE", f"/faults?number={number}")

    def clear_faults(self) -> None:
        """End all faults and the latency; watches speak again."""
        self._door.call("DELETE", "/faults")

    def faults(self) -> list[Json]:
        """The faults in force, with how many calls each has `struck` and how many are `waiting`."""
        found: list[Json] = self._door.call("GET", "/faults")["faults"]
        return found

    def log(self, *, after: int = 0, verb: str = "", resource: str = "", client: str = "") -> list[LogEntry]:
        """The requests with a higher sequence number, in order; `client` is part of the token or the agent."""
        raw = self._door.call("GET", f"/log?after={after}")["entries"]
        entries = msgspec.convert(raw, list[LogEntry])
        return [
            e
            for e in entries
            if verb in ("", e.verb) and resource in ("", e.resource) and (client in e.user or client in e.agent)
        ]

    def kubeconfig(self, path: Path, *, user: str = "sandbox", namespace: str = "default") -> Path:
        """Write a kubeconfig for this server; `user` is the token, by which faults and the log know the client."""
        context = {"cluster": self._name, "user": user, "namespace": namespace}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": self._name, "cluster": {"server": self.url}}],
            "users": [{"name": user, "user": {"token": user}}],
            "contexts": [{"name": self._name, "context": context}],
            "current-context": self._name,
        }
        path.write_bytes(msgspec.json.format(msgspec.json.encode(config)))
        return path
