"""`python -m sandbox.kube`: one sandbox cluster as a process of its own, until it is told to stop."""

import argparse
import signal
import threading
from pathlib import Path

from sandbox.kube.server import KubeServer
from sandbox.kube.settings import KubeSettings


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.kube", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port to listen on (0: a free one)")
    parser.add_argument("--name", default="sandbox", help="the cluster's name in the kubeconfig")
    parser.add_argument("--cluster-uid", default="", help="UID of kube-system (default: random)")
    parser.add_argument("--kubelet-seconds", type=float, help="end deleted Pods after at most so many seconds")
    parser.add_argument("--kubeconfig", type=Path, help="write a kubeconfig to this file")
    return parser.parse_args()


def main() -> None:
    """Serve until SIGINT or SIGTERM; the first line printed is the URL."""
    given = _arguments()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = KubeSettings(
        name=given.name, port=given.port, cluster_uid=given.cluster_uid, kubelet_seconds=given.kubelet_seconds
    )
    with KubeServer(settings) as kube:
        if given.kubeconfig:
            kube.control.kubeconfig(given.kubeconfig)
        print(kube.url, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
