"""A Pod shows an address only while it is the Pod that the address was planned for, and each sign is sent once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from controller.core import contract
from controller.core.desire import desire
from controller.core.views import PodView
from controller.engine.memory import PodProgress
from controller.engine.pod_writer import PodWriter
from state.errors import NotSent, ObjectConflict, Unavailable
from state.model import Mode, PodUid
from tests.fakes.kube import ConditionPatch, FakeEvents, FakePods, LabelPatch
from tests.unit.plan_world import pod

IP = "198.51.100.7"


class Stage:
    """One Pod, planned for as it is now."""

    def __init__(self, asking: PodView) -> None:
        self.pods, self.events = FakePods(), FakeEvents()
        self.planned = self.pods.put(asking)
        self.mine = PodProgress(allocating_since=None, associating_since=None, cut_at=0.0)

    @property
    def writer(self) -> PodWriter:
        """What acts on the plan."""
        asked = desire(self.planned)
        return PodWriter(
            pods=self.pods, events=self.events, mine=self.mine, pod=self.planned, asked=asked, clock=lambda: 1.0
        )

    def changes(self, what: dict[str, Any], *, unseen: bool = False) -> None:
        """The Pod changes; where `unseen`, the watch has not said so yet."""
        self.pods.stale = unseen
        self.pods.put(replace(self.pods.pods[self.planned.uid], **what))

    def show_address(self) -> None:
        """Show the address."""
        self.writer.show_address(Mode.AUTO, IP)

    @property
    def shown(self) -> str | None:
        """What the API server has."""
        return self.pods.pods[self.planned.uid].labels.get(contract.LABEL_PUBLIC_IP)

    @property
    def labels(self) -> Mapping[str, str]:
        """All labels that the API server has."""
        return self.pods.pods[self.planned.uid].labels

    @property
    def believed(self) -> PodView:
        """The Pod as the next plan will see it."""
        believed = self.pods.get(self.planned.uid)
        assert believed is not None
        return believed

    @property
    def patches(self) -> list[type[LabelPatch | ConditionPatch]]:
        """What was taken."""
        return [type(patch) for patch in self.pods.patches]


def test_what_changes_of_a_pod_without_being_asked_for_delays_nothing() -> None:
    for unseen in (False, True):
        stage = Stage(pod(Mode.AUTO))
        stage.changes({"node": "n-1"}, unseen=unseen)
        stage.show_address()
        assert (stage.shown, len(stage.pods.fetches)) == (IP, int(unseen))


@pytest.mark.parametrize("change", [{"annotations": {}}, {"ip": "10.0.0.6"}, {"finished": True}])
def test_a_pod_that_asks_for_something_else_by_now_is_not_labelled(change: dict[str, Any]) -> None:
    stage = Stage(pod(Mode.AUTO))
    stage.changes(change)
    with pytest.raises(NotSent):
        stage.show_address()
    assert (stage.shown, stage.events.said) == (None, [])


@pytest.mark.parametrize("change", [{"annotations": {}}, {"ip": "10.0.0.6"}, {"finished": True}])
def test_what_the_watch_has_not_told_yet_is_found_out(change: dict[str, Any]) -> None:
    stage = Stage(pod(Mode.AUTO))
    stage.changes(change, unseen=True)
    with pytest.raises(ObjectConflict):
        stage.show_address()
    assert (stage.shown, stage.events.said, stage.believed.labels) == (None, [], {})
    stage.changes({"annotations": stage.planned.annotations, "ip": stage.planned.ip, "finished": False}, unseen=True)
    stage.show_address()
    assert stage.shown == IP


@pytest.mark.parametrize("stripped", [{}, {contract.LABEL_PUBLIC_IP: "192.0.2.1"}])
def test_labels_that_a_person_changed_meanwhile_are_mended_by_the_same_patch(stripped: dict[str, str]) -> None:
    stage = Stage(pod(Mode.AUTO))
    stage.show_address()
    stage.changes({"labels": {**stage.labels, contract.LABEL_FIXED_TAG: "stray"}})
    stage.planned = stage.believed
    right = {key: value for key, value in stage.labels.items() if key != contract.LABEL_FIXED_TAG}
    stage.changes({"labels": stripped}, unseen=True)
    stage.show_address()
    assert stage.labels == right
    assert stage.believed.labels == right


def test_what_was_there_already_is_believed_though_the_watch_is_behind() -> None:
    stage = Stage(pod(Mode.AUTO))
    stage.pods.fail("patch_labels", Unavailable("timed out", code="ReadTimeout"), lost_reply=True)
    stage.pods.stale = True
    with pytest.raises(Unavailable):
        stage.show_address()
    stage.show_address()
    assert stage.believed.labels == stage.labels
    stage.show_address()
    assert (len(stage.patches), len(stage.pods.fetches)) == (1, 1)


def test_a_namesake_is_not_labelled() -> None:
    stage = Stage(pod(Mode.AUTO))
    stage.pods.stale = True
    stage.pods.delete(stage.planned.uid)
    other = stage.pods.put(replace(stage.planned, uid=PodUid("u-2")))
    stage.show_address()
    assert not stage.pods.pods[other.uid].labels


def test_a_pod_that_changes_again_and_again_is_left_for_the_next_turn() -> None:
    stage = Stage(pod(Mode.AUTO))
    for _ in range(2):
        stage.pods.fail("patch_labels", ObjectConflict("modified", code="Conflict"))
    with pytest.raises(ObjectConflict):
        stage.show_address()
    assert stage.shown is None
    stage.show_address()
    assert stage.shown == IP


def test_the_condition_follows_the_label_on_the_same_terms() -> None:
    stage = Stage(replace(pod(Mode.AUTO), gated=True))
    stage.show_address()
    assert stage.patches == [LabelPatch, ConditionPatch]
    assert stage.pods.pods[stage.planned.uid].condition == "True"
    assert not stage.pods.fetches


def test_what_says_associated_goes_whatever_else_has_changed() -> None:
    stage = Stage(replace(pod(Mode.AUTO), labels={contract.LABEL_PUBLIC_IP: IP}, condition="True", gated=True))
    stage.changes({"annotations": {}, "ip": "10.0.0.6"}, unseen=True)
    stage.writer.clear_address()
    assert stage.shown is None
    assert stage.patches == [ConditionPatch, LabelPatch]
