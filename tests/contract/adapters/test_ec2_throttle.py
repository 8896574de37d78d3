"""The adapter at a server that counts: a burst in real time, with the buckets ten times as fast as AWS's."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from controller.aws.adapter import Ec2Adapter
from controller.aws.throttle import DEFAULT_LIMITS, RateLimit
from controller.core.views import AllocationRequest
from sandbox.ec2.server import Ec2Server
from sandbox.ec2.settings import AWS_BUCKETS, Bucket, Ec2Settings
from state.errors import Throttled
from tests.contract.adapters.ec2_worlds import REGION, VPC, SwitchGuard

CALLS = 100
ALLOCATE = "AllocateAddress"
LIMIT = RateLimit(burst=20, rate=40)


def test_a_burst_runs_at_the_rate_of_the_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket(capacity=LIMIT.burst, refill_per_s=LIMIT.rate)
    settings = Ec2Settings(throttle=True, latency_s=0.02, buckets={**AWS_BUCKETS, "AllocateAddress": bucket})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "TEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "TEST")
    with Ec2Server(settings) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", server.url)
        ec2 = Ec2Adapter(
            region=REGION,
            vpc_id=VPC,
            guard=SwitchGuard(),
            call_timeout_s=4,
            version="1",
            limits={**DEFAULT_LIMITS, "AllocateAddress": LIMIT},
        )
        started = time.monotonic()
        with ThreadPoolExecutor(20) as pool:
            refused = sum(pool.map(lambda _: allocate(ec2), range(CALLS)))
        seconds = time.monotonic() - started
        ec2.close()
        assert len(server.control.world().addresses) == CALLS
    assert refused <= CALLS * 0.1
    assert seconds < 2.5 * (CALLS - LIMIT.burst) / LIMIT.rate


def allocate(ec2: Ec2Adapter) -> int:
    """Allocate, with a token for each try, after as many refusals as it takes; how many there were."""
    refusals = 0
    while refusals < 20:
        grant = ec2.tokens.take(ALLOCATE)
        if isinstance(grant, float):
            time.sleep(min(grant, 0.02))  # whoever has no token asks again; the product plans others meanwhile
            continue
        try:
            ec2.allocate(AllocationRequest(public_ipv4_pool="amazon", tags={}))
        except Throttled:
            ec2.tokens.settle(ALLOCATE, grant, throttled=True)
            refusals += 1
            continue
        ec2.tokens.settle(ALLOCATE, grant, throttled=False)
        return refusals
    raise AssertionError("throttled for ever")
