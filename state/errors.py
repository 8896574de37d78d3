"""One tree of errors, so that a caller decides by the class alone.

Adapters turn the codes of EC2, DynamoDB and Kubernetes into these classes. The code itself is kept, since people search
for it, and `advice` says what to do about it. The first level answers the one question that matters to the caller of a
mutation: did it happen?

    PodEipError
    ├── Refused            no, and the same call will be refused again
    │   ├── QuotaExceeded · PoolNotFound · BorderGroupMismatch
    │   ├── AccessDenied ── NoCredentials
    │   ├── AlreadyAssociated · InvalidTarget · TargetNotReady · AddressInUse
    │   ├── AddressNotFound · AssociationNotFound · InterfaceNotFound · AddressForeign
    │   ├── ObjectNotFound · ObjectConflict · ObjectInvalid · VersionExpired      (Kubernetes)
    │   └── ConditionLost · TableMissing · TableNotUsable · ItemUnreadable        (DynamoDB)
    ├── NotSent            no, we did not ask
    │   ├── NotLeading     the deadline of our leadership does not leave time for it
    │   ├── Fenced         a newer epoch exists
    │   ├── ScopeOverlap   another install of this cluster watches the same namespaces
    │   └── LedgerSilent   no write of ours was accepted lately
    ├── Throttled          no, but later it may be
    ├── Unavailable        no answer that says whether (time-out, 5xx, lost reply): perhaps
    ├── Misconfigured      what we were started with is wrong
    └── NoSuchTransition   no: a mistake of ours, found before anything was written
"""

from collections.abc import Container, Sequence
from typing import Any


class PodEipError(Exception):
    """The base of all errors that this program expects; `code` is the remote side's own code."""

    advice = ""

    def __init__(self, message: str, *, code: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__
        self.advice = advice or type(self).advice

    def explain(self) -> str:
        """One line for a person: the code, what was said, and what to do about it."""
        parts = [f"{self.code}: {self.message}" if self.code not in self.message else self.message, self.advice]
        return ". ".join(part.rstrip(".") for part in parts if part)

    def label(self, known: Container[str]) -> str:
        """The code for a metric: one of `known`, or the name of an error's class; else `other`, because a
        remote side may answer with anything.
        """
        classes = (type(self).__name__, type(self.__cause__).__name__)
        return self.code if self.code in classes or self.code in known else "other"


class Refused(PodEipError):
    """The call was answered with a definite no: nothing has changed."""


class QuotaExceeded(Refused):
    """`AddressLimitExceeded`: the account has as many addresses in this Region as its quota allows."""

    advice = "Ask for a higher 'EC2-VPC Elastic IPs' quota in Service Quotas, or release addresses that nobody uses"


class PoolNotFound(Refused):
    """The public IPv4 pool that `auto` is to allocate from does not exist."""

    advice = "Name a pool that `aws ec2 describe-public-ipv4-pools` lists, or leave the annotation out"


class BorderGroupMismatch(Refused):
    """Address and interface belong to different network border groups."""

    advice = "Use addresses of the network border group that the Pod's node is in"


class AccessDenied(Refused):
    """The call is not allowed; `advice` depends on the server's message."""


class NoCredentials(AccessDenied):
    """There are no credentials, or none that AWS accepts: no call is possible."""

    def label(self, known: Container[str]) -> str:
        """As the others', but who denies a role to us (STS) is not who denies a call."""
        found = super().label(known)
        return type(self).__name__ if found.startswith("AccessDenied") else found


class AlreadyAssociated(Refused):
    """`Resource.AlreadyAssociated`: the address, or the private IP, is associated with something else."""


class InvalidTarget(Refused):
    """The private IP is not on the interface."""


class TargetNotReady(Refused):
    """The instance is still starting, or its VPC has no Internet gateway yet. A later call may succeed."""

    advice = "It is tried again; if it lasts, look at the state of the instance and at the VPC's Internet gateway"


class AddressInUse(Refused):
    """`InvalidIPAddress.InUse`: an address that is still associated cannot be released."""


class AddressNotFound(Refused):
    """The allocation id is unknown: released, or too new to be seen yet."""


class AddressForeign(Refused):
    """`AuthFailure`: the address belongs to another account now."""


class AssociationNotFound(Refused):
    """The association id is unknown: cut, or too new to be seen yet."""


class InterfaceNotFound(Refused):
    """The network interface is gone, and with it its associations."""


class ObjectNotFound(Refused):
    """Kubernetes: 404."""


class ObjectConflict(Refused):
    """Kubernetes: 409, another version or UID than expected, or the name is taken."""


class ObjectInvalid(Refused):
    """Kubernetes: 400 or 422, the object is not acceptable."""


class VersionExpired(Refused):
    """Kubernetes: 410, the resource version or continue token is too old."""


class ConditionLost(Refused):
    """A conditional write found another item than expected; `current` is what stands there (None: nothing)."""

    def __init__(self, message: str, *, current: Any = None, code: str = "ConditionalCheckFailed") -> None:
        super().__init__(message, code=code)
        self.current = current


class TableMissing(Refused):
    """The DynamoDB table does not exist."""


class TableNotUsable(Refused):
    """The DynamoDB table exists but has other keys than ours."""


class ItemUnreadable(Refused):
    """A table item that this release cannot read: damaged, or written by a newer schema version."""


class NotSent(PodEipError):
    """The call was not sent."""


class NotLeading(NotSent):
    """The call's time limit would end after the deadline of our leadership."""


class Fenced(NotSent):
    """A newer epoch exists: another replica leads."""


class ScopeOverlap(NotSent):
    """Another install of this cluster, which may live, watches namespaces of ours: both would write the same labels."""

    advice = (
        "Give each install a --watch-namespace of its own, or uninstall one of them; "
        "one that has stopped for good is succeeded within about a minute"
    )


class LedgerSilent(NotSent):
    """No write of ours was accepted lately: other clusters may soon count us as gone, so nothing new is claimed."""

    advice = "Look at the path to DynamoDB"


class Throttled(PodEipError):
    """The remote side asks to slow down: nothing has changed."""

    advice = "Nothing to do: it is tried again, more slowly"


class Unavailable(PodEipError):
    """No answer, or one that does not say whether it happened."""

    advice = "It is tried again; if it lasts, look at the network path and the service's health"


class Misconfigured(PodEipError):
    """What the program was started with is wrong; `faults` has one line for each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults), code="Misconfigured")
        self.faults = tuple(faults)


class NoSuchTransition(PodEipError):
    """A claim would change from one phase to another in a way that the table of phases does not have."""

    advice = "Nothing was written; this is a mistake of the controller's, so please report it with its log"
