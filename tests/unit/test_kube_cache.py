"""The Pod cache agrees with a plain dictionary, whatever order of lists, events and answers it is given."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.views import PodView
from controller.kube import cache as module
from controller.kube.cache import PodCache, Seen, version_number
from state.model import PodUid

LABEL = "aws-samples.github.com/x"
IPS = ("", "10.0.0.1", "10.0.0.2")
ASKS = PodView(uid=PodUid("u"), namespace="default", name="web", ip="10.0.0.1", annotations={LABEL: "auto"})

views = st.builds(
    PodView,
    uid=st.sampled_from([PodUid(f"u{number}") for number in range(4)]),
    namespace=st.just("default"),
    name=st.just("web"),
    ip=st.sampled_from(IPS),
    labels=st.sampled_from([{}, {LABEL: "1"}]),
    annotations=st.sampled_from([{}, {LABEL: "auto"}]),
    host_network=st.booleans(),
    finished=st.booleans(),
    drained=st.booleans(),
)
lists = st.lists(views, max_size=5, unique_by=lambda view: view.uid)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("list"), lists),
        st.tuples(st.just("event"), views),
        st.tuples(st.just("answer"), views),
        st.tuples(st.just("gone"), views),
    ),
    max_size=20,
)


@dataclass
class Model:
    """What the cache should hold."""

    pods: dict[PodUid, PodView] = field(default_factory=dict)
    deleted: set[PodUid] = field(default_factory=set)

    def agree(self, cache: PodCache) -> None:
        """Compare every answer."""
        carriers = {uid for uid, view in self.pods.items() if view.annotations or view.labels}
        assert {view.uid for view in cache.annotated()} == carriers
        for ip in IPS:
            there = {uid for uid, view in self.pods.items() if ip and view.ip == ip and live(view)}
            assert {view.uid for view in cache.at_ip(ip)} == there
            assert all(view == self.pods[view.uid] for view in cache.at_ip(ip))
        for number in range(4):
            uid = PodUid(f"u{number}")
            assert cache.get(uid) == self.pods.get(uid)
            assert cache.seen_deleted(uid) == (uid in self.deleted)


def live(view: PodView) -> bool:
    """Whether it counts at its IP: of those that share their node's, only what carries something of ours."""
    shares = view.host_network and not (view.annotations or view.labels)
    return not (view.finished or view.drained or shares)


@given(steps)
@settings(deadline=None)
def test_the_indices_are_those_of_the_pods(history: list[tuple[str, list[PodView] | PodView]]) -> None:
    cache, model = PodCache(), Model()
    for version, (kind, what) in enumerate(history, start=1):
        if isinstance(what, list):
            expected = {view.uid for view in what if model.pods.get(view.uid) != view}
            expected |= model.pods.keys() - {view.uid for view in what}
            assert cache.replace([Seen(view, version) for view in what]) == expected
            model.pods = {view.uid: view for view in what}
        elif kind == "event":
            assert cache.apply(Seen(what, version)) == (model.pods.get(what.uid) != what)
            model.pods[what.uid] = what
        elif kind == "answer":
            cache.learn(Seen(what, version))
            model.pods.update({what.uid: what} if what.uid in model.pods else {})
        else:
            cache.remove(what.uid)
            model.pods.pop(what.uid, None)
            model.deleted.add(what.uid)
        model.agree(cache)


POD = PodView(uid=PodUid("u1"), namespace="default", name="web", ip="10.0.0.1")
LABELLED = replace(POD, labels={LABEL: "1"})


def test_it_is_synced_by_a_list_alone() -> None:
    cache = PodCache()
    cache.apply(Seen(POD, 1))
    assert not cache.synced
    cache.replace([])
    assert cache.synced


def test_an_event_older_than_our_own_patch_is_not_news() -> None:
    cache = PodCache()
    cache.replace([Seen(POD, 5)])
    cache.learn(Seen(LABELLED, 9))
    assert not cache.apply(Seen(POD, 7))
    assert cache.get(POD.uid) == LABELLED
    assert cache.apply(Seen(POD, 10))


def test_an_answer_that_came_late_changes_nothing() -> None:
    cache = PodCache()
    cache.replace([Seen(POD, 9)])
    cache.learn(Seen(LABELLED, 7))
    assert cache.get(POD.uid) == POD
    cache.remove(POD.uid)
    cache.learn(Seen(LABELLED, 12))
    assert cache.get(POD.uid) is None


def test_what_is_assumed_of_a_pod_stands_until_it_is_shown_otherwise() -> None:
    cache = PodCache()
    cache.replace([Seen(POD, 5)])
    cache.assume(LABELLED)
    assert (cache.get(POD.uid), cache.ip_version(POD.uid)) == (LABELLED, 5)
    assert cache.apply(Seen(POD, 5))
    assert cache.get(POD.uid) == POD


def test_a_newer_version_is_assumed_and_an_older_one_is_not() -> None:
    cache = PodCache()
    cache.replace([Seen(replace(POD, version="5"), 5)])
    cache.assume(replace(LABELLED, version="9"))
    assert not cache.apply(Seen(replace(POD, version="7"), 7))
    cache.assume(replace(POD, version="8"))
    there = cache.get(POD.uid)
    assert there is not None
    assert there.labels == LABELLED.labels


def test_nothing_is_assumed_of_a_pod_that_is_gone_or_another_by_now() -> None:
    cache = PodCache()
    cache.assume(LABELLED)
    assert cache.get(POD.uid) is None
    newer = replace(POD, version="9")
    cache.replace([Seen(newer, 9)])
    cache.assume(LABELLED)
    assert cache.get(POD.uid) == newer


def test_where_versions_are_no_numbers_the_informer_alone_is_believed() -> None:
    assert (version_number("12"), version_number("abc"), version_number("")) == (12, 0, 0)
    cache = PodCache()
    cache.replace([Seen(POD, 0)])
    cache.learn(Seen(LABELLED, 0))
    assert cache.get(POD.uid) == POD
    assert cache.apply(Seen(LABELLED, 0))


def test_a_list_is_the_truth_even_with_lower_versions() -> None:
    cache = PodCache()
    cache.replace([Seen(LABELLED, 900)])
    assert cache.replace([Seen(POD, 5)]) == {POD.uid}
    assert cache.get(POD.uid) == POD
    assert cache.apply(Seen(LABELLED, 6))


def test_a_view_that_has_not_changed_is_kept_and_no_news() -> None:
    cache = PodCache()
    cache.replace([Seen(POD, 1)])
    assert cache.replace([Seen(replace(POD), 1)]) == set()
    assert cache.get(POD.uid) is POD


def test_a_pod_that_looks_as_before_may_have_been_otherwise_between_two_lists() -> None:
    cache = PodCache()
    cache.replace([Seen(replace(POD, version="1"), 1)])
    assert cache.replace([Seen(replace(POD, version="3"), 3)]) == {POD.uid}
    assert not cache.apply(Seen(replace(POD, version="4"), 4))


def test_deletions_are_remembered_within_bounds() -> None:
    cache = PodCache()
    for number in range(module.REMEMBERED_DELETIONS + 1):
        cache.remove(PodUid(f"u{number}"))
    assert not cache.seen_deleted(PodUid("u0"))
    assert cache.seen_deleted(PodUid("u1"))


@pytest.mark.parametrize("first", [True, False])
def test_an_ip_that_is_reused_shows_both(first: bool) -> None:
    cache = PodCache()
    other = replace(POD, uid=PodUid("u2"))
    cache.replace([Seen(POD, 1), Seen(other, 1)])
    cache.remove(POD.uid if first else other.uid)
    assert list(cache.at_ip("10.0.0.1")) == [other if first else POD]


def test_it_knows_since_when_a_pod_asks_with_its_ip() -> None:
    now = [10.0]
    cache = PodCache(lambda: now[0])

    def since(version: int, **changes: object) -> float | None:
        now[0] += 1
        cache.apply(Seen(replace(ASKS, version=str(version), **changes), version))  # type: ignore[arg-type]
        found = cache.get(ASKS.uid)
        return found.asks_since if found else None

    assert since(1, ip="") is None
    assert since(2, annotations={}) is None
    assert since(3) == 13
    assert since(4, labels={"a": "b"}) == 13
    assert cache.replace([Seen(replace(ASKS, version="4", labels={"a": "b"}), 4)]) == set()
    assert since(5, ip="10.0.0.2") == 15
    assert since(6, ip="10.0.0.2", annotations={"type": "other"}) == 16
