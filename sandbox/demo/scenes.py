"""What the demo's world is made of, and who appears in its story: the only place with the story's numbers.

Nothing here says how it should end; the judge counts that from the world.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.core import contract
from sandbox.world import ClusterSettings, WorldSettings

AUTO, FIXED, OWN = "auto", "fixed-tag", "fixed-tag-value"
MODES = (AUTO, FIXED, OWN)
POOL_TAG, OWN_TAG = "demo-pool", "demo-owner"
POOL_SIZE = 24
LEASE_NAMESPACE, LEASE_NAME = "kube-system", "aws-pod-eip-controller"
LEASE_S = 15.0
COOL_DOWN_S = 30.0  # how long the VPC CNI keeps an IP back after its Pod has gone (amazon-vpc-cni-k8s, cool-down)
CONSISTENCY_S = 3.0  # this EC2's reads never lag; the default of 60 s is for the real one
EC2_LATENCY_S = 0.08
STRETCH = 12
ROW_NODE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A Pod of the story; `mode` is empty for one that asks for nothing."""

    cluster: str
    namespace: str
    name: str
    mode: str

    @property
    def full_name(self) -> str:
        """`namespace/name`, as tags have it."""
        return f"{self.namespace}/{self.name}"

    @property
    def annotations(self) -> dict[str, str]:
        """What its author would write."""
        if not self.mode:
            return {}
        more = {FIXED: {contract.ANNOTATION_FIXED_TAG: POOL_TAG}, OWN: {contract.ANNOTATION_FIXED_TAG_VALUE: OWN_TAG}}
        return {contract.ANNOTATION_TYPE: self.mode, **more.get(self.mode, {})}


def parts(cluster: str, namespace: str, auto: int = 0, fixed: int = 0, own: int = 0) -> tuple[Part, ...]:
    """So many Pods of each mode."""
    wanted = ((AUTO, "auto", auto), (FIXED, "pool", fixed), (OWN, "own", own))
    return tuple(
        Part(cluster=cluster, namespace=namespace, name=f"{short}-{number}", mode=mode)
        for mode, short, count in wanted
        for number in range(1, count + 1)
    )


SHOP = parts("a", "shop", auto=3, fixed=3, own=2)
ONE_BY_ONE_POOL = parts("a", "row", fixed=STRETCH)
ONE_BY_ONE_OWN = parts("a", "row", own=STRETCH)
RUSH = parts("a", "rush", auto=3, fixed=3, own=2)
SALE = parts("a", "sale", auto=2, fixed=2, own=2)
STRANGERS_A = (
    Part(cluster="a", namespace="strangers", name="plain", mode=""),
    Part(cluster="a", namespace="strangers", name="pool", mode=FIXED),
)
GAMES = parts("b", "games", auto=3, fixed=3, own=2)
ONE_BY_ONE_AUTO = parts("b", "row", auto=STRETCH)
NIGHT = parts("b", "night", auto=1, fixed=1, own=1)
STRANGERS_B = (
    Part(cluster="b", namespace="strangers", name="plain", mode=""),
    Part(cluster="b", namespace="strangers", name="auto", mode=AUTO),
)
EVERYBODY = (
    *SHOP,
    *ONE_BY_ONE_POOL,
    *ONE_BY_ONE_OWN,
    *RUSH,
    *SALE,
    *STRANGERS_A,
    *GAMES,
    *ONE_BY_ONE_AUTO,
    *NIGHT,
    *STRANGERS_B,
)


def own_tags(everybody: Iterable[Part]) -> list[dict[str, str]]:
    """The tags of the addresses that were set aside for Pods by name."""
    return [{OWN_TAG: part.full_name} for part in everybody if part.mode == OWN]


def settings() -> WorldSettings:
    """Three replicas for `a`, two for `b`, one EC2, one table."""
    return WorldSettings(
        clusters=(ClusterSettings(name="a", replicas=3, nodes=3), ClusterSettings(name="b", replicas=2, nodes=3)),
        ec2={"latency_s": EC2_LATENCY_S},
        kubelet_seconds=1.0,
        flags={"consistency-time": f"{CONSISTENCY_S:g}"},
    )
