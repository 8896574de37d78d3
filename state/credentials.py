"""The AWS credentials of the process, for all of its clients; a thread gets and renews them.

botocore looks for credentials once for each client. If the agent of Pod Identity or the instance's metadata starts
seconds later, that client never has any. A client whose credentials are about to expire asks STS for new ones while it
signs, and hangs as long as STS does, although the old ones are still valid. Here a thread asks early and repeatedly. A
client signs with the present credentials, and waits a moment only where there are no valid ones.
"""

import logging
import threading
from collections.abc import Callable

from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, NoCredentialsError
from botocore.session import Session

from state.sessions import new_session

log = logging.getLogger(__name__)

RENEW_S = 10.0
"""Seconds between two checks; botocore renews credentials that expire within a quarter of an hour."""
SEEK_S = 1.0
"""Seconds between two checks while there are none."""
ASK_S = 5.0
"""Seconds that one request to a source of credentials (STS, the agent, metadata) may take."""
LONGEST_LIFE_S = 1 << 18
"""Seconds, three days: no temporary credentials live longer than 36 hours."""
_FAULTS = (BotoCoreError, ClientError, OSError, ValueError, KeyError)


class CredentialKeeper:
    """The credentials that AWS's own chain of providers finds. Thread-safe."""

    def __init__(self, *, patience_s: float = ASK_S, new_session: Callable[[], Session] = new_session) -> None:
        """`patience_s`: how long a client that signs waits where there are no valid credentials yet."""
        self._patience_s, self._new_session = patience_s, new_session
        self._found: list[Callable[[], None]] = []
        self._lost: list[Callable[[], None]] = []
        self._usable = False
        self._state = threading.Condition()
        self._source: Credentials | None = None  # what is asked for new ones; None: the chain is
        self._kept: Credentials | None = None  # whose the present ones are, and so when they expire
        self._frozen: ReadOnlyCredentials | None = None
        self._error: Exception | None = None
        self._stopping = threading.Event()
        self._again = threading.Event()
        self._thread: threading.Thread | None = None

    def attach(self, session: Session) -> Session:
        """Let this session's clients sign with the keeper's credentials. No source is asked yet."""
        session.register_component("credential_provider", _Chain(self))
        return session

    def start(self) -> None:
        """Look for credentials from now on, in a thread."""
        with self._state:
            self._begin()

    def on_found(self, call: Callable[[], None]) -> None:
        """Have `call` called, from the keeper's thread, when there are credentials again after there were none."""
        self._found.append(call)

    def on_lost(self, call: Callable[[], None]) -> None:
        """Have `call` called, from the keeper's thread, when there are no valid credentials any more."""
        self._lost.append(call)

    def stop(self) -> None:
        """End the thread; the present credentials can still be used."""
        self._stopping.set()
        self._again.set()

    def refused(self) -> None:
        """AWS does not accept them: look for others, for a file or a variable may have changed.

        Until there are others these are used on: it may have been one answer that was wrong.
        """
        with self._state:
            self._source = None
        self._again.set()

    @property
    def trouble(self) -> str:
        """Why nothing can be signed now, in words; empty if it can, or if no source was asked yet."""
        with self._state:
            return f"no AWS credentials: {self._error}" if self._error and not self._valid() else ""

    @property
    def source(self) -> str:
        """Their source, by botocore's name (`env`, `container-role`, …); empty: there are none."""
        return str(self._kept.method) if self._kept is not None else ""

    @property
    def temporary(self) -> bool:
        """Whether they have a session token, and so expire."""
        return self._frozen is not None and bool(self._frozen.token)

    @property
    def renewable(self) -> bool:
        """Whether their source can be asked for new ones."""
        return isinstance(self._kept, RefreshableCredentials)

    @property
    def expires_in_s(self) -> float | None:
        """Seconds until the credentials in use expire, 0 if they have; None: they do not expire, or there are none.

        Never more than LONGEST_LIFE_S.
        """
        source = self._kept
        if not isinstance(source, RefreshableCredentials):
            return None
        # botocore tells whether they expire within a given time, and not when.
        least, most = 0, LONGEST_LIFE_S
        while least < most:
            middle = (least + most) // 2
            least, most = (least, middle) if source.refresh_needed(refresh_in=middle + 1) else (middle + 1, most)
        return float(least)

    def frozen(self) -> ReadOnlyCredentials:
        """The credentials to sign with. Raises NoCredentialsError or CredentialRetrievalError where none are valid."""
        with self._state:
            self._begin()
            if not self._valid() and self._error is None:
                self._state.wait_for(lambda: self._valid() or self._error is not None, self._patience_s)
            if self._frozen is not None and self._valid():
                return self._frozen
            raise self._error or CredentialRetrievalError(provider="chain", error_msg="no answer yet")

    def renew(self) -> None:
        """Ask the source once; called by the thread."""
        try:
            source = self._source or self._load()
            found = source.get_frozen_credentials()
        except _FAULTS as error:
            self._failed(error)
            return
        with self._state:
            came = self._error is not None
            self._source = self._kept = source
            self._frozen, self._error, self._usable = found, None, True
            self._state.notify_all()
        if came:
            log.info("AWS credentials are there")
            for call in self._found:
                call()

    def _load(self) -> Credentials:
        session = self._new_session()
        session.set_default_client_config(
            Config(connect_timeout=ASK_S / 4, read_timeout=ASK_S * 3 / 4, retries={"total_max_attempts": 1})
        )
        found: Credentials | None = session.get_credentials()
        if found is None:
            raise NoCredentialsError()
        return found

    def _failed(self, error: Exception) -> None:
        """Note the error. Valid credentials are used on: a failed renewal is tried again long before they expire."""
        with self._state:
            first, self._error = self._error is None, _told(error)
            lost = self._usable and not self._valid()
            self._usable = self._usable and not lost
            self._state.notify_all()
        if first:
            log.warning("no AWS credentials could be had, trying on: %s", self._error)
        for call in self._lost if lost else ():
            call()

    def _valid(self) -> bool:
        if self._frozen is None:
            return False
        kept = self._kept
        return not (isinstance(kept, RefreshableCredentials) and kept.refresh_needed(refresh_in=0))

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="credentials", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.renew()
            self._again.wait(SEEK_S if self._error is not None else RENEW_S)
            self._again.clear()


class KeptCredentials:
    """Looks like botocore's credentials to a client; each use asks the keeper."""

    def __init__(self, keeper: CredentialKeeper) -> None:
        self._keeper = keeper
        self.method = "kept"

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """See the keeper."""
        return self._keeper.frozen()

    @property
    def access_key(self) -> str:
        """The access key id."""
        return str(self._keeper.frozen().access_key)

    @property
    def secret_key(self) -> str:
        """The secret access key."""
        return str(self._keeper.frozen().secret_key)

    @property
    def token(self) -> str | None:
        """The session token, of temporary ones."""
        return self._keeper.frozen().token

    @property
    def account_id(self) -> str | None:
        """The account, where the source knows it."""
        return self._keeper.frozen().account_id

    def get_deferred_property(self, name: str) -> Callable[[], object]:
        """As with botocore's credentials: a property that is evaluated when it is needed."""
        return lambda: getattr(self, name, None)


class _Chain:
    """Replaces botocore's chain of providers: no source is asked before a client signs."""

    def __init__(self, keeper: CredentialKeeper) -> None:
        self._keeper = keeper

    def load_credentials(self) -> KeptCredentials:
        """Credentials that each use asks the keeper for; there may be none yet."""
        return KeptCredentials(self._keeper)


def _told(error: Exception) -> Exception:
    """The error as one of botocore's, which callers handle; a missing token file, for example, would raise OSError."""
    if isinstance(error, BotoCoreError | ClientError):
        return error
    return CredentialRetrievalError(provider="chain", error_msg=str(error))
