"""One Pod as the API server shows it now, without an informer: for a command that looks once and ends.

Only gets and lists are sent. Patches are refused by the guard, for who asks does not lead.
"""

from controller.core.views import PodView
from controller.kube.cache import Seen, version_number
from controller.kube.connection import Call, Connection, path_of
from controller.kube.decode import Pod, pod_of, pod_page, view_of
from controller.kube.pods import KubePods
from state.errors import ObjectNotFound
from state.model import PodUid


class AskedPods(KubePods):
    """The port `Pods` that knows one Pod, and those that share its IP."""

    def ask(self, connection: Connection, namespace: str, name: str) -> PodView | None:
        """Read this Pod, and the others at its IP; None: there is no such Pod. Raises what the API server answers."""
        path = path_of("api", "v1", "namespaces", namespace, "pods", name)
        try:
            found = pod_of(connection.send(Call(verb="get", resource="pods", path=path)))
        except ObjectNotFound:
            self._cache.replace(())
            return None
        view = view_of(found)
        others = self._at(connection, view.ip) if view.ip else ()
        self._cache.replace(_seen(pod) for pod in {pod.metadata.uid: pod for pod in (*others, found)}.values())
        return view

    def seen_deleted(self, uid: PodUid) -> bool:
        """Whether the API server does not have it: it was just asked."""
        return self.get(uid) is None

    def _at(self, connection: Connection, ip: str) -> tuple[Pod, ...]:
        """The Pods with this IP; `status.podIP` is one of the fields that Pods can be selected by."""
        query = [("fieldSelector", f"status.podIP={ip}"), ("limit", "500")]
        call = Call(verb="list", resource="pods", path=path_of("api", "v1", "pods"), query=query)
        _, pods = pod_page(connection.send(call))
        return tuple(pods)


def _seen(pod: Pod) -> Seen:
    version = version_number(pod.metadata.resource_version)
    return Seen(view_of(pod), version, version)
