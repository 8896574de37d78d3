"""The judge's own tests: a good history passes, and every kind of violation is found in one that has it."""

from dataclasses import replace

import pytest

from controller.core import contract
from tests.history import TRANSACTION, History, Process
from tests.intervals import common, longest, without
from tests.judge import BrokenGuaranteesError, IncompleteRecordError, assert_holds, judge
from tests.judges.facts import Facts, Guarantee
from tests.judges.placement import longest_misplacement
from tests.unit.judged_histories import (
    ADDRESS,
    ADDRESS_KEY,
    END,
    ENI,
    GOOD,
    HAND,
    INSTALL,
    IP,
    LEADER,
    OTHER,
    POD_KEY,
    PUBLIC_IP,
    STANDING,
    associated,
    call,
    claim_items,
    cut,
    effect,
    epoch,
    plus,
    renewal,
    renewals,
    sight,
    signal,
    with_writes,
    write,
)


def test_a_good_history_passes() -> None:
    assert judge(GOOD) == []
    assert_holds(GOOD)


LATE_CALL = (*GOOD.calls, call("ec2", "DisassociateAddress", END + 5))
HANDED_OVER = (*(c for c in GOOD.calls if c.who == OTHER), *renewals(0, 30), *renewals(60, END, OTHER))

ASKED_TO_CUT = call("ec2", "DisassociateAddress", 30.0, AssociationId="assoc-12.0")

BAD: dict[str, tuple[Guarantee, History]] = {
    "two Pods claim one address": (
        Guarantee.ONE_OWNER,
        with_writes(write(20.0, puts={("cluster#uid", "pod#q"): {"allocation_id": ADDRESS}})),
    ),
    "one side of a claim is missing": (Guarantee.ONE_OWNER, with_writes(write(20.0, deletes=frozenset({POD_KEY})))),
    "the owner claims nothing": (
        Guarantee.ONE_OWNER,
        with_writes(write(20.0, puts={ADDRESS_KEY: {"owner_pod": "q", "target": f"eni-1/{IP}"}})),
    ),
    "a former leader writes": (Guarantee.FENCE, with_writes(epoch(20.0, OTHER), write(21.0, puts=claim_items()))),
    "a replica writes that never led": (Guarantee.FENCE, with_writes(write(21.0, OTHER, puts=claim_items()))),
    "an install that was taken over writes": (
        Guarantee.FENCE,
        with_writes(
            write(20.0, Process(name="b1"), fence="cluster#b/install#x/y", raises=frozenset({INSTALL})),
            write(21.0, puts=claim_items()),
        ),
    ),
    "it stays where its owner was": (
        Guarantee.PLACEMENT,
        plus(pods=(sight(20.0, gone=True),)),
    ),
    "it stays where its owner's target is not": (Guarantee.PLACEMENT, plus(pods=(sight(20.0, ip="10.0.0.12"),))),
    "it stays on a Pod that asks no more": (Guarantee.PLACEMENT, plus(pods=(sight(20.0, mode=""),))),
    "it is associated without a claim": (
        Guarantee.PLACEMENT,
        plus(journal=(associated(30.0, address="eipalloc-2", ip="10.0.0.13"),)),
    ),
    "a label comes before its association": (
        Guarantee.LABEL,
        replace(GOOD, pods=(sight(10.0), sight(11.2, label=PUBLIC_IP))),
    ),
    "a label outlives its association": (Guarantee.LABEL, plus(journal=(cut(40.0, 12.0),))),
    "an allocated address is forgotten": (
        Guarantee.NO_LEAK,
        with_writes(write(30.0, deletes=frozenset({POD_KEY, ADDRESS_KEY}))),
    ),
    "an allocated address was never claimed": (
        Guarantee.NO_LEAK,
        plus(journal=(effect("allocated", 40.0, address="eipalloc-2"),)),
    ),
    "a mutation comes after the deadline": (Guarantee.DEADLINE, replace(GOOD, calls=LATE_CALL)),
    "a mutation is made after the deadline, by a clock that was turned back": (
        Guarantee.DEADLINE,
        plus(calls=(replace(call("ec2", "DisassociateAddress", END + 8), signed=0.0),)),
    ),
    "a patch comes after the deadline": (Guarantee.DEADLINE, plus(calls=(call("kubernetes", "patch pods", END + 5),))),
    "a standby mutates": (Guarantee.DEADLINE, plus(calls=(call("ec2", "AssociateAddress", 50.0, OTHER),))),
    "a leader mutates that released the Lease": (
        Guarantee.DEADLINE,
        replace(
            GOOD, calls=(renewal(30.0), renewal(31.0, holder=""), call("ec2", "ReleaseAddress", 32.5), *GOOD.calls[:9])
        ),
    ),
    "a foreign address is touched": (
        Guarantee.FOREIGN,
        plus(journal=(effect("allocated", 5.0, HAND, "eipalloc-9"), associated(50.0, address="eipalloc-9", ip="x"))),
    ),
    "a pool's address is released": (
        Guarantee.POOL_KEPT,
        plus(
            journal=(
                effect("allocated", 5.0, HAND, "eipalloc-9", tags={"pool": ""}),
                effect("released", 50.0, address="eipalloc-9"),
            ),
            pods=(sight(51.0, uid="q", mode="fixed-tag", pool="pool", gone=True),),
        ),
    ),
    "a person's association is cut": (
        Guarantee.FOREIGN_CUT,
        plus(
            journal=(associated(50.0, HAND, address="eipalloc-9", ip="x"), cut(51.0, 50.0, address="eipalloc-9")),
        ),
    ),
    "an association is cut under its owner": (Guarantee.RIGHT_CUT, plus(journal=(cut(50.0, 12.0),))),
    "an association is cut that nobody asked to cut": (
        Guarantee.RIGHT_CUT,
        plus(journal=(cut(50.0, 12.0),), calls=(call("ec2", "DisassociateAddress", 5.0, AssociationId="assoc-3.0"),)),
    ),
    "what a person had tagged anew is released": (
        Guarantee.FOREIGN,
        plus(journal=(effect("tagged", 50.0, HAND, tags={contract.TAG_POD_UID: "x"}), effect("released", 60.0))),
    ),
    "a stranger's machine has the Pod's IP": (
        Guarantee.OWN_MACHINE,
        replace(GOOD, journal=(GOOD.journal[0], associated(12.0, machine="i-stranger"))),
    ),
    "an interface of nobody has the Pod's IP": (
        Guarantee.OWN_MACHINE,
        replace(GOOD, journal=(GOOD.journal[0], associated(12.0, machine=""))),
    ),
    "a Pod is not served": (Guarantee.CONVERGED, plus(pods=(sight(99.0, uid="q", ip="10.0.0.14"),))),
    "a Pod is not labelled": (Guarantee.CONVERGED, plus(pods=(sight(99.0),))),
    "a claim is left": (Guarantee.CONVERGED, plus(pods=(sight(99.0, gone=True),))),
    "a label is left": (Guarantee.CONVERGED, plus(pods=(sight(99.0, mode="", label=PUBLIC_IP),))),
    "a claim is not finished": (
        Guarantee.CONVERGED,
        with_writes(write(99.0, puts=claim_items("claimed"))),
    ),
    "an address is left over": (
        Guarantee.CONVERGED,
        replace(GOOD, addresses=(replace(STANDING, association=None),)),
    ),
    "a dead leader is not replaced": (Guarantee.FAILOVER, plus(signals=(signal(30.0, "kill"),))),
    "a dead leader is replaced late": (
        Guarantee.FAILOVER,
        replace(with_writes(epoch(60.0, OTHER)), calls=HANDED_OVER, signals=(signal(30.0, "kill"),)),
    ),
    "another cluster's new leader does not replace a dead one": (
        Guarantee.FAILOVER,
        replace(with_writes(epoch(31.0, Process(name="b1"))), calls=HANDED_OVER, signals=(signal(30.0, "kill"),)),
    ),
    "a released Lease is taken late": (
        Guarantee.FAILOVER,
        replace(
            with_writes(epoch(36.0, OTHER)),
            calls=(*HANDED_OVER, renewal(30.5, holder="")),
            signals=(signal(30.0, "term"),),
        ),
    ),
    "a mutation in silence": (Guarantee.SILENCE, plus(calls=(call("ec2", "AssociateAddress", 50.0),))),
    "a patch in silence": (Guarantee.SILENCE, plus(calls=(call("kubernetes", "patch pods", 50.0),))),
    "a ledger write in silence": (
        Guarantee.SILENCE,
        plus(calls=(call("dynamodb", TRANSACTION, 50.0, TransactItems=[{"Put": {}}, {"Update": {}}]),)),
    ),
    "too many heartbeats": (
        Guarantee.SILENCE,
        plus(calls=tuple(call("dynamodb", TRANSACTION, 40.0 + n, TransactItems=[{"Update": {}}]) for n in range(9))),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_every_kind_of_violation_is_found(name: str) -> None:
    guarantee, history = BAD[name]
    with pytest.raises(BrokenGuaranteesError) as caught:
        assert_holds(history)
    assert guarantee in caught.value.broken


def test_every_guarantee_has_a_bad_history() -> None:
    assert {guarantee for guarantee, _ in BAD.values()} == set(Guarantee)


GOOD_TOO: dict[str, History] = {
    "an association is cut whose Pod has just gone": replace(
        plus(journal=(cut(50.0, 12.0), effect("released", 50.3)), pods=(sight(50.5, gone=True),)),
        items={},
        addresses=(),
        writes=(*GOOD.writes, write(50.2, deletes=frozenset({POD_KEY, ADDRESS_KEY}))),
    ),
    "a cut was asked for before its Pod asked again": replace(
        plus(journal=(cut(50.0, 12.0), associated(50.1)), calls=(ASKED_TO_CUT,)),
        pods=(sight(10.0), sight(13.0, label=PUBLIC_IP), sight(30.5, mode=""), sight(31.0, label=PUBLIC_IP)),
        quiet=None,
    ),
    "a Pod moves away at once, and its address follows": replace(
        plus(journal=(cut(12.2, 12.0), associated(14.2))),
        pods=(sight(10.0), sight(12.1, ip="10.0.0.99"), sight(14.1), sight(15.0, label=PUBLIC_IP)),
    ),
    "a Pod moves with a label of before, and the record's watch was dropped between": replace(
        GOOD, pods=(sight(10.0, ip="10.0.0.99"), sight(11.8, label=PUBLIC_IP))
    ),
    "a branch interface is its Pod's": replace(
        GOOD,
        journal=(GOOD.journal[0], associated(12.0, machine="")),
        pods=tuple(replace(pod, branches=frozenset({ENI})) for pod in GOOD.pods),
    ),
    "a write that may have happened takes an owner away": with_writes(
        write(20.0, deletes=frozenset({POD_KEY, ADDRESS_KEY}), sure=False)
    ),
    "a write that may have happened raises the epoch": with_writes(
        replace(epoch(20.0, OTHER), sure=False), write(21.0, puts=claim_items())
    ),
    "a mutation was made in time, and the machine stood still before its door": plus(
        calls=(replace(call("ec2", "DisassociateAddress", END + 4), signed=END + 1),)
    ),
    "an adopted association is cut": replace(
        plus(journal=(associated(50.0, HAND, address="eipalloc-9", ip="x"), cut(51.0, 50.0, address="eipalloc-9"))),
        adoptable=frozenset({"eipalloc-9"}),
    ),
    "a leader is replaced in time": replace(
        with_writes(epoch(34.0, OTHER)),
        calls=(*(c for c in GOOD.calls if c.who == OTHER), *GOOD.calls[:60], *GOOD.calls[-4:-1]),
        signals=(signal(30.0, "kill"),),
    ),
    "a leader dies and there is nobody else": replace(
        GOOD, calls=tuple(c for c in GOOD.calls if c.who == LEADER), signals=(signal(30.0, "kill"),)
    ),
    "a Pod asks for what does not exist": replace(
        plus(pods=(sight(99.0, uid="q", ip="10.0.0.14"),)), hopeless=frozenset({"q"})
    ),
}


@pytest.mark.parametrize("name", GOOD_TOO)
def test_what_is_allowed_passes(name: str) -> None:
    assert_holds(GOOD_TOO[name])


def test_a_record_with_a_hole_gets_no_verdict() -> None:
    with pytest.raises(IncompleteRecordError):
        judge(replace(GOOD, writes=GOOD.writes[:-1]))


def test_a_table_that_a_person_replaced_is_believed() -> None:
    emptied = write(50.0, None, fence="", resets=True)
    broken = {v.broken for v in judge(replace(GOOD, writes=(*GOOD.writes, emptied), items={}))}
    assert Guarantee.ONE_OWNER not in broken
    assert Guarantee.NO_LEAK in broken


def test_misplacement_is_measured() -> None:
    moved = replace(GOOD, pods=(*GOOD.pods, sight(20.0, gone=True)), journal=(*GOOD.journal, cut(23.5, 12.0)))
    assert longest_misplacement(Facts(moved)) == pytest.approx(3.5)


def test_stretches_of_time() -> None:
    assert common((0, 2), (1, 3)) == (1, 2)
    assert common((0, 1), (1, 2)) is None
    assert without((0, 10), [(2, 3), (1, 2.5), (9, 12)]) == [(0, 1), (3, 9)]
    assert without((0, 1), [(0, 2)]) == []
    assert longest([(0, 1), (3, 9)]) == 6
    assert longest([]) == 0
