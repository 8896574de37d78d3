"""`kubectl exec` into the controller's Pods, where `Kubelet` runs them: kwok answers the API server as a kubelet would.

kwok manages no Node here. It speaks the protocol of exec, and runs the command on this machine with the variables of
the Pod's container (kwok.sigs.k8s.io, "Exec").
"""

import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.process import Child, answers, free_port
from tests.real.cluster import RealCluster
from tests.real.process_pod import IP, ProcessPod
from tests.real.servers import START_S

PROGRAM = "aws-pod-eip-controller"
NOBODY = "kwok.example/managed=true"


@contextmanager
def exec_server(real: RealCluster, pods: Sequence[ProcessPod], *, node: str, folder: Path) -> Iterator[None]:
    """While it runs, the API server finds it at this Node, for these Pods."""
    port, config, image = free_port(), folder / "exec.json", folder / "image"
    config.write_text("\n---\n".join(json.dumps(_exec_of(pod)) for pod in pods))
    kwok, path = real.program("kwok"), f"{_image(image)}{os.pathsep}{os.environ['PATH']}"
    flags = [f"--kubeconfig={real.kubeconfig}", f"--config={kwok.parent / 'stages.yaml'}", f"--config={config}"]
    flags += [f"--server-address={IP}:{port}", f"--manage-nodes-with-label-selector={NOBODY}"]
    child = Child([kwok, *flags], log=folder / "exec.log", env={**os.environ, "PATH": path})
    try:
        child.wait_ready(answers(f"http://{IP}:{port}/healthz"), START_S)
        real.serve_kubelet(node, ip=IP, port=port)
        yield
    finally:
        child.stop()


def _image(folder: Path) -> Path:
    """A folder for PATH with the image's entry point."""
    folder.mkdir(exist_ok=True)
    program = folder / PROGRAM
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m controller "$@"\n')
    program.chmod(0o755)
    return folder


def _exec_of(pod: ProcessPod) -> Mapping[str, object]:
    """What kwok has to know of one Pod."""
    names = {key: pod.body["metadata"][key] for key in ("name", "namespace")}
    envs = [{"name": name, "value": value} for name, value in pod.environment().items()]
    local = {"containers": [pod.container["name"]], "local": {"workDir": os.getcwd(), "envs": envs}}
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Exec", "metadata": names, "spec": {"execs": [local]}}
