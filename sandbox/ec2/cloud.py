"""The account itself: one world behind one lock, with enough of its past for stale reads.

Every change passes through `change`, which gives its effects their order and time while the lock is held. So the
order of effects is the order in which the world changed, whatever the order of the answers.
"""

import itertools
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

from sandbox.ec2.addresses import mutate
from sandbox.ec2.clock import Clock
from sandbox.ec2.log import Caller, Entry
from sandbox.ec2.model import Change, World
from sandbox.ec2.requests import Mutation
from sandbox.ec2.rules import Rules
from sandbox.ec2.settings import Ec2Settings

FIRST_PUBLIC_IP = IPv4Address("198.18.0.1")
"""Public IPs come from the range for benchmarks (RFC 2544), which nobody has."""


def new_id(kind: str) -> str:
    """A fresh id as EC2 makes them, for example eipalloc-0123456789abcdef0."""
    return f"{kind}-0{secrets.token_hex(8)}"


class Cloud:
    """The state of one account and Region; safe to use from many threads."""

    def __init__(self, settings: Ec2Settings, clock: Clock) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._settings = settings
        self._past: deque[tuple[float, World]] = deque([(clock.monotonic(), World())])
        self._journal: list[Entry] = []
        self._order = itertools.count(1)
        self._offsets = itertools.count()

    @property
    def settings(self) -> Ec2Settings:
        """The settings in force."""
        return self._settings

    @settings.setter
    def settings(self, settings: Ec2Settings) -> None:
        self._settings = settings

    @property
    def world(self) -> World:
        """The world as it is."""
        with self._lock:
            return self._past[-1][1]

    def journal(self) -> tuple[Entry, ...]:
        """Every effect since the start, in order, with who caused it."""
        with self._lock:
            return tuple(self._journal)

    def visible_world(self, lag_s: float) -> World:
        """The world of so many seconds ago, or the oldest that is remembered."""
        with self._lock:
            then = self._clock.monotonic() - lag_s
            known = (world for since, world in reversed(self._past) if since <= then)
            return next(known, self._past[0][1])

    def mutate(self, request: Mutation, caller: Caller) -> Change:
        """Carries out a mutation; raises Ec2Error, and then nothing has happened."""
        return self.change(lambda world, rules: mutate(world, request, rules), caller)

    def rehearse(self, request: Mutation) -> None:
        """Raise the Ec2Error that a mutation would meet now; nothing happens, and no address is handed out."""
        now = self._clock.monotonic()
        rules = Rules(settings=self._settings, now=now, new_id=new_id, new_ip=lambda: str(FIRST_PUBLIC_IP))
        mutate(self.world, request, rules)

    def change(self, step: Callable[[World, Rules], Change], caller: Caller) -> Change:
        """Replaces the world by the step's result; returns it with the effects in order and stamped."""
        with self._lock:
            now, wall = self._clock.monotonic(), self._clock.wall()
            rules = Rules(settings=self._settings, now=now, new_id=new_id, new_ip=self.new_ip)
            done = step(self._past[-1][1], rules)
            stamped = tuple(replace(e, order=next(self._order), mono=now, wall=wall) for e in done.effects)
            self._past.append((now, done.world))
            self._journal.extend(Entry(effect=effect, caller=caller) for effect in stamped)
            self._forget(now - max(self._settings.read_lag_s, self._settings.interface_lag_s))
            return replace(done, effects=stamped)

    def new_ip(self) -> str:
        """A public IP that was not handed out before."""
        return str(FIRST_PUBLIC_IP + next(self._offsets))

    def _forget(self, before: float) -> None:
        while len(self._past) > 1 and self._past[1][0] <= before:
            self._past.popleft()
