"""Where the Pods of a tick are: on which interface EC2 has their IPs, and whether that interface is their own.

All Pods of a tick share one lookup. A Pod whose association stands as the ledger says needs none; of it only the
instance is compared, which EC2's description of the address shows.
"""

from controller.core.desire import Serve
from controller.core.ownership import has_strayed, judge
from controller.core.ports import Clock, Pods, PodView
from controller.core.situation import Foreign, Placed, Unplaced
from controller.engine.ec2view import AddressView
from controller.engine.glance import Glance, Observation
from controller.engine.memory import Memory
from controller.engine.placement import NEVER, Placements
from state.errors import PodEipError, Unavailable
from state.model import AllocationId

NODE_FRESH_S = 5.0
"""A Node can be made anew under its name: it is read so freshly before an interface counts as another's."""
NODES_AT_MOST_S = 1.0
"""Nodes are read in the loop's thread: the Pods whose Nodes did not come in time wait for the next tick."""
ANY_AGE = float("inf")


class NodeInstances:
    """The instances of Nodes during one tick: after a failure, or when time is up, nobody is asked any more."""

    def __init__(self, pods: Pods, clock: Clock) -> None:
        self._pods, self._clock, self._until = pods, clock, clock() + NODES_AT_MOST_S
        self._failed: PodEipError | None = None

    def of(self, node: str, max_age_s: float = 60.0) -> str | None:
        """The Node's EC2 instance; None where it has none. Raises what the API raised before in this tick."""
        if not node:
            return None
        if self._failed is not None:
            raise self._failed
        if self._clock() > self._until:
            raise Unavailable("its Node is read in the next tick", code="NodesPending")
        try:
            return self._pods.instance_of(node, max_age_s)
        except PodEipError as error:
            self._failed = error
            raise


class Locator:
    """The locating part of one term; used by the loop's thread alone."""

    def __init__(self, *, pods: Pods, view: AddressView, placements: Placements, memory: Memory, clock: Clock) -> None:
        self._pods, self._view, self._placements = pods, view, placements
        self._memory, self._clock = memory, clock

    def locate(self, glances: list[Glance], seen: Observation) -> list[Glance]:
        """Find each Pod's place; a failed look fails those that need it. The glances that are left."""
        nodes = NodeInstances(self._pods, self._clock)
        self._look(glances, nodes, seen)
        for glance in glances:
            if glance.uid not in seen.failures:
                try:
                    self._place(glance, nodes)
                except PodEipError as error:
                    seen.failures[glance.uid] = error
        return [g for g in glances if g.uid not in seen.failures]

    def _look(self, glances: list[Glance], nodes: NodeInstances, seen: Observation) -> None:
        wanted: dict[str, str | None] = {}
        needy = [g for g in glances if self._needs_look(g)]
        for glance in needy:
            try:
                if isinstance(glance.desire, Serve) and glance.pod is not None:
                    wanted[glance.desire.ip] = nodes.of(glance.pod.node)
            except PodEipError as error:
                seen.failures[glance.uid] = error
        try:
            if wanted:
                self._placements.look(wanted)
        except PodEipError as error:
            seen.failures.update({g.uid: error for g in needy})

    def _needs_look(self, glance: Glance) -> bool:
        """Whether EC2 is to be asked on which interface the Pod's IP is."""
        if not isinstance(glance.desire, Serve) or (glance.settled and not self._dropped(glance)):
            return False
        return self._placements.place(glance.desire.ip, self._since(glance)) == Unplaced(looked=False)

    def _since(self, glance: Glance) -> float:
        """How fresh a place must be: after a cut, or where an association was dropped, nothing from before counts."""
        cut_at = self._memory.of(glance.uid).cut_at
        if self._dropped(glance):
            return max(cut_at, self._view.asked_at)
        return NEVER if glance.settled else cut_at

    def _dropped(self, glance: Glance) -> bool:
        """Whether EC2 does not show the association that the ledger has."""
        shown = self._view.get(_allocation(glance)) if glance.settled else None
        return shown is not None and shown.association is None

    def _place(self, glance: Glance, nodes: NodeInstances) -> None:
        if not isinstance(glance.desire, Serve) or glance.pod is None:
            return
        found: Placed | Foreign | Unplaced = self._placements.place(glance.desire.ip, self._since(glance))
        stands = glance.settled and not self._dropped(glance)
        if isinstance(found, Placed) and not (stands and glance.record and glance.record.target == found.target):
            found = _judged(glance.pod, found, nodes)
        glance.placement = found
        glance.strayed = stands and self._strayed(glance, glance.pod, nodes)
        if not stands:
            self._memory.of(glance.uid).placed(found, self._clock())

    def _strayed(self, glance: Glance, pod: PodView, nodes: NodeInstances) -> bool:
        """Whether EC2 shows the association on another instance than the Pod's Node."""
        address = self._view.get(_allocation(glance))
        shown = address.association.instance_id if address and address.association else None
        if shown is None or not has_strayed(shown, nodes.of(pod.node, ANY_AGE)):
            return False
        return has_strayed(shown, nodes.of(pod.node, NODE_FRESH_S))


def _judged(pod: PodView, found: Placed, nodes: NodeInstances) -> Placed | Foreign:
    judged = judge(pod, found, nodes.of(pod.node))
    return judge(pod, found, nodes.of(pod.node, NODE_FRESH_S)) if isinstance(judged, Foreign) else judged


def _allocation(glance: Glance) -> AllocationId | None:
    return glance.record.allocation_id if glance.record else None
