"""What the API server itself says of a Pod that the cache does not show, or shows otherwise than its claim says.

A cache proves nothing about an absence. Only what is learnt here, or what the watch reported, takes an address away.
"""

from controller.core.desire import Desire, Unproven, desire
from controller.core.ports import Pods, PodView
from controller.core.sweep import is_orphan
from controller.engine.memory import PodMemory
from state.errors import Unavailable
from state.model import PodRecord


def confirm(pods: Pods, mine: PodMemory, record: PodRecord, asked: Desire) -> None:
    """Ask for the Pod, and remember what is proven of it. Raises Unavailable where the cache is merely behind."""
    found = pods.fetch(record.namespace, record.name)
    shown = asked.shown if isinstance(asked, Unproven) else None
    if shown is None:
        mine.gone = _is_gone(record, found)
    elif found is not None and found.uid == record.uid and desire(found) == shown:
        mine.proven = shown
        return
    if not mine.gone:
        raise Unavailable("the API server has the Pod, the cache does not show it yet", code="CacheBehind")


def _is_gone(record: PodRecord, found: PodView | None) -> bool:
    """What an uncached GET proves: no such Pod, another one of that name, or one whose containers have ended."""
    if found is None or found.finished or found.drained:
        return True
    if is_orphan(record.uid):
        return record.target is None or found.ip != record.target.private_ip
    return found.uid != record.uid
