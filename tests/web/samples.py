"""A status document with something of everything, some of it hostile."""

from dataclasses import asdict
from typing import Any

from controller.core.explain import NO_SUCH_POD, Explanation, Source, Verdict, unknown
from controller.core.hangs import Waits
from controller.core.quota import AccountQuota
from controller.core.status import (
    AnsweredBy,
    ClusterStatus,
    HolderStatus,
    LeaderStatus,
    PodStatus,
    PolicyStatus,
    PoolStatus,
    RecentError,
    ReplicaStatus,
    ShownPhase,
    Status,
)

HOSTILE = "<img src=x onerror=\"document.title='owned'\">\x1b[31m"


def status() -> Status:
    """One Pod in each phase, two pools, two clusters."""
    pods = tuple(
        PodStatus(
            namespace="games",
            name=f"server-{number}",
            uid=f"uid-{number}",
            mode=("auto", "fixed-tag", "fixed-tag-value")[number % 3],
            phase=phase,
            public_ip=f"198.51.100.{number}" if phase in ("claimed", "associated") else None,
            private_ip=f"10.0.0.{number}",
            allocation_id=f"eipalloc-{number}",
            since="2026-01-01T00:00:00Z",
            error=f"AddressLimitExceeded: {HOSTILE}" if phase == "invalid" else None,
            node="ip-10-0-0-7.ec2.internal",
            created="2026-01-01T00:00:00Z",
            attempts=number,
            next_try="2026-01-01T00:00:30Z" if phase == "waiting" else None,
            trace_id="0af7651916cd43dd8448eb211c80319c",
        )
        for number, phase in enumerate(ShownPhase)
    )
    holder = HolderStatus(public_ip="198.51.100.9", cluster="b", pod="games/other-0")
    return Status(
        cluster="a",
        identity="eip-7d9f-x1_6f0c",
        version="0.1.0",
        as_of="2026-01-01T00:00:00Z",
        leader=LeaderStatus(identity="eip-7d9f-x1_6f0c", is_me=True, epoch=7, since="2026-01-01T00:00:00Z"),
        pods=pods,
        pools=(
            PoolStatus(
                tag_key="game-ips", total=4, free=1, waiting=2, longest_wait_s=75, named=True, holders=(holder,)
            ),
            PoolStatus(tag_key='odd"key\\', total=0, free=0, waiting=0, named=True),
        ),
        contested=0,
        left_alone=(),
        replicas=(ReplicaStatus(identity=HOSTILE, leads=True, ready=True, node=HOSTILE, seen_s=3.0),),
        answered_by=AnsweredBy(identity="eip-7d9f-x1_6f0c", leads=True),
        errors=(RecentError(at="2026-01-01T00:00:00Z", where="Associate", code="X", text=HOSTILE, count=3),),
        waits=Waits(watch_silent_s=12.5, writer_waiting_s=0.2, term_beginning_s=3.0, credentials_expire_s=3600.0),
        policy=PolicyStatus(default="deny", rules=2, limits=1, error=HOSTILE),
        quota=AccountQuota(used=7, allowed=10, kept=2, trouble="RequestLimitExceeded"),
        clusters=(
            ClusterStatus(uid="0f3c", name="b", silent_s=12.5, addresses=3, waiting=1, install="kube-system/eip"),
        ),
    )


def explanation(namespace: str, name: str) -> dict[str, Any]:
    """A Pod that waits, for a hostile reason; one that is called `nobody` is not known."""
    source = Source(identity="eip-7d9f-x1_6f0c", leads=True, cluster="a", as_of="2026-01-01T00:00:00Z")
    if name == "nobody":
        return unknown(namespace, name, NO_SUCH_POD, source).to_json()
    found = Explanation(
        namespace=namespace,
        name=name,
        uid="uid-1",
        verdict=Verdict.WAITING,
        reason="POOL",
        summary=f"The Pod waits: {HOSTILE}",
        asks=("The Pod asks for any address", HOSTILE),
        next_try="The Pod is planned anew in 3 s",
        remedy=("Tag an address",),
        plan=("Wait",),
        answered_by=source,
    )
    return asdict(found)


def pods(count: int) -> tuple[PodStatus, ...]:
    """So many Pods that have their address."""
    return tuple(
        PodStatus(
            namespace=f"games-{number % 40}",
            name=f"server-{number}",
            uid=f"8b0c1f6e-6f0b-4c55-9d0a-{number:012d}",
            mode="auto",
            phase=ShownPhase.ASSOCIATED,
            public_ip=f"198.18.{number // 250}.{number % 250}",
            private_ip=f"10.1.{number // 250}.{number % 250}",
            allocation_id=f"eipalloc-{number:017x}",
            since="2026-01-01T00:00:00Z",
        )
        for number in range(count)
    )
