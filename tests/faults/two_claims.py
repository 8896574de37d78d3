"""A ledger alone in a process of its own: `python two_claims.py TABLE`, with the endpoint in the SDK's variables.

While its first transaction is on its way, two Pods claim the same address, so that both changes gather for the next
one. It says how each of the two ended. It is run by path, so that a copy of the source can be put before the real.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from state.errors import PodEipError
from state.ledger import DynamoLedger
from state.model import (
    AddressRecord,
    AllocationId,
    Change,
    ClusterUid,
    Epoch,
    InstallKey,
    Mode,
    Owner,
    Phase,
    PodRecord,
    PodUid,
)
from state.provision import create_table
from state.table import open_table

REGION = "us-west-2"
CALL_S = 20.0
ADDRESS = AllocationId("eipalloc-1")
INSTALL = InstallKey(cluster_uid=ClusterUid("uid"), lease_namespace="kube-system", lease_name="lease")


def pod(name: str) -> PodRecord:
    """A Pod's side of a claim."""
    return PodRecord(
        uid=PodUid(name),
        namespace="ns",
        name=name,
        mode=Mode.FIXED_TAG,
        pool="pool",
        phase=Phase.CLAIMED,
        allocation_id=ADDRESS,
    )


def claim(name: str) -> Change:
    """This Pod claims the address that nobody has had."""
    owner = Owner(install=INSTALL, pod_uid=PodUid(name), epoch=Epoch(1))
    return Change(
        pod_after=pod(name),
        address_after=AddressRecord(allocation_id=ADDRESS, pool="pool", owner=owner),
    )


def commit(ledger: DynamoLedger, change: Change) -> str:
    """How it ended, in a word."""
    try:
        ledger.commit(change)
    except PodEipError as error:
        return type(error).__name__
    return "written"


def wait_queued(ledger: DynamoLedger, count: int) -> None:
    """Until just so many changes wait for the next group."""
    deadline = time.monotonic() + CALL_S
    while ledger.queued() != count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{ledger.queued()} changes wait, not {count}")
        time.sleep(0.01)


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(table: str) -> None:
    """Play it."""
    create_table(table, region=REGION, call_timeout=CALL_S)
    handle = open_table(table, region=REGION, call_timeout=CALL_S)
    ledger = DynamoLedger(handle, INSTALL, cluster_name="a", scope="", version="0", silence_s=60, call_timeout=CALL_S)
    ledger.begin_term("me")
    with ThreadPoolExecutor() as pool:
        pool.submit(ledger.heartbeat)
        say("begun")
        sys.stdin.readline()  # the heartbeat has left the queue and is held on its way
        claims = [pool.submit(commit, ledger, claim(name)) for name in ("one", "two")]
        wait_queued(ledger, len(claims))
        say("queued")
        say(" ".join(sorted(claim.result() for claim in claims)))
    ledger.close()


if __name__ == "__main__":
    main(sys.argv[1])
