"""Ready means able: a refusal for missing rights is red and is told; an outage is neither."""

import threading
from collections.abc import Callable

import pytest

from controller.core import contract
from controller.core.ability import Ability
from controller.core.views import PodView
from controller.engine.abilities import Abilities
from controller.engine.recent_errors import RecentErrors
from controller.engine.unable import UnableTeller
from controller.kube.own_pod import own_pod
from state.errors import (
    AccessDenied,
    NoCredentials,
    PodEipError,
    TableMissing,
    TableNotUsable,
    Throttled,
    Unavailable,
)
from state.model import PodUid
from tests.fakes.kube import FakeEvents, FakePods
from tests.unit.engine_harness import World, auto

DENIED = AccessDenied("You are not authorized", code="UnauthorizedOperation", advice="Compare deploy/iam")
REFUSALS = [DENIED, TableMissing("no table"), TableNotUsable("other keys"), AccessDenied("no", code="Forbidden")]
PASSING = [
    Unavailable("time-out", code="ReadTimeoutError"),
    Throttled("slow", code="RequestLimitExceeded"),
    NoCredentials("none", code="ExpiredToken"),
    AccessDenied("token", code="Unauthorized"),
    PodEipError("bug"),
]
LIMIT_S = 20.0


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.code)
def test_who_was_never_able_is_red_at_once(error: PodEipError) -> None:
    trouble = Ability().heard("EC2", error).trouble
    assert trouble.startswith("EC2: ")
    assert error.code in trouble or error.message in trouble


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.code)
def test_who_was_able_is_red_once_it_is_certain(error: PodEipError) -> None:
    once = Ability().heard("EC2", None).heard("EC2", error)
    assert (once.trouble, once.doubtful) == ("", True)
    twice = once.heard("EC2", error)
    assert twice.trouble
    assert twice.heard("EC2", None).trouble == ""


@pytest.mark.parametrize("error", PASSING, ids=lambda error: error.code)
def test_an_outage_makes_nobody_red(error: PodEipError) -> None:
    ability = Ability().heard("EC2", None)
    for _ in range(100):
        ability = ability.heard("EC2", error)
    assert ability.trouble == ""
    assert ability.doubtful is isinstance(error, NoCredentials), "without them nothing was asked"
    never = Ability().heard("EC2", error)
    assert never.trouble == ""


@pytest.mark.parametrize("error", PASSING, ids=lambda error: error.code)
def test_an_outage_makes_nobody_green_either(error: PodEipError) -> None:
    assert Ability().heard("EC2", DENIED).heard("EC2", error).trouble


def test_the_words_do_not_name_the_account() -> None:
    denied = AccessDenied("User: arn:aws:sts::123456789012:assumed-role/eip/x may not", code="UnauthorizedOperation")
    assert "123456789012" not in Ability().heard("EC2", denied).trouble


# ── the thread ──


class Told:
    """Remembers what people were told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.heard = threading.Event()

    def __call__(self, trouble: str, *, for_all: str) -> None:
        """This was said."""
        self.said.append((trouble, for_all))
        self.heard.set()


def raising(error: PodEipError) -> Callable[[], None]:
    """A check that fails so."""

    def check() -> None:
        raise error

    return check


def test_nobody_is_ready_before_it_has_asked() -> None:
    told, asked = Told(), threading.Event()

    def slow() -> None:
        assert asked.wait(LIMIT_S)

    abilities = Abilities({"slow": slow}, RecentErrors(), told)
    abilities.start(lambda: False)
    assert abilities.trouble() == "it is still asking what it may do"
    asked.set()
    assert told.heard.wait(LIMIT_S)
    assert abilities.trouble() == ""
    abilities.stop()


def test_a_refusal_is_asked_again_told_and_forgotten_once_it_is_over() -> None:
    told, errors, answers = Told(), RecentErrors(), iter([DENIED, DENIED])

    def check() -> None:
        if error := next(answers, None):
            raise error

    abilities = Abilities({"EC2": check, "other": lambda: None}, errors, told, again_s=0.01)
    abilities.start(lambda: True)
    deadline = threading.Event()
    while ("", "") not in told.said:
        assert not deadline.wait(0.01) or len(told.said) < 1000
    abilities.stop()
    assert [bool(words) for words, _ in told.said[:3]] == [True, True, False]
    assert all(trouble == for_all for trouble, for_all in told.said)
    assert errors.all()[0].where == "EC2"


def test_what_was_learnt_by_doing_counts_and_is_told_at_once() -> None:
    told = Told()
    abilities = Abilities({}, RecentErrors(), told)
    abilities.start(lambda: False)
    assert told.heard.wait(LIMIT_S)
    told.heard.clear()
    abilities.heard("writing the table", DENIED)
    assert abilities.trouble().startswith("writing the table: ")
    assert told.heard.wait(LIMIT_S)
    abilities.heard("writing the table", None)
    assert abilities.trouble() == ""
    abilities.stop()


def test_what_was_learnt_is_forgotten_once_another_replica_could_do_it() -> None:
    """It may never get another try itself: without this it would be red for ever."""
    told, epoch = Told(), [7]
    abilities = Abilities({}, RecentErrors(), told, again_s=0.01)
    abilities.start(lambda: False, lambda: epoch[0])
    assert told.heard.wait(LIMIT_S)
    abilities.heard("writing the table", DENIED)
    told.heard.clear()
    assert told.heard.wait(LIMIT_S)
    assert abilities.trouble()
    epoch[0] = 8
    pause = threading.Event()
    for _ in range(2000):
        if not abilities.trouble():
            break
        pause.wait(0.01)
    assert abilities.trouble() == ""
    abilities.stop()


def test_a_check_that_breaks_makes_nobody_red() -> None:
    told = Told()

    def broken() -> None:
        told.heard.set()
        raise KeyError("bug")

    abilities = Abilities({"broken": broken}, RecentErrors(), told)
    abilities.start(lambda: False)
    assert told.heard.wait(LIMIT_S)
    pause = threading.Event()
    while abilities.trouble():
        pause.wait(0.001)
    assert abilities.failures == 1
    abilities.stop()


# ── who is told ──


REFUSED = "EC2: UnauthorizedOperation: no. Compare deploy/iam"


@pytest.mark.parametrize("speaks", [True, False])
def test_what_the_pods_hear_by_themselves_is_not_told_to_all(speaks: bool) -> None:
    told, denied = Told(), raising(DENIED)
    abilities = Abilities({"EC2": denied, "EC2 changes": denied}, RecentErrors(), told, told_by_pods={"EC2 changes"})
    abilities.start(lambda: speaks)
    assert told.heard.wait(LIMIT_S)
    abilities.stop()
    trouble, for_all = told.said[0]
    assert "EC2 changes: " in trouble
    assert for_all == (trouble.partition("; ")[0] if speaks else "")


def test_the_own_pod_and_those_that_wait_are_told_once() -> None:
    world, events = World(), FakeEvents()
    waits = world.pod("u-1", auto())
    world.pod("u-2", {})
    served = world.pod("u-3", auto())
    world.change(served, labels={contract.LABEL_PUBLIC_IP: "198.51.100.7"})
    own = own_pod({"POD_NAME": "eip-1", "POD_UID": "own", "POD_NAMESPACE": "kube-system"})
    assert own is not None
    teller = UnableTeller(events=events, pods=world.pods, own=own)
    for _ in range(3):
        teller(REFUSED, for_all=REFUSED)
    assert [(pod.uid, event.reason) for pod, event in events.said] == [
        (own.uid, "EIPControllerUnable"),
        (waits, contract.WAITING),
    ]
    assert "UnauthorizedOperation" in events.said[1][1].message
    assert "deploy/iam" in events.said[1][1].message
    late = world.pod("u-4", auto(), ip="10.0.0.6")
    teller(REFUSED, for_all=REFUSED)
    assert events.reasons(late) == [contract.WAITING]
    teller("", for_all="")
    assert events.reasons(own.uid) == ["EIPControllerUnable", "EIPControllerAble"]


def test_a_standby_tells_its_own_pod_alone() -> None:
    world, events = World(), FakeEvents()
    world.pod("u-1", auto())
    UnableTeller(events=events, pods=world.pods, own=None)("no", for_all="")
    assert events.said == []


def test_without_the_downward_api_the_own_pod_is_not_known() -> None:
    assert own_pod({"POD_NAME": "eip-1"}) is None
    assert own_pod({"POD_NAME": "a", "POD_UID": "b", "POD_NAMESPACE": "c"}) == PodView(
        uid=PodUid("b"), namespace="c", name="a"
    )
    assert isinstance(FakePods(), FakePods)
