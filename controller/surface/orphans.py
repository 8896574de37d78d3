"""The dialogue of `release-orphans`: which addresses there are, whether to release them, and what is left.

It calls no API itself: `Unknowns` does, so that the texts and exit codes can be tested alone.
"""

import sys
from collections.abc import Sequence
from typing import Protocol

import click

from controller.core.unknown import describe
from controller.core.views import Address
from controller.surface.program import say
from state.errors import Misconfigured


class Unknowns(Protocol):
    """The operations on one cluster's unknown addresses. Both raise errors of `state.errors`."""

    def find(self, cluster: str) -> Sequence[Address]:
        """The free addresses that are tagged as this cluster's (UID or name), and that the table does not know."""
        ...

    def release(self, shown: Address) -> str:
        """Release it if it still is as it was shown. Returns "" if it is gone, else why it is left."""
        ...


def release(cluster: str, world: Unknowns, *, yes: bool) -> bool:
    """Show, ask and release; returns whether nothing is left. Raises what `Unknowns` raises, and Misconfigured where no
    terminal is there to ask.
    """
    if not yes and not sys.stdin.isatty():
        raise Misconfigured(["there is no terminal to ask on: --yes says that you mean it"])
    found = world.find(cluster)
    for address in found:
        say(*describe(address))
    if not found:
        say("there is no such address")
        return True
    say(f"{len(found)} addresses; who may tag addresses can have made any of them look like this")
    if not yes and not click.confirm("Does nobody need them, and shall they be released?"):
        say("nothing was changed")
        return False
    left = [text for address in found if (text := _released(address, world))]
    say("nothing is left" if not left else f"{len(left)} are left; try again")
    return not left


def _released(address: Address, world: Unknowns) -> str:
    why = world.release(address)
    said = f"left, for {why}" if why else "released"
    say(f"{address.public_ip} {address.allocation_id}: {said}")
    return why
