"""A model of one of EC2's token buckets, kept by one of its users.

EC2 publishes its default buckets, but not the account's own, nor who else uses them. So the model starts at the
defaults, and the answers correct it:

- While the model has tokens, calls are sent. When it is empty, one call is sent beyond it, as a probe; if that is
  served, two at once, then four, up to a few. A probe may be served so far beyond the model that neither its time on
  the way nor tokens left over explain it. That proves that the account allows more: rate and burst double. An EC2 that
  does not throttle is used at full speed after a few round trips.
- A throttled call shows how many tokens there are: none. The tokens that come in next are for the calls that were
  sent after it, or are not sent yet. If one of those is throttled too, it costs no token.
- A throttled probe shows that the model is right. Then there is no probe for a minute, then for two, up to ten.
- A throttled call that had a token shows that the model was wrong. One such call may be due to jitter on the way. If
  another follows within seconds, the calls served between the two show how many tokens came in. If these are clearly
  fewer than the rate says, the rate was too high, or somebody else uses the same bucket. The rate becomes what was
  seen, at least half of what it was; below the default it grows back in equal steps.
- At the start, and after a throttled call, few calls are sent at once, and twice as many with each round that is
  served: a new leader does not know how full its predecessor left the bucket.

The module is pure: no clock, no waiting, no lock. `controller.aws.gate` waits. Units are seconds and calls a second.
"""

from dataclasses import dataclass
from types import MappingProxyType

FIRST_WINDOW = 4
"""Calls in flight before the first answer."""
PROBE_PAUSE_S, LONGEST_PROBE_PAUSE_S = 60.0, 600.0
"""Seconds between a throttled call and the next probe."""
MOST_PROBES = 8
"""The most calls in flight beyond the model; more where the learnt rate is higher."""
PROVEN_DEBT = 3.0
"""So many tokens below an empty model, after all that may have come in on the way, a served probe is a proof."""
SUSPICION_S = 10.0
"""Seconds. Two refusals of calls with tokens within this time are compared with what was served between them."""
JITTER = 2.0
"""So many calls more or less between two refusals may be due to different times on the way."""
REGROWTH_S = 60.0
"""Seconds in which the rate would grow from nothing to the default."""
LEAST_SHARE = 1 / 16
"""The lowest rate, as a share of the default rate, however many others use the bucket."""
LEAST_WAIT_S = 0.001
"""Seconds: shorter waits are lost in rounding."""
_UNSENT = float("inf")
"""The place, among the calls that were sent, of a call that is not sent yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What EC2 grants by default for one API: `burst` calls at once, then `rate` a second."""

    burst: float
    rate: float


_MUTATION, _READ = RateLimit(burst=50, rate=5), RateLimit(burst=100, rate=20)
DEFAULT_LIMITS = MappingProxyType(
    {
        "AllocateAddress": _MUTATION,
        "AssociateAddress": _MUTATION,
        "DisassociateAddress": _MUTATION,
        "ReleaseAddress": _MUTATION,
        "DescribeAddresses": _READ,
        "DescribeNetworkInterfaces": _READ,
    }
)
"""From "Request throttling for the Amazon EC2 API" of the EC2 developer guide; interfaces as filtered or paginated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Permission to send one call now; `debt`: by how many tokens the model is overdrawn for it (0: not at all).

    `number` counts the grants of a bucket.
    """

    at: float
    debt: float = 0.0
    number: int = 0

    @property
    def probe(self) -> bool:
        """Whether the call goes beyond the model."""
        return self.debt > 0


class Bucket:
    """The model of one API's bucket. Not thread-safe; `now` must not go backwards."""

    def __init__(self, limit: RateLimit, now: float) -> None:
        self._default = limit
        self._rate, self._burst, self._tokens = limit.rate, limit.burst, limit.burst
        self._filled_at, self._left = now, 0.0
        self._granted, self._sent, self._window = 0, 0, FIRST_WINDOW
        self._in_flight: dict[int, float] = {}
        self._probes, self._most_probes = 0, 1.0
        self._no_probe_until, self._probe_pause = now, PROBE_PAUSE_S
        self._refused_at = self._suspected_at = self._doubled_at = float("-inf")
        self._refused = self._suspected = 0.0
        self._served_since = 0

    @property
    def rate(self) -> float:
        """Calls a second that the model expects to be served in the long run."""
        return self._rate

    @property
    def burst(self) -> float:
        """Calls at once that the model expects to be served after a rest."""
        return self._burst

    def take(self, now: float, spare: int = 0, *, probes: bool = True) -> Grant | float:
        """A grant to send a call, or the seconds until the next try makes sense (an answer may make it sooner).

        `spare`: so many tokens are to be left for others. While it is not known that the model is right, none are,
        unless the call is not to find out (`probes`).
        """
        self._fill(now)
        if len(self._in_flight) >= self._window:
            return PROBE_PAUSE_S
        needed = min(1.0 + spare, self._burst)
        if self._tokens < needed and not (probes and self._may_probe(now)):
            return max((needed - self._tokens) / self._rate, LEAST_WAIT_S)
        self._tokens -= 1
        self._granted += 1
        grant = Grant(at=now, debt=max(0.0, -self._tokens), number=self._granted)
        self._in_flight[grant.number] = _UNSENT
        self._probes += grant.probe
        return grant

    def sends(self, grant: Grant) -> None:
        """The granted call leaves now. EC2 serves calls as they come, not in the order of the grants."""
        self._sent += 1
        self._in_flight[grant.number] = self._sent

    def settle(self, grant: Grant, now: float, *, throttled: bool) -> None:
        """Learn from the answer to a granted call; every grant is settled once, whatever its outcome."""
        self._fill(now)
        place = self._in_flight.get(grant.number, _UNSENT)
        self.cancel(grant)
        if throttled:
            self._learn_refusal(grant, place, now)
        else:
            self._window += 1
            self._served_since += place > self._suspected
            self._learn_success(grant, now)

    def cancel(self, grant: Grant) -> None:
        """It is not known whether the granted call reached EC2: its token counts as spent, and nothing is learnt."""
        self._in_flight.pop(grant.number, None)
        self._probes -= grant.probe

    def give_back(self, grant: Grant) -> None:
        """The granted call was not sent: another call may have its token."""
        self.cancel(grant)
        self._tokens = min(self._burst, self._tokens + 1)

    def _may_probe(self, now: float) -> bool:
        return self._probes < self._most_probes and now >= self._no_probe_until

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._filled_at)
        self._filled_at = max(now, self._filled_at)
        self._tokens = min(self._burst, self._tokens + passed * self._rate)
        if self._rate < self._default.rate:
            self._left = min(self._burst, self._left + passed * (self._default.rate - self._rate))
            self._rate = min(self._default.rate, self._rate + passed * self._default.rate / REGROWTH_S)

    def _learn_success(self, grant: Grant, now: float) -> None:
        if not grant.probe or grant.at < self._refused_at:
            return
        self._most_probes = min(self._most_probes + 1, MOST_PROBES * max(1.0, self._rate / self._default.rate))
        if grant.at >= self._doubled_at and grant.debt >= PROVEN_DEBT + self._left + (now - grant.at) * self._rate:
            self._tokens = max(self._tokens, 0.0)
            self._burst *= 2
            self._rate *= 2
            self._doubled_at = now
            self._probe_pause = PROBE_PAUSE_S

    def _learn_refusal(self, grant: Grant, place: float, now: float) -> None:
        if grant.at < self._refused_at:  # calls that were refused together teach the model once
            self._tokens += place > self._refused
            return
        self._tokens, self._left = -float(sum(later > place for later in self._in_flight.values())), 0.0
        self._refused = place
        if not grant.probe:
            self._suspect(place, now)
        self._refused_at = now
        self._window, self._most_probes = FIRST_WINDOW, 1.0
        self._no_probe_until = now + self._probe_pause
        self._probe_pause = min(2 * self._probe_pause, LONGEST_PROBE_PAUSE_S)

    def _suspect(self, place: float, now: float) -> None:
        """A call was refused although the model had a token: check whether the rate is lower than the model's."""
        since = now - self._suspected_at
        if since < SUSPICION_S and self._served_since + JITTER >= since * self._rate:
            return
        if since < SUSPICION_S:
            self._slow_down(self._served_since / since)
        self._suspected_at, self._suspected, self._served_since = now, place, 0

    def _slow_down(self, seen: float) -> None:
        default = self._default
        least = default.rate if self._rate > default.rate else default.rate * LEAST_SHARE
        self._rate = max(self._rate / 2, least, min(seen, self._rate))
        self._burst = max(self._burst / 2, default.burst)
