"""What the ledgers in memory share, as several clusters share a DynamoDB table; a test may look into it."""

import threading
from dataclasses import dataclass, field, replace

from state.model import (
    AddressRecord,
    AllocationId,
    ClusterUid,
    Epoch,
    InstallKey,
    InstallRecord,
    PodRecord,
    PodUid,
)

PodKey = tuple[ClusterUid, PodUid]


@dataclass(slots=True)
class FakeTable:
    """What all installs share. `pods` has the install that wrote each claim beside it."""

    pods: dict[PodKey, tuple[PodRecord, InstallKey]] = field(default_factory=dict)
    addresses: dict[AllocationId, AddressRecord] = field(default_factory=dict)
    installs: dict[InstallKey, InstallRecord] = field(default_factory=dict)
    directory: dict[InstallKey, Epoch] = field(default_factory=dict)
    unreadable: set[AllocationId] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def fence(self, install: InstallKey) -> None:
        """Raise an install's epoch, as a new leader of it would."""
        with self.lock:
            record = self.installs[install]
            self.installs[install] = replace(record, epoch=Epoch(record.epoch + 1))
