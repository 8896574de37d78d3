"""What a standby answers: the leader's status if it is the leader's, else its own, and words that say which."""

from dataclasses import dataclass, field, replace

import pytest

from controller.core.handing_on import Lead, fault_of
from controller.core.status import LeaderStatus, PodStatus, PoolStatus, ShownPhase, Status
from controller.core.values import Endpoint
from controller.engine.leader_answers import PAUSE_S, LeaderAnswers
from state.errors import Unavailable

THERE = Endpoint(host="10.0.0.9", port=8080)
LEAD = Lead(identity="leader_1", epoch=7, address=THERE)
POOL = PoolStatus(tag_key="pool", total=3, free=2, waiting=0, longest_wait_s=0)
POD = PodStatus(namespace="ns", name="p", uid="u", mode="auto", phase=ShownPhase.ASSOCIATED, error="its words")
LEADERS = Status(
    cluster="a",
    identity="leader_1",
    version="2",
    leader=LeaderStatus(identity="leader_1", is_me=True, epoch=7),
    pods=(POD,),
    pools=(POOL,),
)
OWN = Status(
    cluster="a",
    identity="standby_1",
    version="1",
    leader=LeaderStatus(identity="leader_1", epoch=7),
    pools=(PoolStatus(tag_key="pool"),),
)


@dataclass
class Standby:
    """A standby on a clock that the test moves, and a leader that answers as it is told."""

    now: float = 1000.0
    own: Status = OWN
    lead: Lead = LEAD
    answer: Status | Unavailable = LEADERS
    takes_s: float = 0.0
    read_s: float | None = 40.0
    asked: list[Endpoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers = LeaderAnswers(
            own=lambda: self.own,
            lead=lambda: self.lead,
            ask=self._ask,
            read_s=lambda: self.read_s,
            clock=lambda: self.now,
        )

    def _ask(self, address: Endpoint) -> Status:
        self.asked.append(address)
        self.now += self.takes_s
        if isinstance(self.answer, Unavailable):
            raise self.answer
        return self.answer

    def note(self) -> str:
        """What a person is told."""
        return self.answers.status().answered_by.note


def test_the_leaders_words_are_handed_on_under_the_standbys_name() -> None:
    standby = Standby(takes_s=0.24)
    found = standby.answers.status()
    assert (found.pods, found.pools) == ((POD,), (POOL,))
    assert (found.identity, found.version, found.leader.is_me, found.leader.epoch) == ("standby_1", "1", False, 7)
    by = found.answered_by
    assert (by.identity, by.leads, by.age_s) == ("leader_1", True, 0.2)
    assert by.note == "This replica is a standby. The leader (leader_1) answered."
    assert standby.asked == [THERE]


def test_the_leader_asks_nobody() -> None:
    standby = Standby(own=LEADERS)
    assert standby.answers.status() == LEADERS
    assert standby.asked == []


def test_a_leader_that_is_silent_is_said_to_be_and_what_is_not_known_stays_so() -> None:
    standby = Standby(answer=Unavailable("it did not answer in time"), takes_s=1.0)
    found = standby.answers.status()
    assert found.pools == OWN.pools
    assert (found.answered_by.identity, found.answered_by.leads, found.answered_by.age_s) == ("standby_1", False, 40.0)
    standby.now += 11
    assert standby.note() == (
        "The leader (leader_1) could not be reached for 13 s: it did not answer in time. "
        "This is what the standby read from the table 40 s ago."
    )


def test_a_standby_that_has_not_read_the_table_says_so_and_shows_no_age() -> None:
    found = Standby(answer=Unavailable("nothing listens there"), read_s=None).answers.status()
    assert found.answered_by.age_s is None
    assert found.answered_by.note.endswith("it has not read the table yet.")


def test_a_leader_that_failed_is_left_alone_for_a_while_and_a_new_one_is_asked_at_once() -> None:
    standby = Standby(answer=Unavailable("it did not answer in time"))
    for _ in range(10):
        standby.answers.status()
        standby.now += PAUSE_S / 100
    assert len(standby.asked) == 1
    standby.lead = replace(LEAD, identity="leader_2", epoch=8)
    standby.answers.status()
    assert len(standby.asked) == 2
    standby.now += PAUSE_S
    standby.answers.status()
    assert len(standby.asked) == 3


@pytest.mark.parametrize(
    ("lead", "words"),
    [
        (Lead(), "Nobody leads at the moment."),
        (replace(LEAD, identity="standby_1"), "This replica holds the Lease, and its term has not begun."),
        (replace(LEAD, address=None), "The Lease does not say where the leader (leader_1) can be asked."),
    ],
)
def test_where_nobody_can_be_asked_that_is_said(lead: Lead, words: str) -> None:
    standby = Standby(lead=lead)
    assert standby.note().startswith(words)
    assert standby.asked == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (replace(LEADERS, cluster="b"), "another cluster's controller answered"),
        (replace(LEADERS, identity="stranger"), "another replica answered"),
        (replace(LEADERS, leader=replace(LEADERS.leader, identity="stranger")), "another replica answered"),
        (replace(LEADERS, leader=replace(LEADERS.leader, is_me=False)), "it says that it does not lead"),
        (replace(LEADERS, leader=replace(LEADERS.leader, epoch=6)), "under another epoch"),
        (replace(LEADERS, leader=replace(LEADERS.leader, epoch=None)), "under another epoch"),
    ],
)
def test_an_answer_that_is_not_the_leaders_is_not_shown(answer: Status, words: str) -> None:
    found = Standby(answer=answer).answers.status()
    assert found.pods == ()
    assert words in found.answered_by.note
    assert not found.answered_by.leads


def test_the_leaders_own_answer_has_no_fault() -> None:
    assert fault_of(LEADERS, OWN, LEAD) == ""
