"""What a Pod asks for, read from its annotations and its state, or what is wrong with its annotations.

Nothing here depends on EC2 or on the ledger: for the same Pod the answer is always the same.
"""

from dataclasses import dataclass
from enum import Enum, auto

from controller.core import contract
from controller.core.modes import SPECS
from controller.core.views import PodView
from state.model import Mode, PodRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve:
    """The Pod has an IP and asks for an address. `pool` is the public IPv4 pool of `auto`, else the tag key."""

    mode: Mode
    pool: str
    ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The Pod asks for an address and has no IP yet."""

    mode: Mode
    pool: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """The Pod lives and asks for no address."""


class Fault(Enum):
    """The kinds of things that a Pod may ask wrongly; `core/remedies` says what helps."""

    MODE = auto()  # no mode of ours
    NO_POOL = auto()  # a mode without its pool
    POOL = auto()  # a pool that cannot be one
    FARGATE = auto()
    IPV6_ONLY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid:
    """The Pod's annotations are wrong; `why` says what is wrong and what would be right."""

    why: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Gone:
    """The Pod is gone, or its containers are: its private IP is no longer its own.

    to: the Pod that has the IP now, in words, where this Pod is still listed with it.
    """

    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproven:
    """The cache proves nothing yet: it shows no Pod, or one (`shown`) that contradicts an inherited claim."""

    shown: Nothing | Pending | Serve | None = None


Desire = Serve | Pending | Nothing | Invalid | Gone | Unproven


def desire(pod: PodView) -> Desire:
    """What this Pod, as the API server shows it, asks for."""
    if pod.finished or pod.drained:
        return Gone()
    kind = pod.annotations.get(contract.ANNOTATION_TYPE)
    if not kind:  # templates render "off" as an empty value
        return Nothing()
    wanted = _mode_and_pool(pod, kind)
    if isinstance(wanted, Invalid):
        return wanted
    return _place(pod, *wanted)


def departs(wanted: Desire, record: PodRecord) -> bool:
    """Whether this claim, or its target, would have to be given up for what the Pod asks for now."""
    match wanted:
        case Nothing():
            return True
        case Pending(mode=mode, pool=pool):
            return (mode, pool) != (record.mode, record.pool)
        case Serve(mode=mode, pool=pool, ip=ip):
            moved = record.target is not None and record.target.private_ip != ip
            return moved or (mode, pool) != (record.mode, record.pool)
    return False


def _mode_and_pool(pod: PodView, kind: str) -> tuple[Mode, str] | Invalid:
    mode = next((mode for mode in Mode if mode == kind), None)
    if mode is None:
        wrong = f"{contract.quoted(kind)} is not a mode; it is one of {', '.join(Mode)}"
        return Invalid(why=f"annotation {contract.ANNOTATION_TYPE}: {wrong}", fault=Fault.MODE)
    spec = SPECS[mode]
    pool = pod.annotations.get(spec.annotation) or spec.default_pool
    if not pool:
        return Invalid(
            why=f"mode {mode} needs the annotation {spec.annotation}, with the tag key of the addresses",
            fault=Fault.NO_POOL,
        )
    bad = spec.pool_fault(pool)
    return Invalid(why=f"annotation {spec.annotation}: {bad}", fault=Fault.POOL) if bad else (mode, pool)


def _place(pod: PodView, mode: Mode, pool: str) -> Desire:
    if pod.fargate:
        return Invalid(
            why="a Fargate Pod runs in a private subnet, where an Elastic IP does not route; use a node",
            fault=Fault.FARGATE,
        )
    if pod.ipv6_only:
        return Invalid(
            why="the Pod has IPv6 addresses only, and an Elastic IP is an IPv4 address",
            fault=Fault.IPV6_ONLY,
        )
    return Serve(mode=mode, pool=pool, ip=pod.ip) if pod.ip else Pending(mode=mode, pool=pool)


def wanted_labels(pod: PodView, mode: Mode, public_ip: str) -> dict[str, str]:
    """The labels of this Pod when it is served.

    The pool's label repeats the annotation, and is left out where there is none: the Go controller compares the two
    when it starts, and serves a Pod anew where they differ.
    """
    labels = {contract.LABEL_PUBLIC_IP: public_ip, contract.LABEL_TYPE: str(mode)}
    pool = pod.annotations.get(SPECS[mode].annotation)
    if pool and contract.is_label_value(pool):
        labels[SPECS[mode].label] = pool
    return labels


def unfit_for_label(pod: PodView, mode: Mode) -> str | None:
    """The pool that the Pod names, if that is no legal label value."""
    pool = pod.annotations.get(SPECS[mode].annotation, "")
    return None if contract.is_label_value(pool) else pool


def label_patch(pod: PodView, wanted: dict[str, str]) -> dict[str, str | None]:
    """What has to change for the Pod to carry exactly these of our labels; empty if nothing."""
    patch: dict[str, str | None] = {key: None for key in contract.LABELS if key in pod.labels and key not in wanted}
    patch.update({key: value for key, value in wanted.items() if pod.labels.get(key) != value})
    return patch
