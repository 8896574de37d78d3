"""What is looked at of the cluster, and of the VPC around its nodes."""

from collections.abc import Callable, Iterable, Iterator

from controller.core.diagnosis import cluster, rbac
from controller.core.diagnosis import network as judged
from controller.core.diagnosis.finding import Check, Finding, Questions, broken, fine, not_looked_at, said
from controller.core.diagnosis.rights import Tried
from controller.doctor import network, rights
from controller.doctor.scene import Scene, or_else
from controller.kube.namespace import own_namespace
from controller.kube.replicas import selector_of
from state.errors import AccessDenied, Misconfigured, PodEipError
from state.model import InstallKey

Look = tuple[Check, Callable[[], Iterable[Finding]]]


def checks(scene: Scene, questions: Questions, *, aws: bool) -> Iterator[Look]:
    """What is looked at, in order; what needs AWS only where `aws` says that it can be asked."""
    trouble = _no_api_server(scene)
    if trouble is not None:
        found = trouble
        yield Check.KUBERNETES, lambda: [found]
        return
    yield Check.KUBERNETES, lambda: [fine(Check.KUBERNETES, f"the API server answers; the cluster is {scene.uid}")]
    yield Check.RBAC, lambda: _rbac(scene, pre=questions.pre)
    yield Check.CONTROLLERS, lambda: _controllers(scene, pre=questions.pre)
    if aws:
        yield Check.CLUSTER_NAME, lambda: _installs(scene)
    if aws and not questions.pre:
        yield Check.POOLS, lambda: cluster.of_pools(scene.pods, scene.addresses)
    yield Check.NODES, lambda: _nodes(scene, aws=aws)
    yield Check.EGRESS, lambda: [cluster.of_egress(scene.cluster.cni_settings())]
    if aws:
        yield from _around(scene, questions)


def _around(scene: Scene, questions: Questions) -> Iterator[Look]:
    yield Check.SUBNETS, lambda: network.subnets(scene.ec2, scene.instances)
    if questions.port is not None:
        port = questions.port
        yield Check.SECURITY_GROUPS, lambda: network.security_groups(scene.ec2, scene.instances, port)
    needed = _of_metadata(scene)
    yield Check.METADATA, lambda: [judged.of_metadata(scene.instances if needed else (), needed)]


def _no_api_server(scene: Scene) -> Finding | None:
    """Why there is no API server to ask; None: it answers."""
    try:
        scene.uid  # noqa: B018
    except Misconfigured as error:
        if scene.config.kubeconfig:
            return broken(Check.KUBERNETES, said(error))
        return not_looked_at(Check.KUBERNETES, "no kubeconfig is set, and this is no Pod (--kubeconfig)")
    except AccessDenied:
        return None  # it answers; which rights are missing is what RBAC's line says
    except PodEipError as error:
        return broken(Check.KUBERNETES, said(error), error.advice)
    return None


def _rbac(scene: Scene, *, pre: bool) -> Iterator[Finding]:
    config = scene.config
    asked = (
        rbac.of_installer(scene.lease_namespace)
        if pre
        else rbac.of_controller(
            config.watch_namespace or "",
            scene.lease_namespace,
            config.lease_name,
            own_namespace(),
            lists_replicas=bool(selector_of(scene.environ)),
        )
    )
    denied = [right for right in asked if not scene.cluster.may(right)]
    yield from rbac.of_reviews(scene.cluster.who(), asked, denied, pre=pre)


def _controllers(scene: Scene, *, pre: bool) -> Iterator[Finding]:
    own = f"{scene.lease_namespace}/{scene.config.lease_name}"
    yield from cluster.of_controllers(scene.cluster.controllers(), own, pre=pre)


def _installs(scene: Scene) -> Iterator[Finding]:
    config = scene.config
    if not config.cluster_name:
        yield not_looked_at(Check.CLUSTER_NAME, "--cluster-name is not set")
        return
    own = InstallKey(cluster_uid=scene.uid, lease_namespace=scene.lease_namespace, lease_name=config.lease_name)
    scope = config.watch_namespace or ""
    yield from cluster.of_installs(own, config.cluster_name, scope, scene.table.installs())


def _nodes(scene: Scene, *, aws: bool) -> Iterator[Finding]:
    asking = {f"{pod.namespace}/{pod.name}": pod.node for pod in or_else(lambda: scene.asking, ())}
    tried = or_else(lambda: _on_auto_mode(scene), None) if aws else None
    yield from cluster.of_nodes(scene.nodes, asking, tried)


def _on_auto_mode(scene: Scene) -> Tried | None:
    """What EC2 says of an association on a node of Auto Mode, before a Pod is there that needs one."""
    ids = [node.instance_id for node in scene.nodes if node.compute == cluster.AUTO_MODE and node.instance_id]
    found = network.instances(scene.ec2, ids[:1])
    interfaces = [interface for instance in found for interface in instance.get("NetworkInterfaces", ())]
    if not interfaces:
        return None
    return rights.at_interface(scene.ec2, scene.addresses, scene.place, interfaces[0])


def _of_metadata(scene: Scene) -> list[str]:
    """What a replica takes from instance metadata, in words."""
    config, environ = scene.config, scene.environ
    region = config.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    found = {"the Region": not region, "the VPC": not config.vpc_id}
    of_role = {judged.CREDENTIALS: scene.keeper.source == "iam-role"}
    return [what for what, needed in {**found, **of_role}.items() if needed]
