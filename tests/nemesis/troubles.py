"""What befalls a world, at random: each trouble begins, lasts for some seconds, and is ended.

A trouble is a context manager, so that whatever was broken is mended even where a round ends early.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

import urllib3

from sandbox.ec2.control import ControlError
from sandbox.ec2.faults import Fault, FaultKind
from sandbox.kube.client import MERGE, UnexpectedAnswerError
from sandbox.replica import Replica
from tests.faults.door import Interference
from tests.faults.troubles import Hold, LoseReply
from tests.history import EC2_MUTATIONS, TRANSACTION, Call, Service
from tests.nemesis.world import NemesisWorld

SERVICES: tuple[Service, ...] = ("ec2", "dynamodb", "kubernetes")
KINDS: tuple[FaultKind, ...] = ("error", "lost_call", "lost_reply", "malformed")
LEASE_NAME = "aws-pod-eip-controller"
WHATS = (*sorted(EC2_MUTATIONS), TRANSACTION, TRANSACTION, "patch pods status", "update leases")


class Mixture:
    """Several interferences before one door; each may strike."""

    def __init__(self) -> None:
        self.parts: list[Interference] = []

    def before(self, call: Call) -> bool:
        """Deliver where all let it pass; each is asked, for each counts what it sees."""
        said = [part.before(call) for part in list(self.parts)]
        return all(said)

    def after(self, call: Call) -> bool:
        """Answer where all let it pass."""
        said = [part.after(call) for part in list(self.parts)]
        return all(said)


Trouble = Iterator[float]


@dataclass
class Troubles:
    """All that can befall; each method yields the seconds that it wants to last."""

    world: NemesisWorld
    rng: Random
    tell: Callable[[str], None]
    mixture: Mixture = field(default_factory=Mixture)

    def __post_init__(self) -> None:
        self.world.interfere(self.mixture)

    def _replica(self) -> Replica:
        """One that lives; a leader more often than not."""
        alive = [replica for replica in self.world.replicas() if replica.alive]
        leaders = [replica for replica in alive if self.rng.random() < 0.7 and replica.leads()]
        return self.rng.choice(leaders or alive or self.world.replicas())

    def kill(self) -> Trouble:
        """SIGKILL, and a new process after a while."""
        yield from self._end("killed", self.world.kill)

    def term(self) -> Trouble:
        """SIGTERM, and a new process after a while."""
        yield from self._end("told to end", self.world.term)

    def _end(self, how: str, end: Callable[[Replica], object]) -> Trouble:
        replica = self._replica()
        if not replica.alive:
            return
        self.tell(f"{replica.name} is {how}")
        end(replica)
        yield self.rng.uniform(0.2, 5)
        self.tell(f"{replica.name} is started")
        self.world.start(replica)

    def freeze(self) -> Trouble:
        """SIGSTOP, for less or for more than a lease."""
        replica = self._replica()
        if not replica.alive:
            return
        self.tell(f"{replica.name} freezes")
        self.world.freeze(replica, on=True)
        yield self.rng.uniform(0.3, 8)
        self.world.freeze(replica, on=False)
        self.tell(f"{replica.name} thaws")

    def cut_off(self) -> Trouble:
        """A replica, or all of a cluster, loses a service."""
        replica, service = self._replica(), self.rng.choice(SERVICES)
        cluster = self.world.clusters[replica.name[0]]
        struck = [replica] if self.rng.random() < 0.6 else cluster.replicas
        self.tell(f"{', '.join(r.name for r in struck)}: cut off from {service}")
        doors = [self.world.doors[r.name][service] for r in struck]
        for door in doors:
            door.close()
        yield self.rng.uniform(0.5, 7)
        for door in doors:
            door.open()
        self.tell(f"{', '.join(r.name for r in struck)}: reaches {service} again")

    def lose(self) -> Trouble:
        """The reply of one call is lost."""
        what = self.rng.choice(WHATS)
        self.tell(f"the reply of the next {what} is lost")
        lost = LoseReply(what)
        with self._mixed(lost):
            yield 6

    def hold(self) -> Trouble:
        """One call is frozen on its way, and arrives late.

        An AllocateAddress that arrives after its intent was given up is found by its tags, and released after ten
        minutes: longer than a round. So that one is not held beyond the consistency time.
        """
        what = self.rng.choice(WHATS)
        self.tell(f"the next {what} is held")
        held = Hold(what)
        with self._mixed(held):
            yield self.rng.uniform(1, 9) if what != "AllocateAddress" else self.rng.uniform(0.1, 1.5)
            held.go.set()
            self.tell(f"{what} may go on")

    @contextmanager
    def _mixed(self, part: Interference) -> Iterator[None]:
        self.mixture.parts.append(part)
        try:
            yield
        finally:
            self.mixture.parts.remove(part)

    def late_reads(self) -> Trouble:
        """EC2's describes lag."""
        lag = self.rng.uniform(0.3, 1.5)
        self.tell(f"EC2's reads are {lag:.1f} s late")
        self.world.ec2.change_settings(read_lag_s=lag)
        yield self.rng.uniform(3, 10)
        self.world.ec2.change_settings(read_lag_s=0.0)

    def slow_ec2(self) -> Trouble:
        """EC2 takes its time."""
        self.tell("EC2 is slow")
        self.world.ec2.change_settings(latency_s=self.rng.uniform(0.1, 0.8))
        yield self.rng.uniform(2, 6)
        self.world.ec2.change_settings(latency_s=0.0)

    def short_quota(self) -> Trouble:
        """No address can be allocated for a while."""
        self.tell("the quota is used up")
        self.world.ec2.change_settings(quota=len(self.world.ec2.world().addresses))
        yield self.rng.uniform(1, 6)
        self.world.ec2.change_settings(quota=None)

    def bad_answers(self) -> Trouble:
        """Some of EC2's calls are refused, broken or lost."""
        kind = self.rng.choice(KINDS)
        code, status = self.rng.choice((("InternalError", 500), ("Unavailable", 503), ("RequestLimitExceeded", 503)))
        count = self.rng.randint(1, 4)
        self.tell(f"EC2's next {count} answers: {kind}, {code}")
        self.world.ec2.inject(Fault(kind=kind, code=code, status=status if kind == "error" else 0, count=count))
        yield 4
        self.world.ec2.clear_faults()

    def api_ends(self) -> Trouble:
        """The API server of a cluster ends, and is started again."""
        cluster = self.rng.choice(list(self.world.clusters.values()))
        self.tell(f"the API server of {cluster.name} ends")
        self.world.end_api(cluster)
        yield self.rng.uniform(0.1, 4)
        self.world.begin_api(cluster)
        self.tell(f"the API server of {cluster.name} is back")

    def forget(self) -> Trouble:
        """Old versions are compacted."""
        cluster = self.rng.choice(list(self.world.clusters.values()))
        self.tell(f"the API server of {cluster.name} forgets old versions")
        self.world.forget_versions(cluster)
        yield 0.1

    def lease_by_hand(self) -> Trouble:
        """Somebody deletes the Lease, or writes nonsense into it."""
        cluster = self.rng.choice(list(self.world.clusters.values()))
        namespace = str(self.world.settings.flags.get("lease-namespace", "kube-system"))
        path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE_NAME}"
        spec = self.rng.choice(({"holderIdentity": "somebody"}, {"holderIdentity": ""}, {"leaseTransitions": 0}, None))
        self.tell(f"the Lease of {cluster.name}: {spec or 'deleted'}")
        with suppress(UnexpectedAnswerError, urllib3.exceptions.HTTPError):
            if spec is None:
                cluster.kube.client.call("DELETE", path)
            else:
                cluster.kube.client.call("PATCH", path, {"spec": spec}, MERGE)
        yield 0.1

    def by_hand(self) -> Trouble:
        """Somebody disassociates an address of ours."""
        held = [a for a in self.world.ec2.world().addresses.values() if a.association]
        if held:
            found = self.rng.choice(held)
            assert found.association is not None
            self.tell(f"a person disassociates {found.allocation_id} from {found.association.private_ip}")
            with suppress(ControlError):
                self.world.ec2.disassociate(found.association.association_id)
        yield 0.1

    def all(self) -> list[Callable[[], Trouble]]:
        """Every kind, the common ones more than once."""
        often = [self.kill, self.term, self.freeze, self.cut_off, self.lose, self.hold]
        others = [self.late_reads, self.slow_ec2, self.short_quota, self.bad_answers, self.api_ends, self.forget]
        return [*often, *often, *others, self.lease_by_hand, self.by_hand]


class Active:
    """The troubles that go on now, and when each ends."""

    def __init__(self) -> None:
        self._active: list[tuple[float, Trouble]] = []

    def __len__(self) -> int:
        return len(self._active)

    def begin(self, trouble: Trouble) -> None:
        """Begin one; some are over at once."""
        seconds = next(trouble, None)
        if seconds is not None:
            self._active.append((time.monotonic() + seconds, trouble))

    def end_due(self, *, everything: bool = False) -> None:
        """End those whose time has come, or all."""
        now = time.monotonic()
        due = [entry for entry in self._active if everything or entry[0] <= now]
        for entry in due:
            self._active.remove(entry)
            next(entry[1], None)
