"""What belongs to one term of leadership: made when it opens, dropped when it ends, never carried over.

A later term must not act on what an earlier one saw: between them another replica may have led.
"""

from dataclasses import dataclass

from controller.core.ports import Term
from controller.core.situation import Facts
from controller.engine.admission import Admission
from controller.engine.claims import ClaimIndex
from controller.engine.ec2view import AddressView
from controller.engine.memory import Memory
from controller.engine.observe import Observer
from controller.engine.placement import Placements
from controller.engine.pulse import Pulse


@dataclass(frozen=True, slots=True, kw_only=True)
class TermState:
    """The state of one term."""

    term: Term
    facts: Facts
    memory: Memory
    view: AddressView
    placements: Placements
    claims: ClaimIndex
    observer: Observer
    pulse: Pulse
    admission: Admission
