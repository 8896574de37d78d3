"""How a term begins: the epoch is raised, which is the first write of all, and the table is made where that is asked.

It is imported in the server's worker alone, for it loads boto3 and PynamoDB.
"""

import logging
from collections.abc import Callable

from controller.core.config import Config
from controller.engine.leadership import Leadership
from controller.engine.scopes import ScopeGate
from controller.readiness import WRITING
from state.errors import PodEipError, TableMissing
from state.ledger import DynamoLedger
from state.model import Epoch
from state.provision import create_table

log = logging.getLogger(__name__)


class TermStart:
    """Called with the epoch of the Lease, each time that this replica gets it. `heard`: whether it may write."""

    def __init__(
        self,
        config: Config,
        *,
        region: str,
        identity: str,
        leadership: Leadership,
        ledger: DynamoLedger,
        gate: ScopeGate,
        heard: Callable[[str, PodEipError | None], None],
    ) -> None:
        self._config, self._region, self._identity = config, region, identity
        self._leadership, self._ledger, self._gate, self._heard = leadership, ledger, gate, heard

    def __call__(self, lease_epoch: int) -> Epoch:
        """The new epoch. Raises what the gate and the ledger raise."""
        try:
            epoch = self._begin(lease_epoch)
        except PodEipError as error:
            self._heard(WRITING, error)
            raise
        self._heard(WRITING, None)
        return epoch

    def _begin(self, lease_epoch: int) -> Epoch:
        """Raise the epoch. What is written until then comes before there is a term to ask; every later one asks."""
        beginning = True

        def guard() -> None:
            if not beginning:
                self._leadership.check_conclusion()

        def begin() -> Epoch:
            return self._gate.begin(lambda: self._ledger.begin_term(self._identity, lease_epoch, guard))

        try:
            epoch = begin()
        except TableMissing:
            if not self._config.create_table:
                raise
            # The call that was to make it at the start got no answer, or the table was deleted since.
            create_table(self._config.table, region=self._region, call_timeout=self._config.call_timeout)
            epoch = begin()
        beginning = False
        for error in self._ledger.unreadable().values():
            log.warning("left alone: %s", error.explain())
        return epoch
