"""What `explain` says: every situation and every reason has its sentences, in words that cannot steer a terminal."""

import inspect
from dataclasses import replace

import pytest

from controller.core import remedies, step_words
from controller.core.actions import Wait, WaitReason
from controller.core.desire import Fault, Invalid
from controller.core.explain import Explanation, Progress, Source, Verdict, explain, legible_values
from controller.core.plan import plan
from controller.core.requeue_rules import WokenBy
from controller.core.situation import Foreign, Lack, NoOffer, Situation, Unplaced
from controller.core.waiting import words
from state import errors
from state.errors import PodEipError, QuotaExceeded
from state.model import Mode
from tests.unit.plan_world import pod, target
from tests.unit.worked_rows import WORKED_ROWS, WorkedRow
from tests.unit.worked_worlds import after, but, new

LEADER = Source(identity="host_1", leads=True)
ERRORS = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, PodEipError)]
HOSTILE = "\x1b[31m<b>\u202e"


def said(s: Situation, known: Progress | None = None, source: Source = LEADER) -> Explanation:
    """As the leader says it."""
    return explain(s, plan(s), known or Progress(planned_s=0.0), source)


@pytest.mark.parametrize("row", WORKED_ROWS, ids=lambda row: row.words[:60])
def test_every_row_of_the_plan_is_explained(row: WorkedRow) -> None:
    s = row.build()
    found = said(s)
    assert found.summary
    assert found.asks
    assert found.ledger
    assert found.next_try
    assert len(found.next) >= len(found.plan)
    for sentence in (*found.asks, *found.policy, *found.ledger, *found.ec2, *found.next, *found.remedy):
        assert sentence[0].isupper() or sentence.startswith("`"), sentence
    if found.verdict in (Verdict.WAITING, Verdict.REFUSED, Verdict.INVALID):
        assert found.remedy
        assert found.reason


@pytest.mark.parametrize("reason", WaitReason)
def test_every_reason_to_wait_has_a_sentence_and_a_remedy(reason: WaitReason) -> None:
    found = said(new(), Progress(waits=Wait(reason=reason)))
    assert found.reason == reason.name
    assert words(Wait(reason=reason))[1:] in found.summary
    assert found.verdict is (Verdict.REFUSED if reason is WaitReason.REFUSED else Verdict.WAITING)
    assert len(found.remedy) == 1
    assert len(found.remedy[0]) > 20


def test_remedies_of_one_kind_differ() -> None:
    for sentences in (
        [remedies.of_fault(one) for one in Fault],
        [remedies.of_lack(one) for one in Lack],
        [step_words.of_waker(one) for one in WokenBy],
    ):
        assert len(set(sentences)) >= len(sentences) - 1, sentences


@pytest.mark.parametrize("fault", Fault)
def test_a_pod_that_asks_wrongly_is_told_what_helps(fault: Fault) -> None:
    found = said(new(desire=Invalid(why="no", fault=fault)))
    assert (found.verdict, found.reason) == (Verdict.INVALID, fault.name)
    assert found.remedy == (remedies.of_fault(fault),)


def test_a_pod_that_asks_wrongly_keeps_what_it_holds_and_hears_so() -> None:
    served = after(Mode.AUTO).situation()
    found = said(but(served, desire=Invalid(why="no", fault=Fault.MODE)))
    assert found.verdict is Verdict.INVALID
    assert served.record is not None
    assert f"keeps the address {served.record.public_ip}" in found.summary


@pytest.mark.parametrize("lack", Lack)
def test_a_pod_without_an_offer_is_told_what_helps(lack: Lack) -> None:
    s = new(Mode.FIXED_TAG, offer=NoOffer(why="the pool has none", lack=lack))
    found = said(s)
    assert (found.verdict, found.reason) == (Verdict.WAITING, "POOL")
    assert found.remedy == (remedies.of_lack(lack),)
    assert "The pool has none" in found.ec2


def test_each_place_that_is_not_the_pods_has_its_own_remedy() -> None:
    here = target("10.0.0.5")
    places = (Unplaced(), Foreign(target=here, why="w"), Foreign(target=here, why="w", nameless=True))
    found = [said(new(placement=place)) for place in places]
    assert {one.reason for one in found} == {"PLACEMENT"}
    assert len({one.remedy for one in found}) == 3
    assert "spec.providerID" in found[2].remedy[0]


def test_a_rival_on_the_nodes_ip_is_not_waited_for_in_silence() -> None:
    waits = Progress(waits=Wait(reason=WaitReason.TARGET))
    assert said(new(), waits).remedy[0].startswith("Nothing to do")
    node = new(pod=replace(pod("auto"), host_network=True))
    assert "hostNetwork" in said(node, waits).remedy[0]
    assert any("hostNetwork" in one for one in said(node).asks)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_failure_has_a_sentence_and_a_remedy(error: type[PodEipError]) -> None:
    made = error(["it failed"]) if "faults" in inspect.signature(error.__init__).parameters else error("it failed")  # type: ignore[arg-type]
    found = said(new(), Progress(error=made, attempts=3, next_s=7.6))
    assert (found.verdict, found.reason) == (Verdict.FAILING, made.code)
    assert made.explain() in found.summary
    assert len(found.remedy) == 1
    assert len(found.remedy[0]) > 15
    assert any(sentence.startswith("3 tries") for sentence in found.tried)
    assert found.next_try == "The Pod is planned anew in 8 s"


def test_what_was_tried_and_what_comes_next_is_told() -> None:
    known = Progress(
        waits=Wait(reason=WaitReason.POOL, detail="pool 'k' has no free address"),
        attempts=2,
        waiting_s=75.2,
        next_s=15.0,
        woken_by=frozenset({WokenBy.POOL}),
        told="EIPWaiting: pool 'k' has no free address",
    )
    found = said(new(Mode.FIXED_TAG, offer=NoOffer(why="pool 'k' has no free address", lack=Lack.HELD)), known)
    assert found.summary == "The Pod waits: pool 'k' has no free address"
    assert found.next_try.startswith("The Pod is planned anew in 15 s, or sooner by a look at EC2")
    assert "It has waited for this for 75 s" in found.tried
    assert "The last event on the Pod said: EIPWaiting: pool 'k' has no free address" in found.tried
    assert found.attempts == 2


def test_a_served_pod_is_fine() -> None:
    found = said(after(Mode.AUTO).situation())
    assert found.verdict is Verdict.SERVED
    assert found.plan == found.remedy == ()
    assert "nothing is to be done" in found.summary


def test_who_does_not_lead_does_not_say_when() -> None:
    found = said(new(), Progress(next_s=1.0), Source(identity="host_2", leads=False))
    assert found.next_try == "Only the leader knows when it tries next"
    assert found.ec2 == (), "it has not looked at EC2"


def test_text_of_strangers_steers_no_terminal_and_names_no_role() -> None:
    fault = QuotaExceeded(f"{HOSTILE} by arn:aws:iam::123456789012:role/secret")
    found = said(new(desire=Invalid(why=HOSTILE, fault=Fault.MODE)), Progress(error=fault, told=HOSTILE)).to_json()
    flat = str(found)
    assert flat.isprintable()
    assert "secret" not in flat
    assert "123456789012" not in flat


def test_values_stay_plain() -> None:
    assert legible_values({"a": (1, None, "b\n")}) == {"a": [1, None, "b\\n"]}
