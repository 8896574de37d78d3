"""Asks the API server for a Pod that the cache does not show, or that contradicts its claim in the cache.

A cache does not prove that a Pod is gone. An address is taken away only after an answer here, or after the watch
reported the deletion.
"""

from controller.core.desire import Desire, Unproven, desire
from controller.core.ports import Pods
from controller.core.sweep import is_orphan
from controller.core.views import PodView
from controller.engine.memory import PodProgress
from state.errors import Unavailable
from state.model import PodRecord


def confirm(pods: Pods, mine: PodProgress, record: PodRecord, asked: Desire) -> None:
    """Ask for the Pod, and remember what is proven of it. Raises Unavailable where only the cache is behind."""
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
    """Whether an uncached GET proves it gone: no such Pod, another UID under its name, or all containers have ended."""
    if found is None or found.finished or found.drained:
        return True
    if is_orphan(record.uid):
        return record.target is None or found.ip != record.target.private_ip
    return found.uid != record.uid
