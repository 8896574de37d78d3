"""What one simulated account and Region is like: limits, speed, and where AWS's own texts disagree.

Everything that a test may want to vary is a field here, so that the state machine needs no switches of its own.
The defaults are a fast, generous, consistent EC2; each field says what the real one does where that is less kind.
Settings can be changed while the server runs; a change holds from the next call on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sandbox.iam.role import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A token bucket: `capacity` calls at once, then `refill_per_s` calls a second."""

    capacity: float
    refill_per_s: float


_MUTATION = Bucket(capacity=50, refill_per_s=5)
_TAGGING = Bucket(capacity=100, refill_per_s=10)
_READ = Bucket(capacity=100, refill_per_s=20)

UNFILTERED_INTERFACES = "DescribeNetworkInterfaces:unfiltered"

AWS_BUCKETS: Mapping[str, Bucket] = {
    "AllocateAddress": _MUTATION,
    "AssociateAddress": _MUTATION,
    "DisassociateAddress": _MUTATION,
    "ReleaseAddress": _MUTATION,
    "CreateTags": _TAGGING,
    "DeleteTags": _TAGGING,
    "DescribeAccountAttributes": _READ,
    "DescribeAddresses": _READ,
    "DescribeNetworkInterfaces": _READ,
    UNFILTERED_INTERFACES: Bucket(capacity=50, refill_per_s=10),
}
"""The default limits of one account and Region, from the EC2 API throttling page of the AWS documentation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ec2Settings:
    """One account in one Region. Times are in seconds."""

    region: str = "us-west-2"
    account: str = "123456789012"
    quota: int | None = None
    """Addresses of the Amazon pool that the account may hold, also as DescribeAccountAttributes says it; None is no
    limit, and nothing is said of it. The real default is 5."""
    pools: tuple[str, ...] = ()
    """Public IPv4 pools that exist besides `amazon`."""
    border_groups: tuple[str, ...] = ()
    """Network border groups that exist besides the Region's own."""
    occupied_ip: Literal["displace", "refuse"] = "displace"
    """A private IP that has another address already: the API reference says displaced, users report a refusal."""
    default_vpc: bool = False
    """Whether the VPC is a default VPC, where releasing an associated address silently cuts it."""
    idempotent_disassociate: bool = False
    """Whether an unknown association id is answered with success, as documented, or InvalidAssociationID.NotFound."""
    latency_s: float = 0.0
    """How long a call takes; half of it before its effect, half after."""
    latency_by_action: Mapping[str, float] = field(default_factory=dict)
    """Exceptions from `latency_s`, by the name of the action."""
    read_lag_s: float = 0.0
    """Describe calls show the state of so long ago."""
    interface_lag_s: float = 0.0
    """DescribeNetworkInterfaces shows the state of so long ago, if that is longer: new interfaces and IPs show late."""
    tag_key_limit: int = 128
    """Characters of a tag's key: the EC2 user guide says 128, the API reference's type `Tag` says 127."""
    new_id_lag_s: float = 0.0
    """A mutation that names an id younger than this is told that it does not exist."""
    dry_run_validates: bool = True
    """Whether a dry run meets the refusals of the real call too, or the check of the right alone."""
    dry_run_obeyed: bool = True
    """Whether a mutation that is marked as a dry run is left undone. No stand-in for EC2 has to know the mark."""
    clock_ahead_s: float = 0.0
    """How far the date of the answers is ahead of the machine's."""
    role: Role = field(default_factory=Role)
    """Whose credentials the clients have, for STS and IAM's simulator. EC2 itself asks no policy: see `faults`."""
    throttle: bool = False
    """Whether the buckets count."""
    buckets: Mapping[str, Bucket] = field(default_factory=lambda: dict(AWS_BUCKETS))
    """A bucket for each action; an action without one is not limited."""

    def latency_of(self, action: str) -> float:
        """Seconds that a call of `action` takes."""
        return self.latency_by_action.get(action, self.latency_s)
