"""A tracer whose spans a receiver gets, and a Pod for it to tell of."""

from collections.abc import Mapping
from typing import Any

from controller.core.actions import Action, Associate, Intend, Label, Tell
from controller.core.desire import Gone, Serve
from controller.core.situation import Facts, Situation
from controller.core.tracing import Subject, Tracing
from controller.core.views import PodEvent, PodView
from controller.surface import telemetry
from state.model import AllocationId, Epoch, InstallKey, Mode, Phase, PodRecord, PodUid

UID = PodUid("pod-uid")
FACTS = Facts(install=InstallKey.parse("c#kube-system/eip"), cluster_name="c", home_border_group="r")
POD = PodView(uid=UID, namespace="games", name="server-0", ip="10.0.0.1")
NOTHING = (None, None)
INTEND, ASSOCIATE, LABEL = Intend(mode=Mode.AUTO, pool="amazon"), Associate(), Label(mode=Mode.AUTO)
TELL = Tell(event=PodEvent(type="Normal", reason="r", message="m"))


def tracer(env: Mapping[str, str], *, all_calls: bool = False) -> Tracing:
    return telemetry.start(env, cluster="games", region="eu-central-1", identity="replica-1", all_calls=all_calls)


def subject(traceparent: str | None = None, *, gone: bool = False, epoch: int = 7, uid: PodUid = UID) -> Subject:
    record = PodRecord(
        uid=uid,
        namespace="games",
        name="server-0",
        mode=Mode.AUTO,
        pool="amazon",
        phase=Phase.CLAIMED,
        allocation_id=AllocationId("eipalloc-1"),
        traceparent=traceparent or "",
    )
    s = Situation(
        uid=uid,
        desire=Gone() if gone else Serve(mode=Mode.AUTO, pool="amazon", ip="10.0.0.1"),
        facts=FACTS,
        pod=None if gone else POD,
        record=None if traceparent is None else record,
    )
    return Subject(situation=s, epoch=Epoch(epoch), attempt=2)


def act(one: Tracing, whose: Subject, parent: str, *actions: Action) -> None:
    for action in actions:
        with one.action(whose, action, parent) as note:
            note(whose.situation.record, NOTHING)


def attributes(span: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}
