"""Where the real parts (kube-apiserver, etcd, DynamoDB Local and others) are kept once they are built or fetched.

They take minutes to build and do not change between checkouts, so they live in the user's cache folder, one folder
for each part and version. A folder is renamed into place when it is complete: if it exists, it can be used. The
sandbox and the tests both look here; the builder alone writes here.
"""

import os
import shutil
from pathlib import Path

DYNAMODB_LOCAL = "3.1.0"  # the newest version that has been tested; the builder passes it to Maven
JAEGER = "1.76.0"  # as the builder's recipe has it


def root() -> Path:
    """The folder of all parts: below `$XDG_CACHE_HOME`, or `~/.cache` where that is unset (XDG Base Directory)."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "aws-pod-eip-controller" / "real"


def folder(part: str, version: str) -> Path:
    """The folder of one part at one version, whether or not it has been built."""
    return root() / f"{part}-{version}"


def assets() -> Path | None:
    """The folder that `$KUBEBUILDER_ASSETS` names, which other tools fill with kube-apiserver, etcd and kubectl."""
    value = os.environ.get("KUBEBUILDER_ASSETS")
    return Path(value) if value else None


def program(name: str, version: str) -> Path | None:
    """The executable of a part: from `$KUBEBUILDER_ASSETS` if it is there, else from the cache, else None."""
    places = [folder(name, version) / name]
    if given := assets():
        places.insert(0, given / name)
    return next((place for place in places if os.access(place, os.X_OK) and place.is_file()), None)


def dynamodb_local() -> Path | None:
    """The folder of DynamoDB Local's jars if it has been fetched and Java is here to run it, else None."""
    jars = folder("dynamodb-local", DYNAMODB_LOCAL)
    return jars if jars.is_dir() and shutil.which("java") else None
