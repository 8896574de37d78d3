"""Two clusters that wait for one pool: the Pod that has waited clearly longer comes first, where nothing goes wrong.

Where a heartbeat is lost, or its leader is, it may lose its turn; that no run does harm then, the scene's search shows.
"""

from controller.engine import engine, opening, parts, pool_allocator, reconcile
from state.model import Phase, PodUid
from tests.model.leader_model import Rules
from tests.model.mutants import mutant, rewired
from tests.model.plan_model import PlanModel
from tests.model.scenes import SCENES
from tests.model.world import World

LONGER, SHORTER = ("b", PodUid("w")), ("a", PodUid("v"))


def at_rest(rules: Rules) -> World:
    """The world at the end of the scene in which nothing goes wrong."""
    [scene] = [one for one in SCENES if one.name == "a Pod of another cluster has waited longer"]
    model = PlanModel(scene, rules)
    world = model.start()
    while (move := model.natural(world)) is not None:
        world = model.go_on(world, move)
        assert not model.broken(world)
    assert not model.unsettled(world)
    return world


def deaf_to_queues() -> Rules:
    """Leaders that are told who waits elsewhere, and do not heed it."""
    bad = mutant(pool_allocator, "queues=self._others.queues,", "queues={},")
    made = rewired(parts, PoolAllocator=bad.PoolAllocator)
    opened = rewired(opening, parts_of=made.parts_of)
    loop = rewired(reconcile, open_term=opened.open_term)
    return Rules(engine=rewired(engine, Reconciler=loop.Reconciler).Engine)


def test_the_pod_that_has_waited_longer_comes_first() -> None:
    claims = at_rest(Rules()).table.pods
    assert claims[LONGER].phase is Phase.ASSOCIATED
    assert SHORTER not in claims


def test_without_heed_for_what_others_tell_the_nearer_pod_comes_first() -> None:
    claims = at_rest(deaf_to_queues()).table.pods
    assert claims[SHORTER].phase is Phase.ASSOCIATED
    assert LONGER not in claims
