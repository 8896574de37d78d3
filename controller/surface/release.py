"""The dialogue of `release-cluster`: what there is, what would be done, whether to do it, and what is left.

It calls no API itself: `ClusterRelease` does, so that the texts and exit codes can be tested alone.
"""

import sys
from collections.abc import Sequence
from typing import Protocol

import click

from controller.core.release import Line, Request, describe
from controller.surface.program import say
from state.errors import Misconfigured
from state.model import InstallRecord


class ClusterRelease(Protocol):
    """The operations on one cluster, to be called in this order. All raise errors of `state.errors`."""

    def choose(self, cluster: str, lease: str | None) -> Sequence[InstallRecord]:
        """The installs that the request means."""
        ...

    def preview(self, installs: Sequence[InstallRecord]) -> Sequence[Line]:
        """What would become of each address."""
        ...

    def watch(self, installs: Sequence[InstallRecord]) -> None:
        """Watch long enough to see a heartbeat; raises Refused where one moves."""
        ...

    def release(self, installs: Sequence[InstallRecord], shown: Sequence[Line]) -> Sequence[str]:
        """Fence the installs and release what they hold, and of the addresses without a claim those that were shown.

        Returns what is left.
        """
        ...


def release(request: Request, world: ClusterRelease) -> bool:
    """Show, ask and release; returns whether nothing is left. Raises what `ClusterRelease` raises, and Misconfigured
    where no terminal is there to ask.
    """
    if not request.yes and not sys.stdin.isatty():
        raise Misconfigured(["there is no terminal to ask on: --yes says that you mean it"])
    installs = world.choose(request.cluster, request.lease)
    for record in installs:
        say(describe(record))
    lines = world.preview(installs)
    for line in lines:
        say(f"  {line.public_ip} {line.allocation_id} {line.mode} {line.holder}: {line.preview}")
    say(f"{len(lines)} addresses; watching for a heartbeat")
    world.watch(installs)
    if not request.yes and not click.confirm("It does not beat. Is it gone for good, and shall this be done?"):
        say("nothing was changed")
        return False
    left = world.release(installs, lines)
    for text in left:
        say(f"left: {text}")
    say("nothing is left" if not left else f"{len(left)} are left; try again")
    return not left
