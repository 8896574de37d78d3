"""A standby hands the leader's explanation on, and believes nobody else's."""

from dataclasses import dataclass, field, replace

import pytest

from controller.core.explain import Explanation, Source, Verdict
from controller.core.handing_on import Lead
from controller.core.values import Endpoint
from controller.engine.leader_explains import PAUSE_S, LeaderExplains
from state.errors import Unavailable

HERE = Endpoint(host="10.0.0.1", port=8080)
LEAD = Lead(identity="leader_1", epoch=3, address=HERE)


def said(identity: str, *, leads: bool, verdict: Verdict = Verdict.UNKNOWN) -> Explanation:
    """An explanation by this replica."""
    source = Source(identity=identity, leads=leads, cluster="a")
    return Explanation(
        namespace="games", name="p", uid="u", verdict=verdict, reason="", summary="s", answered_by=source
    )


OWN = said("me_2", leads=False)
LEADERS = said("leader_1", leads=True, verdict=Verdict.WAITING)


@dataclass
class Desk:
    """A standby, and what the leader answers."""

    answer: Explanation | Unavailable = LEADERS
    lead: Lead = LEAD
    own: Explanation = OWN
    now: float = 1000.0
    asked: list[Endpoint] = field(default_factory=list)

    def ask(self, address: Endpoint, namespace: str, name: str) -> Explanation:
        """The leader's door."""
        self.asked.append(address)
        assert (namespace, name) == ("games", "p")
        if isinstance(self.answer, Unavailable):
            raise self.answer
        return self.answer

    def made(self) -> LeaderExplains:
        """What is tested."""
        return LeaderExplains(own=lambda *_: self.own, lead=lambda: self.lead, ask=self.ask, clock=lambda: self.now)


def test_the_leaders_words_are_handed_on() -> None:
    desk = Desk()
    found = desk.made().explain("games", "p")
    assert (found.verdict, found.answered_by.identity, desk.asked) == (Verdict.WAITING, "leader_1", [HERE])
    assert found.answered_by.notes == ("me_2, a standby, handed this on",)


@pytest.mark.parametrize(
    "desk",
    [
        Desk(own=said("me_2", leads=True)),
        Desk(lead=Lead()),
        Desk(lead=replace(LEAD, address=None)),
        Desk(lead=replace(LEAD, identity="me_2")),
    ],
    ids=["it leads itself", "nobody leads", "no address", "its own term has not begun"],
)
def test_where_there_is_nobody_to_ask_nobody_is_asked(desk: Desk) -> None:
    assert desk.made().explain("games", "p") == desk.own
    assert desk.asked == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (said("stranger_9", leads=True), "another replica answered"),
        (replace(LEADERS, answered_by=replace(LEADERS.answered_by, cluster="b")), "another replica answered"),
        (said("leader_1", leads=False), "it says that it does not lead"),
        (replace(LEADERS, name="q"), "it answered of another Pod"),
        (Unavailable("nothing listens there"), "nothing listens there"),
    ],
)
def test_who_is_not_the_leader_is_not_believed_and_left_alone_for_a_while(
    answer: Explanation | Unavailable, why: str
) -> None:
    desk = Desk(answer=answer)
    made = desk.made()
    found = made.explain("games", "p")
    assert replace(found, answered_by=OWN.answered_by) == OWN
    assert found.answered_by.notes == (f"The leader (leader_1) could not be asked: {why}",)
    assert made.explain("games", "p") == OWN
    assert len(desk.asked) == 1
    desk.lead = replace(LEAD, epoch=4)
    made.explain("games", "p")
    assert len(desk.asked) == 2, "another term is asked at once"
    desk.now += PAUSE_S
    made.explain("games", "p")
    assert len(desk.asked) == 3
