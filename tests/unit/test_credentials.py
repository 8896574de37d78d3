"""Credentials that come late, that fail to be renewed, that hang: who can sign with valid ones does."""

import datetime
import threading
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError, NoCredentialsError

from state.credentials import CredentialKeeper

LIMIT_S = 20.0


class Source:
    """A session whose chain answers as the test says; with what was asked of it."""

    def __init__(self, *answers: Credentials | Exception | None) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self) -> "Source":
        return self

    def set_default_client_config(self, config: Config) -> None:
        """Clients that ask for credentials have short limits."""
        limits: Any = config
        assert limits.connect_timeout + limits.read_timeout < 10

    def get_credentials(self) -> Credentials | None:
        """The next answer; the last one for ever."""
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def keeper_of() -> Iterator[Callable[[Any], CredentialKeeper]]:
    """Makes keepers, and ends their threads."""
    made: list[CredentialKeeper] = []

    def make(source: Any) -> CredentialKeeper:
        made.append(CredentialKeeper(patience_s=LIMIT_S, new_session=source))
        return made[-1]

    yield make
    for keeper in made:
        keeper.stop()


Make = Callable[[Any], CredentialKeeper]


class Temporary:
    """Credentials that expire after an hour, by a clock of the test's own."""

    def __init__(self, renew: Callable[[], dict[str, str]]) -> None:
        self.now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        expiry = self.now + datetime.timedelta(hours=1)
        self.made = RefreshableCredentials("old", "s", "t", expiry, renew, "test", time_fetcher=lambda: self.now)

    def pass_minutes(self, minutes: int) -> None:
        """Let time pass."""
        self.now += datetime.timedelta(minutes=minutes)


def test_who_signs_waits_for_the_first_ones(keeper_of: Make) -> None:
    assert keeper_of(Source(Credentials("key", "secret"))).frozen().access_key == "key"


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (None, NoCredentialsError),
        (CredentialRetrievalError(provider="agent", error_msg="connection refused"), CredentialRetrievalError),
        (FileNotFoundError("no token file yet"), CredentialRetrievalError),
    ],
    ids=["none", "the agent does not answer", "the token's file is not there"],
)
def test_those_that_come_late_are_used(keeper_of: Make, fault: Exception | None, raised: type[Exception]) -> None:
    keeper = keeper_of(Source(fault, Credentials("late", "secret")))
    came = threading.Event()
    keeper.on_found(came.set)
    with pytest.raises(raised):
        keeper.frozen()
    assert keeper.trouble.startswith("no AWS credentials: ")
    assert came.wait(LIMIT_S)
    assert keeper.frozen().access_key == "late"
    assert keeper.trouble == ""


def test_valid_ones_are_used_on_while_their_renewal_hangs(keeper_of: Make) -> None:
    """Twelve minutes are left, and STS does not answer: botocore alone would have the first who signs wait for it."""
    asked, answer = threading.Event(), threading.Event()

    def renew() -> dict[str, str]:
        asked.set()
        answer.wait(LIMIT_S)
        return {"access_key": "new", "secret_key": "s", "token": "t", "expiry_time": "2099-01-01T00:00:00Z"}

    soon = Temporary(renew)
    keeper = keeper_of(Source(soon.made))
    assert keeper.frozen().access_key == "old"
    soon.pass_minutes(48)
    renewal = threading.Thread(target=keeper.renew, daemon=True)
    renewal.start()
    assert asked.wait(LIMIT_S)
    assert keeper.frozen().access_key == "old"
    assert keeper.trouble == ""
    answer.set()
    renewal.join(LIMIT_S)
    assert keeper.frozen().access_key == "new"


def test_expired_ones_are_not_used(keeper_of: Make) -> None:
    def renew() -> dict[str, str]:
        raise CredentialRetrievalError(provider="sts", error_msg="no answer")

    gone = Temporary(renew)
    gone.pass_minutes(61)
    with pytest.raises(CredentialRetrievalError):
        keeper_of(Source(gone.made)).frozen()


def test_that_they_are_gone_is_told_once_when_they_expire_and_not_before(keeper_of: Make) -> None:
    def renew() -> dict[str, str]:
        raise CredentialRetrievalError(provider="sts", error_msg="no answer")

    soon = Temporary(renew)
    keeper = keeper_of(Source(soon.made))
    told: list[str] = []
    keeper.on_lost(lambda: told.append(keeper.trouble))
    assert keeper.frozen().access_key == "old"
    soon.pass_minutes(48)
    keeper.renew()
    assert told == [], "they are valid for twelve minutes"
    soon.pass_minutes(13)
    for _ in range(3):
        keeper.renew()
    assert len(told) == 1
    assert "no answer" in told[0]


def test_when_they_expire_is_known(keeper_of: Make) -> None:
    soon = Temporary(dict)
    keeper = keeper_of(Source(soon.made))
    assert keeper.expires_in_s is None
    keeper.frozen()
    assert keeper.expires_in_s == 3600
    soon.now += datetime.timedelta(minutes=29, seconds=59, milliseconds=500)
    assert keeper.expires_in_s == 1800
    soon.pass_minutes(60)
    assert keeper.expires_in_s == 0


def test_those_that_do_not_expire_say_so(keeper_of: Make) -> None:
    keeper = keeper_of(Source(Credentials("key", "secret")))
    keeper.frozen()
    assert keeper.expires_in_s is None


def test_refused_ones_are_looked_for_anew(keeper_of: Make) -> None:
    source = Source(Credentials("rotated", "secret"), Credentials("current", "secret"))
    keeper = keeper_of(source)
    assert keeper.frozen().access_key == "rotated"
    keeper.refused()
    deadline = threading.Event()
    while keeper.frozen().access_key != "current":
        assert not deadline.wait(0.01)


def test_expired_ones_stay_expired_when_aws_has_refused_them_too(keeper_of: Make) -> None:
    """A call that cannot be signed is told as refused, and the keeper must not forget by that when they expired."""

    def renew() -> dict[str, str]:
        raise CredentialRetrievalError(provider="sts", error_msg="no answer")

    soon = Temporary(renew)
    keeper = keeper_of(Source(soon.made, NoCredentialsError()))
    assert keeper.frozen().access_key == "old"
    soon.pass_minutes(61)
    keeper.refused()
    keeper.renew()
    assert keeper.trouble.startswith("no AWS credentials: ")
    assert keeper.expires_in_s == 0
    with pytest.raises(NoCredentialsError):
        keeper.frozen()


def test_a_client_is_made_and_signs_later(keeper_of: Make) -> None:
    """A client of botocore's own takes what the keeper has when it signs, and nothing before."""
    source = Source(Credentials("key", "secret"))
    session = keeper_of(source).attach(botocore.session.get_session())
    client: Any = session.create_client("ec2", region_name="eu-central-1")
    assert source.asked == 0
    seen: list[str] = []

    def stop(request: Any, **_: object) -> None:
        seen.append(request.headers["Authorization"].decode())
        raise InterruptedError

    client.meta.events.register("before-send.ec2.DescribeAddresses", stop)
    with pytest.raises(InterruptedError):
        client.describe_addresses()
    assert "Credential=key/" in seen[0]
