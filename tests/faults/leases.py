"""What a person with kubectl, or a copied replica, does to the Lease, past the doors and without a word to anybody."""

import threading
import time
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sandbox.kube.client import ApiClient
from tests.faults.world import LEASE, FaultWorld

PATH = f"/apis/coordination.k8s.io/v1/namespaces/{LEASE[0]}/leases/{LEASE[1]}"
MERGE = "application/merge-patch+json"
EPOCH = "aws-samples.github.com/eip-controller-epoch"
TEN_YEARS_S = 10 * 365 * 86400
LIMIT_S = 30.0
DURATION_S = 3  # as the fault worlds' replicas write it
LATELY_S = 10.0


def now(ahead_s: float = 0.0) -> str:
    """A time for the Lease."""
    return (datetime.now(UTC) + timedelta(seconds=ahead_s)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class LeaseByHand:
    """A hand on the Lease of cluster `a`."""

    def __init__(self, world: FaultWorld) -> None:
        self._client = ApiClient(f"{world.clusters['a'].kube.url}/_sandbox/api")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def read(self) -> dict[str, Any]:
        """The object."""
        return self._client.call("GET", PATH)

    def holder(self) -> str:
        """Who holds it."""
        return str(self.read()["spec"].get("holderIdentity") or "")

    def is_kept(self) -> bool:
        """Whether it is as a replica has just written it: nothing of an edit is left."""
        spec = self.read().get("spec") or {}
        lately = now(-LATELY_S) < str(spec.get("renewTime")) < now(LATELY_S)
        return bool(spec.get("holderIdentity")) and spec.get("leaseDurationSeconds") == DURATION_S and lately

    def patch(self, body: dict[str, Any]) -> None:
        """Change some of it."""
        self._client.call("PATCH", PATH, body, MERGE)

    def edit(self, **spec: object) -> None:
        """Change these fields of the spec; None removes one."""
        self.patch({"spec": spec})

    def note_epoch(self, epoch: str) -> None:
        """Write this in the place of the epoch."""
        self.patch({"metadata": {"annotations": {EPOCH: epoch}}})

    def delete(self) -> None:
        """Delete it."""
        self._client.call("DELETE", PATH)


class Copy:
    """A second process that was started with the holder's identity, and renews as a holder would, every 0.4 s."""

    def __init__(self, lease: LeaseByHand, *, ahead_s: float) -> None:
        self._lease, self._ahead_s = lease, ahead_s
        self._identity = lease.holder()
        self._stopping, self._renewed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.began = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._renewed.wait(LIMIT_S), "the copy has not renewed"
        self.began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(LIMIT_S)

    def _run(self) -> None:
        while not self._stopping.wait(0.4):
            self._lease.edit(
                holderIdentity=self._identity, renewTime=now(self._ahead_s), leaseDurationSeconds=DURATION_S
            )
            self._renewed.set()
