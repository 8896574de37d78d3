"""Records to write in a test, with as little said as the test is about."""

from uuid import uuid4

from state.model import (
    AddressRecord,
    AllocationId,
    ClusterUid,
    Epoch,
    InstallKey,
    InstallRecord,
    InterfaceId,
    Mode,
    Owner,
    Phase,
    PodRecord,
    PodUid,
    Target,
)

TARGET = Target(interface_id=InterfaceId("eni-1"), private_ip="10.0.0.1")


def new_pod(uid: str = "", *, phase: Phase = Phase.INTENT) -> PodRecord:
    """A Pod's side without an address."""
    uid = uid or uuid4().hex
    return PodRecord(uid=PodUid(uid), namespace="ns", name=f"pod-{uid[:6]}", mode=Mode.AUTO, pool="amazon", phase=phase)


def new_address(allocation_id: str = "") -> AddressRecord:
    """An address's side without an owner."""
    return AddressRecord(allocation_id=AllocationId(allocation_id or f"eipalloc-{uuid4().hex}"), pool="amazon")


def owner(install: InstallKey, pod: PodRecord, epoch: int = 1) -> Owner:
    """That this Pod owns it."""
    return Owner(install=install, pod_uid=pod.uid, epoch=Epoch(epoch))


def install_record(
    cluster: str, name: str = "blue", *, lease: str = "ns/l", scope: str = "", leader: str = "x-0"
) -> InstallRecord:
    """An install that was led, as others see it. `cluster` is its UID, `name` its name."""
    return InstallRecord(
        key=InstallKey.within(ClusterUid(cluster), lease),
        epoch=Epoch(1),
        heartbeat=7,
        leader=leader,
        cluster_name=name,
        scope=scope,
        silence_s=3600,
        version="0",
    )
