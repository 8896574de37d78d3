"""What is said of the cluster: other controllers, names, pools without addresses, its nodes, and SNAT."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from controller.core.contract import quoted
from controller.core.desire import Pending, Serve, desire
from controller.core.diagnosis.finding import Check, Finding, broken, fine, listed, not_looked_at, warning
from controller.core.diagnosis.rights import ALLOWED, DENIED, Tried
from controller.core.modes import SPECS
from controller.core.pools import carries
from controller.core.scopes import in_the_way, namesakes
from controller.core.views import Address, PodView
from state.model import InstallKey, InstallRecord

EXTERNAL: Final = "AWS_VPC_K8S_CNI_EXTERNALSNAT"
EXCLUDED: Final = "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What the VPC CNI takes for true (Go's strconv.ParseBool)."""
COMPUTE_TYPE: Final = "eks.amazonaws.com/compute-type"
AUTO_MODE, FARGATE = f"{COMPUTE_TYPE}=auto", f"{COMPUTE_TYPE}=fargate"
_KEEP_OFF: Final = "Keep Pods that ask for an address off them: node affinity on eks.amazonaws.com/compute-type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """A Deployment that is this program, or the Go controller (`upstream`). `lease`: NAMESPACE/NAME of its Lease."""

    name: str
    lease: str
    upstream: bool
    replicas: int


def of_controllers(found: Sequence[Controller], own_lease: str, *, pre: bool) -> Iterator[Finding]:
    """Whether others do the same work in this cluster."""
    check, running = Check.CONTROLLERS, [controller for controller in found if controller.replicas]
    others = [controller for controller in running if controller.upstream]
    for other in others:
        text = f"the Go controller runs as {other.name}: both would give addresses to the same Pods"
        advice = "Upgrade that release in place with this chart, or uninstall it first; its addresses stay"
        yield warning(check, text, advice) if pre else broken(check, text, advice)
    ours = [controller for controller in running if not controller.upstream]
    same = [controller.name for controller in ours if controller.lease == own_lease]
    if pre and ours:
        yield warning(check, f"this controller runs already, as {listed(c.name for c in ours)}", _SCOPES)
    elif len(same) > 1:
        yield warning(check, f"{listed(same)} compete for one Lease, {own_lease}: only one of them serves", _SCOPES)
    elif not others:
        yield fine(check, "no other controller gives addresses to the Pods of this cluster")


_SCOPES: Final = "Give each install a Lease of its own, and a --watch-namespace that overlaps with no other's"


def of_installs(own: InstallKey, name: str, scope: str, installs: Sequence[InstallRecord]) -> Iterator[Finding]:
    """Whether another cluster in the table has this one's name, or another install of it watches the same."""
    check = Check.CLUSTER_NAME
    twins = namesakes(own.cluster_uid, name, installs)
    rivals = [record for record in in_the_way(own, scope, installs) if not record.fenced]
    if twins:
        text = f"{listed(sorted(twins))} in this table has the name {quoted(name)} too; what people see is ambiguous"
        yield warning(check, text, "Give each cluster a --cluster-name of its own")
    for rival in rivals:
        text = f"the install {rival.key.install} of this cluster watches the same namespaces: only one of the two leads"
        yield warning(check, text, _SCOPES)
    if not twins and not rivals:
        yield fine(check, f"no other cluster in this table has the name {quoted(name)}")


def of_pools(pods: Sequence[PodView], addresses: Collection[Address]) -> Iterator[Finding]:
    """Whether addresses carry the tag keys that Pods ask for."""
    asked: dict[str, list[str]] = {}
    for pod in pods:
        wanted = desire(pod)
        if isinstance(wanted, Serve | Pending) and not SPECS[wanted.mode].allocates:
            asked.setdefault(wanted.pool, []).append(f"{pod.namespace}/{pod.name}")
    empty = {key: who for key, who in asked.items() if not any(carries(a, key) for a in addresses)}
    for key, who in sorted(empty.items()):
        text = f"no address carries the tag {quoted(key)}, which {_ask_for(who)}"
        yield warning(Check.POOLS, text, "Tag addresses with this key, or mend the annotation: case counts")
    if not empty:
        yield fine(Check.POOLS, f"addresses carry each tag that Pods ask for ({len(asked)})")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A Node: its EC2 instance ("": none), and its label eks.amazonaws.com/compute-type, `KEY=VALUE`."""

    name: str
    instance_id: str = ""
    compute: str = ""


def of_nodes(
    nodes: Sequence[NodeView], asking: Mapping[str, str], on_auto_mode: Tried | None = None
) -> Iterator[Finding]:
    """Whether Pods can have an address on these nodes. `asking`: of each Pod that asks for one, its node.

    `on_auto_mode`: the answer to a dry run of AssociateAddress on a node of Auto Mode.

    Fargate runs Pods in private subnets only (EKS user guide). On Auto Mode's nodes AWS is reported to deny
    AssociateAddress by a policy of its own (aws/containers-roadmap issue 2834); AWS's pages do not say so.
    """
    kinds = {kind: {node.name for node in nodes if node.compute == kind} for kind in (AUTO_MODE, FARGATE)}
    for kind, why in _UNFIT.items():
        names = kinds[kind]
        on_them = [pod for pod, node in asking.items() if node in names]
        if names:
            seen = _seen(on_auto_mode) if kind == AUTO_MODE else ""
            concerned = f"; {_ask_for(on_them)} an address there" if on_them else ""
            yield warning(Check.NODES, f"{len(names)} of {len(nodes)} nodes are {why}{seen}{concerned}", _KEEP_OFF)
    odd = [n.name for n in nodes if not n.instance_id and n.compute not in (AUTO_MODE, FARGATE)]
    if odd:
        yield warning(Check.NODES, f"{listed(odd)} is no EC2 instance: a Pod there has no interface for an address")
    elif not any(kinds.values()):
        yield fine(Check.NODES, f"all {len(nodes)} nodes are EC2 instances that are not managed by Auto Mode")


def _seen(tried: Tried | None) -> str:
    if tried is None:
        return ""
    if tried.code in DENIED:
        return ", and a dry run is denied here too"
    return ", but a dry run is not denied here" if tried.code in ALLOWED else ""


_UNFIT: Final = {
    AUTO_MODE: "EKS Auto Mode's: users report that AWS denies AssociateAddress on their interfaces",
    FARGATE: "Fargate's: they are in private subnets, where an Elastic IP does not route",
}


def of_egress(env: Mapping[str, str] | None) -> Finding:
    """By which address the traffic that a Pod begins leaves. `env`: of the VPC CNI's DaemonSet; None: there is none.

    By default the VPC CNI changes the source of traffic to outside of the VPC to the primary private IP of the node, so
    that it leaves with the node's public address (EKS user guide, "Enable outbound internet access for Pods").
    AWS_VPC_K8S_CNI_RANDOMIZESNAT chooses ports, and not addresses.
    """
    check = Check.EGRESS
    if env is None:
        return not_looked_at(check, "there is no DaemonSet kube-system/aws-node, so another CNI decides, or Auto Mode")
    excluded = [cidr for part in env.get(EXCLUDED, "").split(",") if (cidr := part.strip())]
    if env.get(EXTERNAL, "") in _TRUE or "0.0.0.0/0" in excluded:
        return fine(check, "traffic that a Pod begins leaves by its own address, in a subnet with an Internet gateway")
    but = f", but for {listed(excluded)}" if excluded else ""
    text = f"traffic that a Pod begins leaves by its node's address, not by the Pod's{but}; what comes in is answered"
    return warning(check, text, f"If that matters, set {EXTERNAL}=true on the DaemonSet aws-node; it changes more")


def _ask_for(pods: Collection[str]) -> str:
    return f"{listed(sorted(pods))} {'asks' if len(pods) == 1 else 'ask'} for"
