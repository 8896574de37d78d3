"""Whether a network interface is the Pod's own, because an IP is no identity.

A private IP can be on another machine's interface as soon as the old interface is gone, while the API server still
lists the Pod. An Elastic IP there would make a stranger's machine public. So an interface counts as the Pod's own only
if it is attached to the instance of the Pod's Node, or if it is the branch interface that the Pod's annotation names.

Pods of a Node without an EC2 instance in its `spec.providerID` have no interface of their own in this sense. EKS writes
that field for every instance; without it nothing proves whose the interface is (docs/limits.md).
"""

from controller.core.contract import quoted
from controller.core.situation import Foreign, Placed
from controller.core.views import PodView


def judge(pod: PodView, placed: Placed, instance_id: str | None) -> Placed | Foreign:
    """The place where the Pod's IP was found, or why it is not the Pod's; `instance_id` is its Node's."""
    if is_own(pod, placed, instance_id):
        return placed
    return Foreign(target=placed.target, why=_why_not(pod, placed, instance_id), nameless=instance_id is None)


def is_own(pod: PodView, placed: Placed, instance_id: str | None) -> bool:
    """Whether this interface is the Pod's branch interface, or its Node's. A branch interface has no attachment."""
    branch = placed.instance_id is None and placed.target.interface_id in pod.branch_interfaces
    return branch or (instance_id is not None and placed.instance_id == instance_id)


def has_strayed(shown: str | None, instance_id: str | None) -> bool:
    """Whether EC2 shows an association on another instance than the Node's; False where either is not known."""
    return shown is not None and instance_id is not None and shown != instance_id


def _why_not(pod: PodView, placed: Placed, instance_id: str | None) -> str:
    where = f"private IP {placed.target.private_ip} is on interface {placed.target.interface_id}"
    if instance_id is None:
        nameless = f"Node {quoted(pod.node)} names no EC2 instance (spec.providerID)"
        return f"{where}, but {nameless}, so nobody can tell whose it is"
    attached = f"instance {placed.instance_id}" if placed.instance_id else "no instance"
    return f"{where}, which is attached to {attached} and not to the Pod's node ({pod.node}, {instance_id})"
