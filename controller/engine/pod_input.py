"""One Pod of a tick while it is being observed, and the result for all Pods: shared by the parts of observing."""

from dataclasses import dataclass, field

from controller.core.desire import Desire, Serve
from controller.core.modes import SPECS
from controller.core.policy import Refusal
from controller.core.quota import counts
from controller.core.situation import Foreign, Placed, Situation, Unplaced
from controller.core.views import PodView
from controller.engine.lookups import Lookup
from state.model import Phase, PodRecord, PodUid

_NOBODY_LOOKED = Unplaced(looked=False)


@dataclass(slots=True)
class PodInput:
    """One Pod of a tick while it is being observed."""

    uid: PodUid
    pod: PodView | None
    record: PodRecord | None
    desire: Desire
    refusal: Refusal | None = None
    placement: Placed | Foreign | Unplaced = _NOBODY_LOOKED
    strayed: bool = False

    @property
    def served(self) -> bool:
        """Whether the ledger says that an address is associated with the Pod's IP."""
        held, wanted = self.record, self.desire
        if held is None or held.target is None or not isinstance(wanted, Serve):
            return False
        return held.phase is Phase.ASSOCIATED and held.target.private_ip == wanted.ip

    @property
    def wants_pool(self) -> bool:
        """Whether it needs an offer of a pool address."""
        new = self.record is None and self.refusal is None
        return new and isinstance(self.desire, Serve) and not SPECS[self.desire.mode].allocates

    @property
    def may_draw(self) -> bool:
        """Whether an address that uses the account's quota may have to be allocated for it."""
        new = self.refusal is None and (self.record is None or self.record.phase is Phase.INTENT)
        wanted = self.desire
        return new and isinstance(wanted, Serve) and SPECS[wanted.mode].allocates and counts(wanted.pool)


@dataclass(slots=True)
class Observation:
    """A situation for each Pod that could be observed, and what must be looked up for the others."""

    situations: list[Situation] = field(default_factory=list)
    parked: dict[PodUid, Lookup] = field(default_factory=dict)
