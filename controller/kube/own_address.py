"""Where the other replicas reach this one: the address that stands on the Lease while it leads.

What `--listen` names is taken where it is an address. Where it is every address of the machine, the Pod's IP is: the
kubelet sets it in POD_IP (the chart asks for it: Kubernetes documentation, Downward API, `status.podIP`). With
`hostNetwork` that is the node's address, which is where the port is then.
"""

from collections.abc import Mapping
from ipaddress import ip_address

from controller.core.values import Endpoint

POD_IP = "POD_IP"


def own_address(listen: Endpoint, env: Mapping[str, str]) -> Endpoint | None:
    """Address and port; None where they are not known: then nobody can ask this replica while it leads."""
    for host in (listen.host, env.get(POD_IP, "").strip()):
        try:
            if not ip_address(host).is_unspecified:
                return Endpoint(host=host, port=listen.port)
        except ValueError:
            continue
    return None
