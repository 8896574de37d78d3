"""What the API server must allow: to the running controller, and, before the install, to the person who installs it.

The first list is that of the chart's roles, and the second that of the chart's kinds; tests compare them with what Helm
renders. The API server is asked by SelfSubjectAccessReview, which everybody may create.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from controller.core.diagnosis.finding import Check, Finding, broken, fine

_LEASES: Final = "coordination.k8s.io"
_EVENTS: Final = ("create", "get", "patch")
_RBAC: Final = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One verb on one resource; `name` and `namespace` empty: all of them."""

    verb: str
    resource: str
    group: str = ""
    name: str = ""
    namespace: str = ""

    @property
    def words(self) -> str:
        """`patch pods/status in game`."""
        named = f" {self.name}" if self.name else ""
        return f"{self}{named}" + (f" in {self.namespace}" if self.namespace else "")

    @property
    def attributes(self) -> dict[str, Any]:
        """As `ResourceAttributes` of the authorization API has it."""
        resource, _, subresource = self.resource.partition("/")
        found = {
            "verb": self.verb,
            "group": self.group,
            "resource": resource,
            "subresource": subresource,
            "name": self.name,
            "namespace": self.namespace,
        }
        return {key: value for key, value in found.items() if value}

    def __str__(self) -> str:
        """`patch pods/status`, as a rule of a Role has it."""
        return f"{self.verb} {self.resource}"


def of_controller(
    watch_namespace: str, lease_namespace: str, lease: str, namespace: str, *, lists_replicas: bool = True
) -> tuple[Right, ...]:
    """What the running controller does in its own `namespace` and elsewhere; an empty `watch_namespace` is all.

    lists_replicas: whether it was told the labels of its own Pods, and so lists them.
    """
    pods = [("pods", ("get", "list", "watch")), ("pods/status", ("patch",)), ("events", _EVENTS)]
    elsewhere = watch_namespace not in ("", namespace)  # then what concerns our own Pods is a right of its own
    own = [("events", verb) for verb in _EVENTS] + [("pods", "list")] * lists_replicas
    return (
        *(Right(verb=verb, resource=what, namespace=namespace) for what, verb in own if elsewhere),
        *(Right(verb=v, resource=what, namespace=watch_namespace) for what, verbs in pods for v in verbs),
        *(Right(verb=verb, resource="nodes") for verb in ("get", "list")),
        Right(verb="get", resource="namespaces", name="kube-system"),
        Right(verb="get", resource="leases", group=_LEASES, name=lease),
        Right(verb="create", resource="leases", group=_LEASES, namespace=lease_namespace),
        *(
            Right(verb=verb, resource="leases", group=_LEASES, name=lease, namespace=lease_namespace)
            for verb in ("update", "watch")
        ),
    )


def of_installer(namespace: str) -> tuple[Right, ...]:
    """What a person makes who installs the chart with its default values."""
    own = [
        ("", "serviceaccounts"),
        ("", "services"),
        ("apps", "deployments"),
        ("policy", "poddisruptionbudgets"),
        (_RBAC, "roles"),
        (_RBAC, "rolebindings"),
    ]
    wide = [
        (_RBAC, "clusterroles"),
        (_RBAC, "clusterrolebindings"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
    ]
    return (
        *(Right(verb="create", resource=what, group=group, namespace=namespace) for group, what in own),
        *(Right(verb="create", resource=what, group=group) for group, what in wide),
    )


def of_reviews(who: str, asked: Sequence[Right], denied: Sequence[Right], *, pre: bool) -> Iterator[Finding]:
    """A line for each right that is denied, or one for all."""
    doing = "install the chart" if pre else "run the controller"
    if not denied:
        yield fine(Check.RBAC, f"{who} may do all that is needed to {doing} ({len(asked)} rights)")
    for right in denied:
        advice = (
            "Ask an administrator of the cluster to install the chart, or for this right"
            if pre
            else "Bind the chart's ClusterRole and Roles to this account"
        )
        yield broken(Check.RBAC, f"{who} may not {right.words}", advice)
