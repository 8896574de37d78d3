"""The Lease that replicas compete for, and the port to it. The election sees nothing else of Kubernetes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from controller.core.values import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A coordination.k8s.io/v1 Lease. Its times are written for people and never compared; `version` is the
    resourceVersion that an update is conditional on; `epoch` stands in an annotation (0: none).

    `address`: where the holder answers over HTTP, by an annotation of its own (None: it does not say). It is for the
    status alone, and the election does not see it.
    """

    holder: str
    duration_s: int
    transitions: int = 0
    epoch: int = 0
    acquired: str = ""
    renewed: str = ""
    version: str = ""
    address: Endpoint | None = field(default=None, compare=False)


class LeaseStore(Protocol):
    """One Lease object, by optimistic concurrency. No call is ever repeated by the client library."""

    def get(self) -> Lease | None:
        """The Lease as the API server has it now; None where it does not exist."""
        ...

    def create(self, lease: Lease) -> Lease:
        """Create it; ObjectConflict where it exists."""
        ...

    def update(self, lease: Lease) -> Lease:
        """Replace it, if its version is still `lease.version`; ObjectConflict otherwise, ObjectNotFound if gone."""
        ...

    def watch(self, timeout_s: float) -> Iterator[Lease | None]:
        """Yield each change (None: deleted) until the server ends the watch or `timeout_s` passes without a word."""
        ...
