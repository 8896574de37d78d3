"""Makes what explains a Pod on a replica, from parts that the replica has anyway."""

from collections.abc import Callable

from controller.core.ports import Clock, Ledger, Pods
from controller.engine.engine import Engine
from controller.engine.explainer import Explainer
from controller.engine.leader import Elector
from controller.engine.leader_explains import Ask, LeaderExplains
from controller.engine.leadership import Leadership
from controller.engine.replica import lead_of, leader_status


def explains_of(
    engine: Engine,
    elector: Elector,
    *,
    pods: Pods,
    ledger: Ledger,
    leadership: Leadership,
    identity: str,
    trouble: Callable[[], str],
    ask: Ask,
    clock: Clock,
) -> LeaderExplains:
    """The leader's explanations where they can be had; `trouble`: why this install must not lead, in words."""
    own = Explainer(
        facts=engine.tuning.facts,
        identity=identity,
        pods=pods,
        ledger=ledger,
        loop=engine.loop,
        leader=lambda: leader_status(elector, lambda: leadership.term, identity),
        rules=engine.ports.rules,
        trouble=trouble,
        clock=clock,
    )
    return LeaderExplains(own=own.explain, lead=lambda: lead_of(elector), ask=ask, clock=clock)
