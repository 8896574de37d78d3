"""What is written is read back as it was, by this release and the next; and what cannot be read hurts nobody else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.errors import ItemUnreadable
from state.model import (
    AddressRecord,
    AdoptedTags,
    AllocationId,
    AssociationId,
    ClusterUid,
    Epoch,
    InstallKey,
    InterfaceId,
    Mode,
    Owner,
    Phase,
    PodRecord,
    PodUid,
    Rev,
    Target,
)
from state.schema import VERSION, address_item, pod_item, read_address, read_install, read_line, read_pod
from state.table import open_table
from tests.fakes.records import TARGET, new_address, new_pod

TABLE = open_table("ledger", region="eu-central-1")
INSTALL = InstallKey(cluster_uid=ClusterUid("uid"), lease_namespace="kube-system", lease_name="eip")

text = st.text(st.characters(codec="utf-8", exclude_characters="/#"), min_size=1, max_size=20)
ips = st.ip_addresses(v=4).map(str)
targets = st.builds(Target, interface_id=text.map(InterfaceId), private_ip=ips)
revs = st.integers(0, 2**60).map(Rev)
pods = st.builds(
    PodRecord,
    uid=text.map(PodUid),
    namespace=text,
    name=text,
    mode=st.sampled_from(Mode),
    pool=text,
    phase=st.sampled_from(Phase),
    allocation_id=st.none() | text.map(AllocationId),
    public_ip=st.none() | ips,
    target=st.none() | targets,
    association_id=st.none() | text.map(AssociationId),
    adopted=st.none() | st.builds(AdoptedTags, cluster_name=text, pod=text, pod_uid=st.just("") | text),
    traceparent=st.just("") | text,
    since=st.just("") | st.just("2026-01-02T03:04:05Z"),
    rev=revs,
    nonce=st.just("") | text,
)
installs = st.builds(InstallKey, cluster_uid=text.map(ClusterUid), lease_namespace=text, lease_name=text)
owners = st.builds(
    Owner,
    install=installs,
    pod_uid=text.map(PodUid),
    epoch=st.integers(0, 2**60).map(Epoch),
)
addresses = st.builds(
    AddressRecord,
    allocation_id=text.map(AllocationId),
    pool=text,
    public_ip=st.just("") | ips,
    owner=st.none() | owners,
    target=st.none() | targets,
    recent=st.lists(targets, max_size=3).map(tuple),
    last_holder=st.just("") | text,
    last_mode=st.none() | st.sampled_from(Mode),
    rev=revs,
    nonce=st.just("") | text,
)


@settings(deadline=None)
@given(pods)
def test_a_pod_comes_back_as_it_was(pod: PodRecord) -> None:
    found, install = read_pod(TABLE, pod_item(TABLE, pod, INSTALL).serialize())
    assert (found, found.nonce, install) == (pod, pod.nonce, INSTALL)


@settings(deadline=None)
@given(addresses)
def test_an_address_comes_back_as_it_was(address: AddressRecord) -> None:
    found = read_address(TABLE, address_item(TABLE, address).serialize())
    assert (found, found.nonce) == (address, address.nonce)


OURS = replace(new_address("eipalloc-1"), owner=Owner(install=INSTALL, pod_uid=PodUid("u"), epoch=Epoch(1)))
OWNED = {
    "owner_cluster": {"S": "uid"},
    "owner_install": {"S": "kube-system/eip"},
    "owner_pod": {"S": "u"},
    "owner_epoch": {"N": "1"},
}


def raw_pod(**changes: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """An item as DynamoDB sends it, with some attributes changed or (None) left out."""
    raw = {**pod_item(TABLE, replace(new_pod("u"), target=TARGET), INSTALL).serialize(), **changes}
    return {name: value for name, value in raw.items() if value is not None}


def test_the_version_before_is_read() -> None:
    older = raw_pod(v={"N": str(VERSION - 1)}, nonce=None, adopted_pod_uid=None, traceparent=None)
    found, _ = read_pod(TABLE, older)
    assert found == replace(new_pod("u"), target=TARGET)


def test_attributes_that_are_not_known_do_no_harm() -> None:
    assert read_pod(TABLE, raw_pod(novelty={"M": {"a": {"S": "b"}}}))[0].uid == "u"


@pytest.mark.parametrize(
    "changes",
    [
        {"v": {"N": str(VERSION + 1)}},
        {"v": None},
        {"v": {"S": "one"}},
        {"rev": None},
        {"rev": {"S": "x"}},
        {"rev": {"N": "x"}},
        {"mode": {"S": "other"}},
        {"phase": {"S": "other"}},
        {"namespace": {"N": "1"}},
        {"namespace": {"NULL": True}},
        {"target": {"S": "eni-without-ip"}},
        {"target": {"M": {}}},
        {"install": None},
        {"install": {"S": "no-slash"}},
    ],
)
def test_a_damaged_or_newer_pod_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(ItemUnreadable, match="cluster#uid/pod#u"):
        read_pod(TABLE, raw_pod(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"owner_pod": {"S": "alone"}},
        {**OWNED, "owner_install": {"S": "no-slash"}},
        {**OWNED, "owner_install": {"S": "/no-namespace"}},
        {**OWNED, "owner_install": {"S": "no-name/"}},
        {**OWNED, "owner_cluster": {"S": ""}},
        {"recent": {"L": [{"S": "no-target"}]}},
        {"recent": {"L": [{"N": "1"}]}},
        {"recent": {"S": "no-list"}},
        {"pool": {"NULL": True}},
    ],
)
def test_a_damaged_address_is_unreadable(changes: dict[str, Any]) -> None:
    raw = {**address_item(TABLE, new_address("eipalloc-1")).serialize(), **changes}
    with pytest.raises(ItemUnreadable, match="eip#eipalloc-1/claim"):
        read_address(TABLE, raw)


def test_an_install_without_an_epoch_is_unreadable() -> None:
    with pytest.raises(ItemUnreadable):
        read_install(TABLE, {"pk": {"S": "cluster#u"}, "sk": {"S": "install#n/l"}, "v": {"N": str(VERSION)}})


def test_an_owner_stands_in_the_item_by_its_parts() -> None:
    raw = address_item(TABLE, OURS).serialize()
    assert {name: value for name, value in raw.items() if name.startswith("owner")} == OWNED


@given(installs)
def test_the_text_of_an_install_names_it_alone(install: InstallKey) -> None:
    assert InstallKey.parse(str(install)) == install
    assert InstallKey.within(install.cluster_uid, install.install) == install


def test_the_text_of_an_install_is_its_cluster_and_its_lease() -> None:
    assert (str(INSTALL), INSTALL.install) == ("uid#kube-system/eip", "kube-system/eip")


@pytest.mark.parametrize("text", ["", "uid", "uid#", "uid#eip", "uid#/eip", "uid#kube-system/", "#kube-system/eip"])
def test_what_names_no_install_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is no install"):
        InstallKey.parse(text)
    with pytest.raises(ItemUnreadable, match=f"installs/{text} is damaged"):
        read_line({"pk": {"S": "installs"}, "sk": {"S": text}})


@pytest.mark.parametrize(("told", "epoch"), [({"N": "7"}, 7), ({"S": "x"}, 0), ({"N": "-1"}, 0), ({}, 0)])
def test_a_line_tells_its_install_and_its_epoch_if_it_has_one(told: dict[str, Any], epoch: int) -> None:
    line = {"pk": {"S": "installs"}, "sk": {"S": "uid#kube-system/eip"}, "epoch": told}
    assert read_line(line) == (INSTALL, epoch)


@pytest.mark.parametrize(
    "queues",
    [
        {"S": "nonsense"},
        {"N": "1"},
        {"M": {}},
        {"S": '{"epoch": 7, "word": "w", "queues": [{"pool": "p"}]}'},
        {"S": '{"epoch": 7, "word": "w", "queues": [{"pool": "p", "border_group": "", "waiting": -5, "waited_s": 1}]}'},
        {"S": '{"epoch": 6, "word": "w", "queues": [{"pool": "p", "border_group": "", "waiting": 5, "waited_s": 1}]}'},
    ],
    ids=["text", "number", "map", "incomplete", "negative", "of an earlier epoch"],
)
def test_queues_that_cannot_be_believed_do_not_hide_their_install(queues: dict[str, Any]) -> None:
    """An older release may lead since: it leaves what it does not know as it was."""
    names = {name: {"S": name} for name in ("leader", "cluster_name", "scope", "version")}
    numbers = {name: {"N": "7"} for name in ("epoch", "heartbeat", "silence_s")}
    key = {"pk": {"S": "cluster#u"}, "sk": {"S": "install#n/l"}, "v": {"N": str(VERSION)}}
    found = read_install(TABLE, {**key, **names, **numbers, "queues": queues})
    assert (found.epoch, found.queues, found.word) == (7, (), "")
