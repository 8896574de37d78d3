"""Where the Pods of a tick are: on which interface EC2 has their IPs, and whether that interface is their own.

For a Pod whose association stands as the ledger says no interface is looked up: only the instance is compared, which
DescribeAddresses shows. What is not known becomes a need of the Pod; no API is called here.
"""

from controller.core.desire import Serve
from controller.core.ownership import has_strayed, judge
from controller.core.ports import Clock, Pods
from controller.core.situation import Foreign, Placed, Unplaced
from controller.core.views import Association, PodView
from controller.engine.ec2view import AddressView
from controller.engine.lookups import Kind, Lookup
from controller.engine.memory import TermMemory
from controller.engine.placement import NEVER, Placements
from controller.engine.pod_input import PodInput
from state.model import AllocationId

PLACE_FRESH_S = 1.0
"""How old a look at an interface may be, in seconds, for the interface to count as another's."""
SHARED_S = 8.0
"""A look at an interface also serves the Pods that get one of its IPs within so many seconds after it."""
NODE_KEPT_S = 60.0
"""How old, in seconds, a reading of a Node may be."""
NODE_FRESH_S = 5.0
"""The same, for an interface to count as another's: a Node can be made anew under its name."""

_Age = tuple[Kind, float]
_EVER: _Age = ("nodes", float("inf"))
_KNOWN: _Age = ("nodes", NODE_KEPT_S)
_FRESH: _Age = ("fresh nodes", NODE_FRESH_S)


class Locator:
    """Locates the Pods of one term; used by the loop's thread alone."""

    def __init__(
        self, *, pods: Pods, view: AddressView, placements: Placements, memory: TermMemory, clock: Clock
    ) -> None:
        self._pods, self._view, self._placements = pods, view, placements
        self._memory, self._clock = memory, clock

    def locate(self, pod_input: PodInput) -> Lookup | None:
        """Find the Pod's place and note it in the input; or return what has to be looked up first."""
        if not isinstance(pod_input.desire, Serve) or pod_input.pod is None:
            return None
        stands = pod_input.served and not self._dropped(pod_input)
        found: Placed | Foreign | Unplaced = self._placements.place(pod_input.desire.ip, self._since(pod_input))
        if found == Unplaced(looked=False) and not stands:
            return self._place_needed(pod_input, pod_input.pod)
        settled_there = stands and pod_input.record is not None and isinstance(found, Placed)
        if isinstance(found, Placed) and not (
            settled_there and pod_input.record and pod_input.record.target == found.target
        ):
            judged = self._judged(pod_input.pod, found)
            if isinstance(judged, Lookup):
                return judged
            if isinstance(judged, Foreign) and (lookup := self._look_again(pod_input.pod, found)) is not None:
                return lookup
            found = judged
        pod_input.placement = found
        if stands:
            return self._stray(pod_input, pod_input.pod)
        self._memory.of(pod_input.uid).placed(found, self._clock())
        return None

    def _place_needed(self, pod_input: PodInput, pod: PodView) -> Lookup:
        """What is needed for the place. The Node comes first: an IP in a delegated prefix is found by the instance."""
        assert isinstance(pod_input.desire, Serve)
        instance = self._instance(pod, "nodes", NODE_KEPT_S)
        if isinstance(instance, Lookup):
            return instance
        return Lookup("places", pod_input.desire.ip, since=self._since(pod_input), detail=instance)

    def _since(self, pod_input: PodInput) -> float:
        """The time of the oldest look that may be used: after a cut or a dropped association, and not long before
        the Pod got its IP. A look shortly before that is enough, so that Pods which come one after another share it.
        """
        assert isinstance(pod_input.desire, Serve)
        memory = self._memory.of(pod_input.uid)
        cut_at = max(memory.cut_at, memory.has_had(pod_input.desire.ip, self._clock()) - SHARED_S)
        if self._dropped(pod_input):
            return max(cut_at, self._view.asked_at)
        return NEVER if pod_input.served else cut_at

    def _dropped(self, pod_input: PodInput) -> bool:
        """Whether EC2 does not show the association that the ledger has."""
        shown = self._view.get(_allocation(pod_input)) if pod_input.served else None
        return shown is not None and shown.association is None

    def _instance(self, pod: PodView, kind: Kind, max_age_s: float) -> str | Lookup | None:
        """The Node's instance as it was read lately, or what has to be looked up."""
        if not pod.node:
            return None
        since = self._memory.of(pod.uid).since(kind, pod.node, self._clock() - max_age_s)
        known, instance = self._pods.instance_of(pod.node, since)
        return instance if known else Lookup(kind, pod.node, since=since)

    def _judged(self, pod: PodView, found: Placed) -> Placed | Foreign | Lookup:
        """Whose the interface is; the Node is read anew before the interface counts as another's."""
        judged: Placed | Foreign = Foreign(target=found.target, why="")
        for kind, max_age_s in (_KNOWN, _FRESH):
            instance = self._instance(pod, kind, max_age_s)
            if isinstance(instance, Lookup):
                return instance
            judged = judge(pod, found, instance)
            if isinstance(judged, Placed):
                break
        return judged

    def _look_again(self, pod: PodView, found: Placed) -> Lookup | None:
        """An interface may just have been attached: it is asked for anew before it counts as another's."""
        ip = found.target.private_ip
        since = self._memory.of(pod.uid).since("fresh places", ip, self._clock() - PLACE_FRESH_S)
        if self._placements.asked_at(ip) >= since:
            return None
        return Lookup("fresh places", ip, since=since)

    def _stray(self, pod_input: PodInput, pod: PodView) -> Lookup | None:
        """Note whether EC2 shows the association on another instance than the Pod's Node, or on none.

        Where the Node's instance agrees, a reading of any age is enough; where it does not, the Node is read anew.
        """
        address = self._view.get(_allocation(pod_input))
        association = address.association if address else None
        if association is None:
            return None
        if association.instance_id is None:
            return self._stray_off(pod_input, pod, association)
        if not pod.node:
            return None
        for kind, max_age_s in (_EVER, _FRESH):
            instance = self._instance(pod, kind, max_age_s)
            if isinstance(instance, Lookup):
                return instance
            if not has_strayed(association.instance_id, instance):
                return None
        if self._placements.asked_at(association.target.private_ip) < self._view.asked_at:
            self._placements.drop(association.target.interface_id)  # else the next Pod on it would be judged by it, too
        pod_input.strayed = True
        return None

    def _stray_off(self, pod_input: PodInput, pod: PodView, association: Association) -> Lookup | None:
        """Where EC2 names no instance, look up the interface, unless it is a branch or the association is too young."""
        target, young = association.target, self._memory.young(association.association_id)
        if young or target.interface_id in pod.branch_interfaces:
            return None
        found = self._placements.place(target.private_ip, self._view.asked_at)
        if found == Unplaced(looked=False):
            since = self._memory.of(pod.uid).since("places", target.private_ip, self._view.asked_at)
            if self._placements.asked_at(target.private_ip) < since:
                return Lookup("places", target.private_ip, since=since)
        judged = self._judged(pod, found) if isinstance(found, Placed) else found
        if isinstance(judged, Lookup):
            return judged
        pod_input.strayed = isinstance(judged, Foreign)
        return None


def _allocation(pod_input: PodInput) -> AllocationId | None:
    return pod_input.record.allocation_id if pod_input.record else None
