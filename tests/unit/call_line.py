"""A queue for the tokens of EC2 that a test fills, and the calls that wait in it."""

from controller.core import actions as act
from controller.core.desire import Serve
from controller.core.situation import Facts, Situation
from controller.core.views import AllocationRequest, PodView
from controller.engine.calls import OPERATIONS, CallQueue
from state.model import AllocationId, AssociationId, InstallKey, Mode, PodUid
from tests.fakes.tokens import FreeTokens

FACTS = Facts(install=InstallKey.parse("c#ns/l"), cluster_name="c", home_border_group="r")
ASSOCIATE = act.Associate()
CUT = act.Cut(association_id=AssociationId("eipassoc-1"), allocation_id=AllocationId("eipalloc-1"))
RELEASE = act.Release(allocation_id=AllocationId("eipalloc-1"), border_group="r")
ALLOCATE = act.Allocate(request=AllocationRequest(public_ipv4_pool="amazon", tags={}))
MUTATIONS: tuple[act.Mutation, ...] = (ASSOCIATE, CUT, RELEASE, ALLOCATE)
SERVE = Serve(mode=Mode.AUTO, pool="amazon", ip="10.0.0.1")


def pod(uid: str, namespace: str = "ns", created: str = "1", **more: object) -> Situation:
    """A Pod that wants an address, or something else."""
    view = PodView(uid=PodUid(uid), namespace=namespace, name=uid, created=created)
    made = {"desire": SERVE, "facts": FACTS, "pod": view, **more}
    return Situation(uid=PodUid(uid), **made)  # type: ignore[arg-type]


class Line:
    """A queue over a bucket that the test fills; empty at first."""

    def __init__(self) -> None:
        self.tokens = FreeTokens(left=dict.fromkeys(OPERATIONS, 0))
        self.calls = CallQueue(self.tokens)

    def come(self, *there: Situation, action: act.Mutation = ASSOCIATE) -> None:
        """These come, and find no token."""
        for s in there:
            assert self.calls.admit(action, s) is None

    def fill(self, tokens: int, action: act.Mutation = ASSOCIATE) -> None:
        """So many tokens come in."""
        self.tokens.left[action.operation] += tokens

    def turns(self, tokens: int = 1, action: act.Mutation = ASSOCIATE) -> list[str]:
        """Whose turn it is once so many tokens have come in."""
        self.fill(tokens, action)
        return list(self.calls.due()[0])
