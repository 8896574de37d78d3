"""Whether what a Pod shows of its address has to change: our labels, and its readiness condition."""

from controller.core import contract
from controller.core.actions import Label, Plan, Unlabel, Wait, WaitReason
from controller.core.desire import Nothing, label_patch, wanted_labels
from controller.core.situation import Situation
from state.model import PodRecord


def put_on(s: Situation, record: PodRecord) -> Plan:
    """Make a served Pod show this claim's address, if it does not; not while its labels are left to rest."""
    if s.pod is None or record.public_ip is None:
        return ()
    wanted = wanted_labels(s.pod, record.mode, record.public_ip)
    unready = s.pod.gated and s.pod.condition != "True"
    if not label_patch(s.pod, wanted) and not unready:
        return ()
    return (Wait(reason=WaitReason.LABELS),) if s.labels_paused else (Label(mode=record.mode),)


def take_off(s: Situation) -> Plan:
    """Take off what says "associated", if there is a Pod that wears it."""
    if s.pod is None:
        return ()
    return (Unlabel(),) if label_patch(s.pod, {}) or s.pod.condition == "True" else ()


def take_off_unserved(s: Situation) -> Plan:
    """A label that says "associated" on a Pod that is not served: left over, or copied from a manifest.

    On a Pod that asks for nothing no label of ours has a reason.
    """
    if s.pod is None or s.labels_paused:
        return ()
    stale = contract.LABEL_PUBLIC_IP in s.pod.labels or (isinstance(s.desire, Nothing) and s.pod.labels)
    return take_off(s) if stale else ()
