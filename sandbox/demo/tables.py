"""The picture of the world as rich tables: both clusters with their leaders, and every Pod with its address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from sandbox.demo.cast import Life
from sandbox.demo.watcher import Picture, PodRow

_STYLES = {"served": "green", "associated": "cyan", "claimed": "cyan", "waiting": "yellow", "none asked": "dim"}
_CONDITIONS = {"runs": "green", "down": "red", "not started": "dim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PodState:
    """A Pod and what stands behind it: in EC2, in the table, on its label."""

    row: PodRow
    address: str
    owner: str
    word: str


def states(picture: Picture, lives: Sequence[Life]) -> list[PodState]:
    """Every Pod of the picture."""
    targets = {life.uid: life.target for life in lives}
    at = {(a.association.interface_id, a.association.private_ip): a for a in picture.addresses if a.association}
    names = {life.uid: life.part.full_name for life in lives}
    public = {a.allocation_id: a.public_ip for a in picture.addresses}
    found = []
    for row in picture.pods:
        there = at.get(targets.get(row.uid, ("", "")))
        claimed = picture.ledger.address_of.get(row.uid, "")
        address = there.public_ip if there else ""
        owner = _owner(picture, there.allocation_id if there else claimed, row.uid, names)
        word = _word(row, address, bool(claimed))
        found.append(PodState(row=row, address=address or public.get(claimed, ""), owner=owner, word=word))
    return found


def _word(row: PodRow, address: str, claimed: bool) -> str:
    if not row.mode:
        return "stranger's address!" if address else "none asked"
    if row.label:
        return "served" if row.label == address else "label is stale"
    return "associated" if address else "claimed" if claimed else "waiting"


def _owner(picture: Picture, allocation_id: str, uid: str, names: Mapping[str, str]) -> str:
    owner = picture.ledger.owner_of.get(allocation_id, "")
    if not owner:
        return ""
    who = "✓" if owner == uid else names.get(owner, "another Pod")
    return f"{who} epoch {picture.ledger.epoch_of.get(allocation_id, 0)}"


def clusters(picture: Picture) -> Table:
    """A line for each cluster: its leader, the epoch, its replicas."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("cluster", "leader", "epoch", "replicas"):
        table.add_column(name)
    for cluster, lease in picture.leases.items():
        replicas = Text("  ").join(
            Text(f"{name} {'leads' if name == lease.holder and how == 'runs' else how}", style=_CONDITIONS[how])
            for name, how in picture.replicas.items()
            if name.startswith(cluster)
        )
        table.add_row(cluster, Text(lease.holder or "nobody", style="bold"), str(lease.epoch), replicas)
    return table


def pods(picture: Picture, lives: Sequence[Life], limit: int) -> Table:
    """The Pods, at most so many: the youngest. ✓ where the table names this Pod as the address's owner, and the epoch
    of its claim.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style="dim", show_edge=False)
    for name in ("Pod", "mode", "private IP", "Elastic IP", "DynamoDB", ""):
        table.add_column(name, no_wrap=True)
    age = {life.uid: life.began for life in lives}
    youngest = sorted(states(picture, lives), key=lambda s: age.get(s.row.uid, 0.0))[-limit:]
    for state in sorted(youngest, key=lambda s: (s.row.cluster, age.get(s.row.uid, 0.0))):
        row, style = state.row, _STYLES.get(state.word, "bold red")
        word = Text(state.word, style=style)
        table.add_row(f"{row.cluster}: {row.full_name}", row.mode, row.ip, state.address, state.owner, word)
    return table
