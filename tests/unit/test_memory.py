"""What a term remembers goes again: Pods, cooldowns, unknown outcomes, and installs that turned out to live."""

from dataclasses import dataclass, replace

import pytest

from controller.engine.memory import COOLDOWN_LONGEST_S, CUT_KEPT_S, UNKNOWN_KEPT_S, TermMemory
from controller.engine.peers import Peers
from state.model import AllocationId, AssociationId, Change, PodUid
from tests.fakes.records import install_record, new_address, new_pod

CONSISTENCY_S = 60.0
MANY = 10_000


@dataclass
class Time:
    """A clock that a test turns."""

    now: float = 10_000.0

    def __call__(self) -> float:
        """Now."""
        return self.now


@pytest.fixture
def time() -> Time:
    """The test's clock."""
    return Time()


@pytest.fixture
def memory(time: Time) -> TermMemory:
    """A new term's."""
    return TermMemory(clock=time, consistency_s=CONSISTENCY_S, started=time())


def test_pods_that_are_no_more_are_forgotten(memory: TermMemory) -> None:
    for number in range(MANY):
        memory.of(PodUid(str(number)))
        memory.queues.join(PodUid(str(number)), f"pool-{number % 50}", None)
    memory.prune([PodUid("7")])
    assert list(memory.pods) == ["7"]
    assert [(queue.pool, queue.waiting) for queue in memory.queues.shown()] == [("pool-7", 1)]


def test_a_pod_that_was_refused_ten_thousand_addresses_forgets_them(memory: TermMemory, time: Time) -> None:
    uid = PodUid("p")
    for number in range(MANY):
        memory.cool_down(uid, AllocationId(f"e-{number}"))
    time.now += COOLDOWN_LONGEST_S
    memory.cool_down(uid, AllocationId("e-7"))
    time.now += 10
    memory.prune([uid])
    assert memory.of(uid).cooldowns.keys() == {"e-7"}


def test_a_refusal_that_holds_or_just_ended_is_remembered(memory: TermMemory, time: Time) -> None:
    """Else the pauses would not double: five seconds, ten, twenty."""
    uid, address = PodUid("p"), AllocationId("e-1")
    for pause in (5, 10, 20, 40, 80, 160, 300, 300):
        memory.cool_down(uid, address)
        memory.prune([uid])
        time.now += pause - 1
        assert memory.cooling_down(uid) == {address}
        time.now += 2
        assert memory.cooling_down(uid) == frozenset()


def test_cuts_and_new_names_are_forgotten_in_their_time(memory: TermMemory, time: Time) -> None:
    for number in range(MANY):
        memory.cut(AssociationId(f"a-{number}"))
        memory.note_made(AllocationId(f"e-{number}"))
    time.now += CONSISTENCY_S + 1
    memory.prune([])
    assert (len(memory.made_at), len(memory.cut_ids)) == (0, MANY)
    time.now += CUT_KEPT_S
    memory.prune([])
    assert not memory.cut_ids


def test_an_unknown_write_about_an_address_that_ec2_no_longer_shows_ends(memory: TermMemory, time: Time) -> None:
    """What it shows is looked at and struck off by the comparison; what was released would stay for the whole term."""
    for number in range(MANY):
        memory.note_unknown(Change(address_after=new_address(f"e-{number}")))
    time.now += UNKNOWN_KEPT_S
    memory.note_unknown(Change(address_after=new_address("e-7")))
    memory.prune([])
    assert len(memory.unknown_writes) == MANY
    time.now += 1
    memory.prune([])
    assert memory.unknown_writes == {"e-7"}
    assert memory.unknown_since.keys() == {"e-7"}


def test_of_an_install_that_lives_only_the_newest_counter_is_remembered(memory: TermMemory) -> None:
    one, other = install_record("c-1"), install_record("c-2")
    for beat in range(100):
        memory.note_alive(replace(one, heartbeat=beat))
        memory.note_alive(other)
    assert memory.alive == {(one.key, 99), (other.key, other.heartbeat)}


def test_installs_that_left_the_table_are_forgotten_and_silent_ones_are_not(time: Time) -> None:
    """How long one is silent says who may have its addresses: to forget it would begin the wait anew."""
    peers, gone, silent = Peers(time), install_record("c-1"), install_record("c-2")
    peers.saw([gone, silent, *(install_record(f"x-{number}") for number in range(MANY))])
    time.now += 1_000_000
    peers.saw([silent])
    assert [peer.record for peer in peers.all()] == [silent]
    assert peers.silent_s(peers.all()[0]) == 1_000_000
    peers.saw([])
    assert (peers.all(), peers.names(), peers.silent(0.0)) == ([], {}, {})


def test_an_intent_in_doubt_waits_for_the_comparison(memory: TermMemory) -> None:
    memory.note_unknown(Change(pod_after=new_pod("p")))
    memory.prune([])
    assert memory.unknown_intents.keys() == {"p"}


def test_who_began_within_a_minute_asks_again(memory: TermMemory) -> None:
    mine, now = memory.of(PodUid("p")), memory.clock()
    assert not mine.again(now, begun=False)
    mine.begins(now)
    assert not mine.again(now, begun=True), "what it goes on with is no second beginning"
    assert mine.again(now, begun=False)
    mine.begins(now)
    assert mine.again(now, begun=True)
    assert not mine.again(now + 61, begun=False)


def test_who_flaps_is_remembered_while_it_does_not_ask(memory: TermMemory, time: Time) -> None:
    memory.of(PodUid("p")).begins(memory.clock())
    memory.prune(())
    assert memory.of(PodUid("p")).begun == 1
    time.now += 61
    memory.prune(())
    assert PodUid("p") not in memory.pods
