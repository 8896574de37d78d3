"""The phases of a claim and the transitions between them, as data: what is not in this table is never written.

Each row is one function of `core/transitions`. A change from one phase to another that is not in its function's row is
a mistake in the program, and raises before anything is written. The tables in docs/plan-rows.md are made from
this one (`python -m tests.unit.architecture_doc`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Final, ParamSpec

from controller.core.actions import Action, Claim, Forget, Intend, MarkReleasing, Record, Remember, Retarget, Salvage
from controller.core.remembered import is_remembered
from state.errors import NoSuchTransition
from state.model import Change, PodRecord

P = ParamSpec("P")


class ClaimState(StrEnum):
    """The state of a Pod's side: absent, in one of the phases, or a remembered intent, which belongs to no Pod."""

    ABSENT = "absent"
    INTENT = "intent"
    CLAIMED = "claimed"
    ASSOCIATED = "associated"
    RELEASING = "releasing"
    REMEMBERED = "remembered"


ABSENT, INTENT, CLAIMED = ClaimState.ABSENT, ClaimState.INTENT, ClaimState.CLAIMED
ASSOCIATED, RELEASING, REMEMBERED = ClaimState.ASSOCIATED, ClaimState.RELEASING, ClaimState.REMEMBERED

MEANINGS: Final[Mapping[ClaimState, str]] = {
    ABSENT: "nothing is held",
    INTENT: "an address may be being allocated for this Pod",
    CLAIMED: "both sides stand; EC2 may have been told to associate",
    ASSOCIATED: "EC2 confirmed, the association id is known",
    RELEASING: "cut; waits for a look at EC2 before its release",
    REMEMBERED: "an intent that ended, whose AllocateAddress may still arrive; the item has a UID of its own",
}

Edge = tuple[ClaimState, ClaimState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One transition, described for people, with the phases that it leads from and to.

    by: the function of `core/transitions`. asked_by: the step of a plan, or the module that asks for it otherwise.
    condition: what the ledger must still show. ec2: the calls that go before it or follow it.
    """

    by: str
    asked_by: type[Action] | str
    edges: tuple[Edge, ...]
    when: str
    condition: str
    ec2: str


ROWS: Final = (
    Row(
        by="intend",
        asked_by=Intend,
        edges=((ABSENT, INTENT),),
        when="an `auto` Pod is to be served",
        condition="no item of this Pod",
        ec2="AllocateAddress follows",
    ),
    Row(
        by="undo_intent",
        asked_by="engine/housekeeping",
        edges=((INTENT, ABSENT),),
        when="the Pod went before anybody knew whether its intent was written",
        condition="its first revision, whichever write made it",
        ec2="none",
    ),
    Row(
        by="remember",
        asked_by=Remember,
        edges=((ABSENT, REMEMBERED), (REMEMBERED, REMEMBERED)),
        when="an intent with an unanswered call ends, or allocates once more",
        condition="none is remembered, or the one that was read",
        ec2="AllocateAddress went before, and may still arrive",
    ),
    Row(
        by="claim",
        asked_by=Claim,
        edges=((ABSENT, CLAIMED), (INTENT, CLAIMED), (ABSENT, ASSOCIATED), (INTENT, ASSOCIATED)),
        when="there is an address for the Pod; `associated` where it is at the Pod's target already",
        condition="both sides as read or absent; a silent holder's counter stands still",
        ec2="AllocateAddress went before, for a new one; AssociateAddress follows",
    ),
    Row(
        by="salvage",
        asked_by=Salvage,
        edges=((INTENT, RELEASING),),
        when="the Pod is gone, and what was allocated for it unrecorded is found",
        condition="both sides as read; the address's may be absent",
        ec2="AllocateAddress went before; ReleaseAddress follows",
    ),
    Row(
        by="take_orphan",
        asked_by="engine/housekeeping",
        edges=((ABSENT, ASSOCIATED), (ABSENT, RELEASING)),
        when="an orphan becomes a claim of its own: associated, or free",
        condition="no claim of that orphan; the address's side as read or absent",
        ec2="DisassociateAddress, ReleaseAddress follow",
    ),
    Row(
        by="restore_claim",
        asked_by="engine/housekeeping",
        edges=((ABSENT, CLAIMED),),
        when="an address's side names a claim of ours that is not known: its answer was lost",
        condition="no item of this Pod; the address's side as read",
        ec2="none",
    ),
    Row(
        by="inherit",
        asked_by="engine/scopes",
        edges=tuple((each, each) for each in (INTENT, CLAIMED, ASSOCIATED, RELEASING, REMEMBERED)),
        when="another install of the cluster has stopped for good",
        condition="both sides as read; the Pod's alone where the address is another's",
        ec2="none",
    ),
    Row(
        by="retarget",
        asked_by=Retarget,
        edges=((CLAIMED, CLAIMED), (ASSOCIATED, CLAIMED)),
        when="the Pod has another IP, or its association is to be made anew",
        condition="both sides as read",
        ec2="DisassociateAddress went before, where it stood; AssociateAddress follows",
    ),
    Row(
        by="associated",
        asked_by=Record,
        edges=((CLAIMED, ASSOCIATED), (ASSOCIATED, ASSOCIATED)),
        when="the association is made, or EC2 shows it under another id",
        condition="the Pod's side as read",
        ec2="AssociateAddress went before, perhaps an earlier leader's",
    ),
    Row(
        by="releasing",
        asked_by=MarkReleasing,
        edges=((CLAIMED, RELEASING), (ASSOCIATED, RELEASING)),
        when="an `auto` address is given up",
        condition="the Pod's side as read",
        ec2="DisassociateAddress went before, where it stood; ReleaseAddress follows a look at EC2",
    ),
    Row(
        by="forget",
        asked_by=Forget,
        edges=((INTENT, ABSENT), (CLAIMED, ABSENT), (ASSOCIATED, ABSENT), (RELEASING, ABSENT)),
        when="nothing is held any more, or the address is somebody else's by now",
        condition="both sides as read; the Pod's alone where the address is another's",
        ec2="DisassociateAddress went before, where it stood by us; ReleaseAddress, where it is ours to give back",
    ),
    Row(
        by="expire",
        asked_by="engine/housekeeping",
        edges=((REMEMBERED, ABSENT),),
        when="no call of a remembered intent can arrive any more",
        condition="the item as read",
        ec2="none",
    ),
    Row(
        by="purge_recent",
        asked_by="engine/housekeeping",
        edges=((ABSENT, ABSENT),),
        when="no call for the recent targets of an address without an owner can live",
        condition="the address's side as read",
        ec2="none",
    ),
)

_EDGES: Final[Mapping[str, tuple[Edge, ...]]] = {row.by: row.edges for row in ROWS}
EDGES: Final = frozenset(edge for row in ROWS for edge in row.edges)


def claim_state(record: PodRecord | None) -> ClaimState:
    """The state of this side. A remembered intent is recognized by its UID, whatever phase the item has."""
    if record is None:
        return ABSENT
    return REMEMBERED if is_remembered(record.uid) else ClaimState(record.phase)


def edge_of(change: Change) -> Edge:
    """The state of the Pod's side before and after; both absent where only the address's side changes."""
    return claim_state(change.pod_before), claim_state(change.pod_after)


def in_table(make: Callable[P, Change]) -> Callable[P, Change]:
    """Decorate a function that makes a change: it raises NoSuchTransition where its row does not have this change."""
    allowed = _EDGES.get(make.__name__, ())

    @wraps(make)
    def held(*args: P.args, **kwargs: P.kwargs) -> Change:
        change = make(*args, **kwargs)
        if edge_of(change) not in allowed:
            before, after = edge_of(change)
            raise NoSuchTransition(f"a claim does not go from {before} to {after} by {make.__name__}")
        return change

    return held
