"""The account of the tokens of EC2: whatever happens, each grant that is out is held by a call or by a ticket."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from controller.core import actions as act
from state.model import PodUid
from tests.unit.call_line import MUTATIONS, Line, pod


class Accounts(RuleBasedStateMachine):
    """Every grant that is out is held by a running call or by a ticket, whatever happens."""

    running = Bundle("running")
    uids = st.integers(0, 5).map(lambda n: f"p{n}")
    mutations = st.sampled_from(MUTATIONS)

    def __init__(self) -> None:
        super().__init__()
        self.line = Line()
        self.calling = self.tickets = 0

    @property
    def out(self) -> int:
        """The grants that have been given, and neither used nor given back."""
        return self.line.tokens.out

    @rule(action=mutations, tokens=st.integers(1, 3))
    def fill(self, action: act.Mutation, tokens: int) -> None:
        """Tokens come in."""
        self.line.fill(tokens, action)

    @rule(target=running, action=mutations, uid=uids)
    def admit(self, action: act.Mutation, uid: str) -> tuple[act.Mutation, object] | None:
        """A plan comes to a call, and may make it: with a ticket, or with a token that is taken now."""
        out = self.out
        grant = self.line.calls.admit(action, pod(uid, f"ns{uid > 'p2'}"))
        if grant is None:
            assert self.out == out
            return None
        self.tickets -= self.out == out
        self.calling += 1
        return action, grant

    @rule(action=mutations, uid=uids)
    def reserve(self, action: act.Mutation, uid: str) -> None:
        """A plan that begins with a call may start if it has a ticket: one that it had, or a new one."""
        out = self.out
        may_start = self.line.calls.reserve(action, pod(uid, f"ns{uid > 'p2'}"))
        assert may_start or self.out == out
        self.tickets += self.out - out

    @rule(call=consumes(running), answered=st.booleans(), throttled=st.booleans())
    def end(self, call: tuple[act.Mutation, object] | None, answered: bool, throttled: bool) -> None:
        """A call ends."""
        if call is not None:
            self.line.calls.settle(*call, answered=answered, throttled=throttled)
            self.calling -= 1

    @rule()
    def due(self) -> None:
        """The loop asks whose turn it is: afterwards nobody waits where there is a token."""
        self.tickets += len(self.line.calls.due()[0])
        waiting = self.line.calls.waiting
        assert all(left == 0 or waiting[operation] == 0 for operation, left in self.line.tokens.left.items())

    @rule(uid=uids, but=st.none() | mutations)
    def leave(self, uid: str, but: act.Mutation | None) -> None:
        """A plan has ended."""
        out = self.out
        self.line.calls.leave(PodUid(uid), but=type(but) if but is not None else None)
        self.tickets -= out - self.out
        assert but is not None or not self.line.calls.waits(PodUid(uid))

    @rule()
    def close(self) -> None:
        """The term ends; calls that are on their way go on."""
        self.line.calls.close()
        self.tickets = 0

    @invariant()
    def adds_up(self) -> None:
        """No grant is lost, and none is given twice."""
        assert self.tickets >= 0
        assert self.out == self.calling + self.tickets


Accounts.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAccounts = Accounts.TestCase
