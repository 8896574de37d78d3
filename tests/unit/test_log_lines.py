"""Which steps are worth a line, and what the line says: nothing that EC2 or the ledger has not done."""

from dataclasses import replace
from typing import get_args

import pytest

from controller.core import actions as act
from controller.core import log_lines
from controller.core.desire import Gone, Pending, Serve
from controller.core.situation import Facts, Situation
from controller.core.tracing import trace_id
from controller.core.views import Address, Association, EventType, PodEvent, PodView
from state.errors import PodEipError
from state.model import (
    AddressRecord,
    AllocationId,
    AssociationId,
    ClusterUid,
    Epoch,
    InstallKey,
    InterfaceId,
    Mode,
    Phase,
    PodRecord,
    PodUid,
    Target,
)
from tests.fakes.records import install_record

TARGET = Target(interface_id=InterfaceId("eni-1"), private_ip="10.0.0.5")
OURS, OTHER = AllocationId("eipalloc-1"), AllocationId("eipalloc-2")
BOUND = Association(association_id=AssociationId("eipassoc-1"), target=TARGET)
INSTALL = InstallKey(cluster_uid=ClusterUid("c-1"), lease_namespace="kube-system", lease_name="l")
POD = PodView(uid=PodUid("u"), namespace="ns", name="p", ip="10.0.0.5")
RECORD = PodRecord(
    uid=PodUid("u"),
    namespace="ns",
    name="p",
    mode=Mode.AUTO,
    pool="amazon",
    phase=Phase.ASSOCIATED,
    allocation_id=OURS,
    public_ip="198.51.100.7",
    target=TARGET,
)
CLAIM = act.Claim(mode=Mode.AUTO, pool="amazon", target=TARGET)
CUT = act.Cut(association_id=AssociationId("eipassoc-1"), allocation_id=OURS)
RELEASE = act.Release(allocation_id=OURS, border_group="b")
TRACE = "0af7651916cd43dd8448eb211c80319c"


def situation(record: PodRecord | None = RECORD, **more: object) -> Situation:
    """A Pod that is gone, and what it holds."""
    facts = Facts(install=INSTALL, cluster_name="c", home_border_group="b")
    made = Situation(uid=PodUid("u"), desire=Gone(), facts=facts, record=record)
    return replace(made, **more)  # type: ignore[arg-type]


def address(allocation_id: AllocationId = OURS, association: Association | None = None) -> Address:
    """An address as EC2 shows it."""
    return Address(
        allocation_id=allocation_id, public_ip="198.51.100.9", border_group="b", tags={}, association=association
    )


def said(action: act.Action, s: Situation | None = None, *before: act.Action, unserved_s: float | None = None) -> str:
    """What is said of the last step of a plan."""
    return log_lines.step(s or situation(), (*before, action), action, unserved_s)


SILENT: dict[type[object], act.Action] = {
    act.Confirm: act.Confirm(),
    act.Intend: act.Intend(mode=Mode.AUTO, pool="amazon"),
    act.Remember: act.Remember(),
    act.Retarget: act.Retarget(target=TARGET),
    act.Associate: act.Associate(),
    act.Unlabel: act.Unlabel(),
    act.MarkReleasing: act.MarkReleasing(),
    act.Release: RELEASE,
    act.Tell: act.Tell(event=PodEvent(type=EventType.NORMAL, reason="r", message="m")),
    act.Wait: act.Wait(reason=act.WaitReason.POOL),
}
TOLD: list[tuple[act.Action, str]] = [
    (CLAIM, "claimed"),
    (replace(CLAIM, association_id=AssociationId("a")), "claimed: it was associated already"),
    (replace(CLAIM, silent=install_record("c-2", "two", lease="kube-system/l")), "claimed: taken from install c-2#"),
    (act.Salvage(address=address()), "claimed: allocated without an answer, and to be released"),
    (act.Record(), "associated"),
    (CUT, "disassociated"),
    (replace(CUT, allocation_id=OTHER), "disassociated: a late call of ours had associated it"),
]


@pytest.mark.parametrize("action", SILENT.values(), ids=[kind.__name__ for kind in SILENT])
def test_what_prepares_is_no_line(action: act.Action) -> None:
    assert said(action, unserved_s=1.0) == ""


@pytest.mark.parametrize(("action", "line"), TOLD, ids=[line for _, line in TOLD])
def test_what_changes_an_address_is_a_line(action: act.Action, line: str) -> None:
    assert said(action).startswith(line)
    assert said(action) == line or line.endswith("#")


def test_each_step_is_looked_at_here() -> None:
    looked_at = {*SILENT, *(type(action) for action, _ in TOLD), act.Allocate, act.Label, act.Forget}
    assert looked_at == set(get_args(act.Action))


def test_labels_are_a_line_where_the_pod_was_not_served() -> None:
    label = act.Label(mode=Mode.AUTO)
    assert said(label, unserved_s=2.34) == "labelled: served in 2.3 s"
    assert said(label) == ""


FIXED = replace(RECORD, mode=Mode.FIXED_TAG)
LEFT = "claim ended: the address is left as it is"


@pytest.mark.parametrize(
    ("s", "before", "line"),
    [
        (situation(), (RELEASE,), "released"),
        (situation(), (), LEFT),
        (situation(), (CUT,), LEFT),
        (situation(FIXED), (CUT,), "released to its pool"),
        (situation(FIXED, address=address()), (), "released to its pool"),
        (situation(FIXED, address=address(association=BOUND)), (), LEFT),
        (situation(FIXED), (), LEFT),
        (situation(None), (), ""),
        (situation(replace(RECORD, phase=Phase.INTENT, allocation_id=None)), (), ""),
        (
            situation(FIXED, claim=AddressRecord(allocation_id=OURS, pool="p"), address=address()),
            (),
            "claim ended: the address was given to another Pod",
        ),
    ],
)
def test_the_end_of_a_claim_says_where_its_address_is(s: Situation, before: act.Plan, line: str) -> None:
    assert said(act.Forget(), s, *before) == line


def test_the_fields_of_a_line() -> None:
    assert log_lines.fields(situation(), RECORD, Epoch(7), f"00-{TRACE}-b7ad6b7169203331-01") == {
        "pod": "ns/p",
        "pod_uid": "u",
        "address": "198.51.100.7",
        "allocation_id": "eipalloc-1",
        "private_ip": "10.0.0.5",
        "mode": "auto",
        "epoch": 7,
        "trace_id": TRACE,
    }


def test_what_is_not_known_is_left_out() -> None:
    assert log_lines.fields(situation(None), None, Epoch(7), "") == {"pod_uid": "u", "epoch": 7}
    asks = situation(None, pod=POD, desire=Serve(mode=Mode.AUTO, pool="amazon", ip="10.0.0.5"))
    assert log_lines.fields(asks, None, Epoch(7), "damaged") == {
        "pod": "ns/p",
        "pod_uid": "u",
        "mode": "auto",
        "epoch": 7,
    }
    pending = replace(asks, desire=Pending(mode=Mode.FIXED_TAG, pool="k"))
    assert log_lines.fields(pending, None, Epoch(7), "")["mode"] == "fixed-tag"


def test_a_cut_names_the_address_that_was_cut() -> None:
    known = log_lines.fields(situation(), RECORD, Epoch(7), "")
    other = replace(CUT, allocation_id=OTHER)
    assert log_lines.of_cut(situation(), CUT, known) == known
    named = log_lines.of_cut(situation(occupant=address(OTHER)), other, known)
    assert (named["allocation_id"], named["address"]) == (OTHER, "198.51.100.9")
    unknown = log_lines.of_cut(situation(), other, known)
    assert (unknown["allocation_id"], unknown.get("address")) == (OTHER, None)


@pytest.mark.parametrize(
    ("failed", "words"),
    [
        (None, "the plan failed: PodEipError: no"),
        (CUT, "DisassociateAddress failed: PodEipError: no"),
        (CLAIM, "Claim failed: PodEipError: no"),
    ],
)
def test_a_failure_names_the_call(failed: act.Action | None, words: str) -> None:
    assert log_lines.failure(failed, PodEipError("no")) == words


@pytest.mark.parametrize(
    ("traceparent", "found"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"01-{TRACE}-b7ad6b7169203331-00-more", TRACE),
        ("", ""),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", ""),
        (f"00-{TRACE}\u202e-b7ad6b7169203331-01", ""),
        (f"00-{TRACE}-b7ad6b7169203331", ""),
    ],
)
def test_the_trace_id_of_a_traceparent(traceparent: str, found: str) -> None:
    assert trace_id(traceparent) == found
