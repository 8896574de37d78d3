"""What a standby answers: the leader's status if it can be believed, else its own, and in plain words which it is.

The answer came by an address that anybody who may write the Lease could have set, or from whoever has a dead leader's
IP now. So it is believed only if it names our cluster, the Lease's holder (whose name is drawn at random at its start)
and the Lease's epoch. It is shown and nothing else: no decision rests on it.
"""

from dataclasses import dataclass, replace

from controller.core.status import AnsweredBy, Status
from controller.core.values import Endpoint

_BEGINS = "This replica holds the Lease, and its term has not begun."


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Who leads, as the Lease says; an empty identity: nobody. `address`: where to ask (None: it does not say)."""

    identity: str = ""
    epoch: int = 0
    address: Endpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """The leader could not be asked: since when (seconds), and the last reason in words."""

    for_s: float
    why: str


def fault_of(answer: Status, own: Status, lead: Lead) -> str:
    """Why this is not the status of the leader that the Lease names; empty: it is."""
    if answer.cluster != own.cluster:
        return "another cluster's controller answered"
    if answer.identity != lead.identity or answer.leader.identity != lead.identity:
        return "another replica answered"
    if not answer.leader.is_me:
        return "it says that it does not lead"
    if answer.leader.epoch != lead.epoch:
        return "it answered under another epoch than the Lease's"
    return ""


def handed_on(answer: Status, own: Status, lead: Lead, age_s: float) -> Status:
    """The leader's status as a standby hands it on: who this replica is, and how it does, stays its own."""
    return replace(
        answer,
        identity=own.identity,
        version=own.version,
        leader=replace(answer.leader, is_me=False),
        waits=own.waits,
        answered_by=AnsweredBy(
            identity=lead.identity,
            leads=True,
            age_s=round(age_s, 1),
            note=f"This replica is a standby. The leader ({lead.identity}) answered.",
        ),
    )


def own_words(own: Status, lead: Lead, silence: Silence | None, read_s: float | None) -> Status:
    """What this replica knows itself, with how old it is. `read_s`: seconds since it read the table; None: never."""
    trouble = _BEGINS if lead.identity == own.identity else _trouble(lead, silence)
    note = f"{trouble} {_knowledge(read_s)}"
    age_s = None if read_s is None else round(read_s, 1)
    return replace(own, answered_by=AnsweredBy(identity=own.identity, leads=False, age_s=age_s, note=note))


def _trouble(lead: Lead, silence: Silence | None) -> str:
    if not lead.identity:
        return "Nobody leads at the moment."
    if lead.address is None:
        return f"The Lease does not say where the leader ({lead.identity}) can be asked."
    if silence is None:
        return f"The leader ({lead.identity}) has not been asked yet."
    if silence.for_s < 1:
        return f"The leader ({lead.identity}) could not be reached: {silence.why}."
    return f"The leader ({lead.identity}) could not be reached for {silence.for_s:.0f} s: {silence.why}."


def _knowledge(read_s: float | None) -> str:
    if read_s is None:
        return "This is what a standby sees of the Pods: it has not read the table yet."
    return f"This is what the standby read from the table {read_s:.0f} s ago."
