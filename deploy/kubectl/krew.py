"""Packs the kubectl plugin for krew: the archive, and the manifest that names its digest.

    python deploy/kubectl/krew.py dist --url https://example.com/kubectl-eip.tar.gz

The archive is the same for the same files, so its digest can be checked. The manifest's form is that of
krew.sigs.k8s.io/docs/developer-guide/plugin-manifest. krew links one file into PATH, so completion is installed by a
copy (github.com/kubernetes-sigs/krew/issues/812).
"""

import argparse
import gzip
import hashlib
import io
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILES = (HERE / "kubectl-eip", HERE / "kubectl_complete-eip", ROOT / "LICENSE")
HOMEPAGE = "https://github.com/aws-samples/aws-pod-eip-controller"
DESCRIPTION = """Shows which Pod has which Elastic IP, why one waits and what helps, and whether the
controller can work. The commands run in the Pod of the AWS Pod EIP Controller's
leader, by kubectl exec: this machine needs no rights in AWS.
"""


def archive() -> bytes:
    """The files, as a tar archive that depends on nothing else."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for file in FILES:
            entry = tarfile.TarInfo(file.name)
            body = file.read_bytes()
            entry.size, entry.mode = len(body), 0o755 if file.suffix == "" and "eip" in file.name else 0o644
            tar.addfile(entry, io.BytesIO(body))
    return gzip.compress(plain.getvalue(), mtime=0)


def manifest(packed: bytes, url: str, version: str) -> dict[str, Any]:
    """What krew reads."""
    systems = {"key": "os", "operator": "In", "values": ["darwin", "linux"]}
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "eip"},
        "spec": {
            "version": f"v{version}",
            "homepage": HOMEPAGE,
            "shortDescription": "Explain the Elastic IPs of Pods on EKS",
            "description": DESCRIPTION,
            "platforms": [
                {
                    "selector": {"matchExpressions": [systems]},
                    "uri": url,
                    "sha256": hashlib.sha256(packed).hexdigest(),
                    "bin": "kubectl-eip",
                }
            ],
        },
    }


def main() -> None:
    """Write both into the folder."""
    parser = argparse.ArgumentParser(description="Pack the kubectl plugin for krew.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", required=True, help="where the archive will be found")
    given = parser.parse_args()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    packed = archive()
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "kubectl-eip.tar.gz").write_bytes(packed)
    said = yaml.safe_dump(manifest(packed, given.url, version), sort_keys=False, width=120)
    (given.folder / "eip.yaml").write_text(said)


if __name__ == "__main__":
    main()
