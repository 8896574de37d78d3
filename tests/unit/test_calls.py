"""Whose turn it is for a token of EC2: the order, the tickets, and that no grant is lost."""

import threading

import pytest

from controller.core import actions as act
from controller.core.desire import Gone, Nothing
from controller.engine.calls import RECENT, SPARE, Urgency, entry_of, first_call
from state.model import InterfaceId, Mode, PodUid, Target
from tests.unit.call_line import ALLOCATE, ASSOCIATE, CUT, MUTATIONS, RELEASE, Line, pod


@pytest.fixture
def line() -> Line:
    """Nobody waits."""
    return Line()


def test_who_comes_first_while_there_are_tokens_is_admitted_at_once(line: Line) -> None:
    line.fill(2)
    assert line.calls.admit(ASSOCIATE, pod("a")) is not None
    assert line.calls.admit(ASSOCIATE, pod("b")) is not None
    assert line.calls.admit(ASSOCIATE, pod("c")) is None
    assert line.calls.waiting["AssociateAddress"] == 1


def test_the_most_urgent_come_first(line: Line) -> None:
    orphan = pod("orphan:eipalloc-1", created="0", pod=None, desire=Gone())
    served, moved = pod("served", created="1", desire=Nothing()), pod("moved", created="9", strayed=True)
    gone = pod("gone", desire=Gone(), pod=None)
    line.come(orphan, served, gone, moved, action=CUT)
    turns = line.turns(4, CUT)
    assert set(turns[:3]) == {"gone", "moved", "orphan:eipalloc-1"}
    assert turns[3] == "served"


def test_what_each_call_depends_on() -> None:
    gone, lives = pod("gone", desire=Gone()), pod("lives")
    assert entry_of(CUT, gone).urgency is Urgency.DANGER
    assert [entry_of(action, lives).urgency for action in MUTATIONS] == [
        Urgency.SERVING,
        Urgency.SERVING,
        Urgency.RELEASE,
        Urgency.SERVING,
    ]


def test_among_equals_the_oldest_comes_first(line: Line) -> None:
    line.come(pod("new", created="3"), pod("old", created="1"), pod("b", created="2"), pod("a", created="2"))
    assert line.turns(4) == ["old", "a", "b", "new"]


def test_the_namespace_that_was_served_longest_ago_comes_first(line: Line) -> None:
    line.come(*(pod(f"big{n}", "big", str(n)) for n in range(5)))
    assert line.turns() == ["big0"]
    line.come(pod("small0", "small", "8"), pod("small1", "small", "9"), pod("third", "third", "99"))
    assert line.turns(2) == ["small0", "third"]
    assert line.turns(5) == ["big1", "small1", "big2", "big3", "big4"]


# ── the last tokens ──


def beside_others(line: Line, action: act.Mutation = ASSOCIATE) -> None:
    """Another namespace has had a call before."""
    line.come(pod("other", "other"), action=action)
    line.turns(1, action)


def test_a_busy_namespace_leaves_the_last_tokens_to_others(line: Line) -> None:
    beside_others(line)
    line.come(*(pod(f"big{n:02}", "big", f"{n:02}") for n in range(40)))
    assert len(line.turns(20)) == 20 - SPARE
    line.come(pod("again", "big", "0"))
    assert line.calls.admit(ASSOCIATE, pod("small", "small")) is not None, "it waits for no token to come in"
    line.come(*(pod(f"more{n}", "big") for n in range(5)))
    assert line.turns(1) == [], "the token that was used is to come in first"
    assert len(line.turns(1)) == 1


def test_others_have_the_last_tokens_by_their_turns(line: Line) -> None:
    beside_others(line)
    line.come(*(pod(f"big{n:02}", "big", f"{n:02}") for n in range(40)))
    line.turns(20)
    line.tokens.left["AssociateAddress"] = 0
    line.come(*(pod(f"{name}{n}", name) for n in range(3) for name in ("x", "y")))
    assert line.turns(3) == ["x0", "y0", "x1"]


def test_a_pod_that_asks_again_comes_after_others_and_leaves_the_last_tokens(line: Line) -> None:
    line.come(pod("again", "a", "0", again=True), pod("first", "b", "1"))
    assert line.turns(SPARE) == ["first"]
    assert line.turns() == []
    assert line.turns() == ["again"]
    assert line.calls.admit(ASSOCIATE, pod("one-more", "a", again=True)) is None
    assert line.calls.admit(ASSOCIATE, pod("new", "a")) is not None


def test_a_cut_of_a_pod_that_asks_again_is_as_urgent_as_ever() -> None:
    assert entry_of(CUT, pod("again", again=True)).urgency is Urgency.SERVING


def test_what_can_wait_takes_none_of_them(line: Line) -> None:
    beside_others(line, RELEASE)
    line.come(*(pod(f"big{n:02}", "big", f"{n:02}", desire=Gone()) for n in range(40)), action=RELEASE)
    assert len(line.turns(20, RELEASE)) == 20 - SPARE
    line.come(pod("orphan:eipalloc-1", pod=None, desire=Gone()), action=RELEASE)
    assert line.turns(0, RELEASE) == []


def test_who_is_alone_leaves_nothing(line: Line) -> None:
    line.come(*(pod(f"big{n:02}", "big", f"{n:02}") for n in range(40)))
    assert len(line.turns(20)) == 20


def test_what_protects_others_has_the_last_token(line: Line) -> None:
    beside_others(line, CUT)
    line.come(*(pod(f"big{n:02}", "big", f"{n:02}") for n in range(40)), action=CUT)
    assert len(line.turns(20, CUT)) == 20 - SPARE
    assert line.calls.admit(CUT, pod("moved", "big", strayed=True)) is not None


def test_a_namespace_is_busy_no_more_once_others_are_served(line: Line) -> None:
    beside_others(line)
    line.come(*(pod(f"big{n:02}", "big", f"{n:02}") for n in range(40)))
    line.turns(20)
    line.tokens.left["AssociateAddress"] = 0
    line.come(*(pod(f"small{n}", "small") for n in range(RECENT // 2)))
    line.turns(RECENT // 2)
    assert len(line.turns(5)) == 5


def test_urgency_comes_before_fairness(line: Line) -> None:
    line.come(*(pod(f"g{n}", "big", pod=None, desire=Gone()) for n in range(3)), pod("s", "z"), action=CUT)
    assert line.turns(4, CUT) == ["g0", "g1", "g2", "s"]


def test_each_api_has_a_line_of_its_own(line: Line) -> None:
    line.come(pod("a"))
    line.fill(1, ALLOCATE)
    assert line.calls.admit(ALLOCATE, pod("b")) is not None
    assert line.calls.due()[0] == []
    assert line.calls.waiting == {
        "AssociateAddress": 1,
        "AllocateAddress": 0,
        "DisassociateAddress": 0,
        "ReleaseAddress": 0,
    }


def test_a_newcomer_overtakes_nobody(line: Line) -> None:
    line.come(pod("old", created="1"))
    line.fill(1)
    assert line.calls.admit(ASSOCIATE, pod("new", created="2")) is None
    assert line.tokens.out == 0
    assert line.calls.due()[0] == ["old"]


def test_who_is_first_takes_the_token_when_it_comes_again(line: Line) -> None:
    line.come(pod("old", created="1"), pod("new", created="2"))
    line.fill(1)
    assert line.calls.admit(ASSOCIATE, pod("old", created="1")) is not None
    assert line.calls.due()[0] == []
    assert line.calls.waiting["AssociateAddress"] == 1


def test_a_ticket_is_good_for_one_call(line: Line) -> None:
    line.come(pod("a"))
    assert line.turns() == ["a"]
    assert line.calls.admit(ASSOCIATE, pod("b")) is None
    assert line.calls.admit(ASSOCIATE, pod("a")) is not None
    assert line.calls.admit(ASSOCIATE, pod("a")) is None
    assert line.tokens.out == 1


def test_a_ticket_is_good_for_its_api_alone(line: Line) -> None:
    line.come(pod("a"))
    assert line.turns() == ["a"]
    assert line.calls.admit(CUT, pod("a")) is None
    assert line.calls.admit(ASSOCIATE, pod("a")) is not None


def test_as_many_turns_as_tokens(line: Line) -> None:
    line.come(*(pod(f"p{n}") for n in range(5)))
    line.fill(3)
    turns, again_s = line.calls.due()
    assert (len(turns), again_s) == (3, 0.5)
    assert line.calls.waiting["AssociateAddress"] == 2
    assert line.calls.due() == ([], 0.5)


def test_nobody_who_waits_is_nothing_to_ask_for(line: Line) -> None:
    line.fill(1)
    assert line.calls.due() == ([], float("inf"))
    assert line.tokens.taken == []


def test_who_leaves_gives_its_ticket_to_the_next(line: Line) -> None:
    line.come(pod("a"), pod("b"))
    assert line.turns() == ["a"]
    line.calls.leave(PodUid("a"))
    assert line.tokens.out == 0
    assert line.calls.due()[0] == ["b"]


def test_who_leaves_waits_no_more_but_for_what_it_still_needs(line: Line) -> None:
    line.come(pod("a"))
    line.come(pod("a"), action=CUT)
    line.calls.leave(PodUid("a"), but=act.Cut)
    assert line.turns() == []
    assert line.turns(action=CUT) == ["a"]


def test_a_turn_that_came_before_its_plan_was_seen_to_have_ended_is_kept(line: Line) -> None:
    line.come(pod("a"))
    assert line.turns() == ["a"]
    line.calls.leave(PodUid("a"), but=act.Associate)
    assert line.calls.reserve(ASSOCIATE, pod("a"))
    assert line.tokens.out == 1


def test_a_plan_begins_with_its_first_call_whatever_it_writes_down_before() -> None:
    claim = act.Claim(mode=Mode.AUTO, pool="p", target=Target(interface_id=InterfaceId("eni-1"), private_ip="10.0.0.1"))
    assert first_call((act.Intend(mode=Mode.AUTO, pool="p"), ALLOCATE, claim, ASSOCIATE)) is ALLOCATE
    assert first_call((claim, ASSOCIATE)) is ASSOCIATE
    assert first_call((RELEASE, act.Forget())) is RELEASE
    assert first_call((act.Unlabel(), CUT)) is None  # the label goes at once
    assert first_call((claim, act.Record(), act.Label(mode=Mode.AUTO))) is None


def test_the_end_of_a_term_gives_everything_back(line: Line) -> None:
    line.come(pod("a"), pod("b"))
    line.come(pod("c"), action=CUT)
    assert line.turns() == ["a"]
    assert line.turns(action=CUT) == ["c"]
    line.calls.close()
    assert line.tokens.out == 0
    assert not any(line.calls.waiting.values())
    assert line.calls.due()[0] == []


@pytest.mark.parametrize("answered", [False, True])
def test_the_token_of_a_call_that_may_have_been_made_is_spent(line: Line, answered: bool) -> None:
    line.fill(1)
    grant = line.calls.admit(ASSOCIATE, pod("a"))
    assert grant is not None
    line.calls.settle(ASSOCIATE, grant, answered=answered, throttled=False)
    assert line.tokens.out == 0
    assert line.calls.admit(ASSOCIATE, pod("a")) is None


def test_the_token_of_a_ticket_that_is_not_used_is_another_s(line: Line) -> None:
    line.come(pod("a"))
    assert line.turns() == ["a"]
    line.calls.leave(PodUid("a"))
    assert line.tokens.out == 0
    assert line.calls.admit(ASSOCIATE, pod("b")) is not None


def test_many_threads_share_the_tokens_without_losing_one(line: Line) -> None:
    line.fill(40)
    got: list[object] = []

    def ask(first: int) -> None:
        for n in range(first, first + 20):
            grant = line.calls.admit(ASSOCIATE, pod(f"p{n}", f"ns{n % 3}"))
            got.extend([grant] if grant is not None else [])

    threads = [threading.Thread(target=ask, args=(n * 20,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tickets, _ = line.calls.due()
    assert len(got) + len(tickets) == line.tokens.out == 40
    assert line.calls.waiting["AssociateAddress"] == 40
