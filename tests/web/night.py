"""A status document as an operator may find it at night: 3,000 Pods, of which some need somebody."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.core.actions import Wait
from controller.core.desire import Serve
from controller.core.explain import NO_SUCH_POD, Progress, Source, explain, unknown
from controller.core.plan import plan
from controller.core.requeue_rules import WokenBy
from controller.core.situation import Facts, Lack, NoOffer, Placed, Situation
from controller.core.views import PodView
from state.model import ClusterUid, InstallKey, InterfaceId, Mode, Target

PODS = 3000
EMPTY_POOL = "pool 'game-ips' has no free address: its addresses are held by games-eu (40); waiting for one to get free"
WRONG = (
    "annotation aws-samples.github.com/aws-pod-eip-controller-type: 'fixed' is not a mode; it is one of auto, "
    "fixed-tag, fixed-tag-value"
)
DENIED = "the policy denies mode auto in namespace batch: rule 2"
THROTTLED = "AssociateAddress: RequestLimitExceeded: Request limit exceeded"
LEADER, STANDBY = "eip-7c9d5b8f6d-4kq2x_1f0a", "eip-7c9d5b8f6d-w8zlm"
UP = {"ready": True, "restarts": 0, "seen_s": 6.4}
TRACE = "0af7651916cd43dd8448eb211c80319c"


def night(count: int = PODS, now: datetime | None = None) -> dict[str, Any]:
    """The document; `now` is when it is taken."""
    moment = now or datetime.now(UTC)
    return {
        "cluster": "games-eu",
        "identity": LEADER,
        "version": "0.1.0",
        "as_of": text(moment),
        "answered_by": {"identity": LEADER, "leads": True, "age_s": 0.0, "note": ""},
        "leader": {"identity": LEADER, "is_me": True, "epoch": 14, "since": text(moment - timedelta(hours=7))},
        "replicas": [
            {"identity": LEADER.partition("_")[0], "leads": True, **UP, "node": "ip-10-0-3-17.ec2.internal"},
            {"identity": STANDBY, "leads": False, **UP, "node": "ip-10-0-7-90.ec2.internal"},
        ],
        "pods": [pod(number, moment) for number in range(count)],
        "pools": pools(),
        "clusters": [
            cluster("games-us", "1c1f0d52-6c1e-4a4e-9a0e-0d9a7f6f2b11", 12.0, 36),
            cluster("games-staging", "8f4b2f04-94c7-4a9d-8a35-7f2b9a1d5c60", 5400.0, 4),
        ],
        "policy": {
            "default": "deny",
            "rules": 6,
            "limits": 2,
            "since": text(moment - timedelta(days=3)),
            "error": None,
        },
        "quota": {"used": 2988, "allowed": 3100, "kept": 10, "trouble": ""},
        "contested": 0,
        "left_alone": [
            "198.51.100.77 (eipalloc-0b7f3a21c9d04e877): its tags name this cluster, no item of the table does"
        ],
        "waits": {
            "watch_silent_s": 2.1,
            "writer_waiting_s": 0.0,
            "term_beginning_s": 0.0,
            "credentials_expire_s": 13000.0,
        },
        "errors": [
            {
                "at": text(moment - timedelta(minutes=2)),
                "where": "Associate",
                "code": "RequestLimitExceeded",
                "text": THROTTLED,
                "count": 41,
            },
        ],
    }


def cluster(name: str, uid: str, silent_s: float, addresses: int) -> dict[str, Any]:
    """An install of another cluster."""
    install = "kube-system/aws-pod-eip-controller"
    more = {"install": install, "waiting": 0, "same_name": False}
    return {"uid": uid, "name": name, "silent_s": silent_s, "addresses": addresses, **more}


def pools() -> list[dict[str, Any]]:
    """One that is used up, and one that is not."""
    held = [
        {"public_ip": f"203.0.113.{number}", "cluster": "games-eu", "pod": f"lobby/room-{number}"}
        for number in range(40)
    ]
    more: dict[str, Any] = {"longest_wait_s": 0, "named": True, "holders": []}
    return [
        {"tag_key": "eip/turn", "total": 8, "free": 3, "waiting": 0, **more},
        {"tag_key": "game-ips", "total": 40, "free": 0, "waiting": 7, **more, "longest_wait_s": 1260, "holders": held},
    ]


def pod(number: int, now: datetime) -> dict[str, Any]:
    """Most have their address. The numbers below a dozen and a bit are those who have not."""
    since = now - timedelta(minutes=3 + number % 5000)
    row: dict[str, Any] = {
        "namespace": f"shard-{number % 24:02}",
        "name": f"server-{number}",
        "uid": f"8b0c1f6e-6f0b-4c55-9d0a-{number:012d}",
        "mode": "auto",
        "phase": "associated",
        "public_ip": f"198.18.{number // 250}.{number % 250 + 1}",
        "private_ip": f"10.1.{number // 250}.{number % 250 + 1}",
        "allocation_id": f"eipalloc-{number:017x}",
        "since": text(since),
        "error": None,
        "node": f"ip-10-1-{number % 90}-17.eu-central-1.compute.internal",
        "created": text(since - timedelta(minutes=1)),
        "attempts": 0,
        "next_try": None,
        "trace_id": f"{number:032x}",
        "pool": "amazon",
    }
    return {**row, **trouble(number, now)}


def trouble(number: int, now: datetime) -> Mapping[str, Any]:
    """What is different about a Pod that has no address."""
    none = {"public_ip": None, "allocation_id": None}
    soon = text(now + timedelta(seconds=40))
    if number < 7:
        waits = {"mode": "fixed-tag", "phase": "waiting", "error": EMPTY_POOL, "pool": "game-ips"}
        return {
            "namespace": "lobby",
            "name": f"lobby-{40 + number}",
            **waits,
            **none,
            "next_try": soon,
            "trace_id": TRACE,
        }
    if number == 7:
        return {
            "namespace": "tools",
            "name": "probe-x7k2p",
            "mode": "fixed",
            "phase": "invalid",
            "error": WRONG,
            **none,
        }
    if number == 8:
        return {"namespace": "batch", "name": "crawler-0", "phase": "refused", "error": DENIED, **none}
    if number < 12:
        return {"phase": "claimed", "error": THROTTLED, "attempts": number - 8, "next_try": soon}
    if number < 14:
        return {"phase": "pending", **none, "private_ip": None}
    if number == 14:
        return {"phase": "releasing"}
    if number < 55:
        held = {"mode": "fixed-tag", "pool": "game-ips", "public_ip": f"203.0.113.{number - 15}"}
        return {"namespace": "lobby", "name": f"room-{number - 15}", **held}
    return {}


def explanation(namespace: str, name: str) -> dict[str, Any]:
    """What the product says of a Pod of the lobby that waits; of others it knows nothing here."""
    source = Source(identity=LEADER, leads=True, cluster="games-eu")
    number = int(name.removeprefix("lobby-")) - 40 if re.fullmatch(r"lobby-4[0-6]", name) else None
    if number is None or namespace != "lobby":
        return unknown(namespace, name, NO_SUCH_POD, source).to_json()
    row = pod(number, datetime.now(UTC))
    view = PodView(uid=row["uid"], namespace=namespace, name=name, ip=row["private_ip"], node=row["node"])
    install = InstallKey(cluster_uid=ClusterUid("c"), lease_namespace="kube-system", lease_name="eip")
    situation = Situation(
        uid=view.uid,
        desire=Serve(mode=Mode.FIXED_TAG, pool=row["pool"], ip=view.ip),
        facts=Facts(install=install, cluster_name="games-eu", home_border_group="eu-central-1"),
        pod=view,
        placement=Placed(target=Target(interface_id=InterfaceId("eni-0c1f6e2b9d0a4c557"), private_ip=view.ip)),
        offer=NoOffer(why=EMPTY_POOL, lack=Lack.HELD),
    )
    known = Progress(next_s=9.0, woken_by=frozenset({WokenBy.POOL}), waiting_s=310.0)
    steps = tuple(step for step in plan(situation) if isinstance(step, Wait))
    return explain(situation, steps, known, source).to_json()


def text(moment: datetime) -> str:
    """RFC 3339, as the document has it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def put(path: Path, status: Mapping[str, Any]) -> None:
    """Let the stand-in replica answer this from now on: never half of it."""
    half = path.with_suffix(".half")
    half.write_text(json.dumps(status))
    half.rename(path)
