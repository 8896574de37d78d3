"""Most of the image would be files that no process of ours opens: this takes them away, and its tables say why.

    python slim.py packages /opt/venv     the packages of the program
    python slim.py base /                 the Python that the base image came with

It needs nothing but Python: it runs while the image is built. What it takes away is decided by `needless` from the
paths alone. tests/image runs the whole product without these files.
"""

import fnmatch
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

SITE = "lib/python3*/site-packages/"

SERVICES = {
    "dynamodb": "the ledger",
    "ec2": "the addresses",
    "iam": "readiness, doctor: what the role may do",
    "sts": "credentials: a role, a ServiceAccount's web identity; whose they are",
    "sso": "credentials: IAM Identity Center",
    "sso-oidc": "credentials: its token",
    "signin": "credentials: `aws login`",
    "xray": "traces: where X-Ray is; doctor: whether it takes them by OTLP",
}
"""Of 400 services in botocore/data, those of which a client may be made, and what for."""

NEWEST = {"dynamodb": "2012-08-10", "ec2": "2016-11-15"}
"""Of services that come with several API versions, the one that botocore loads: the newest."""

ASYNC_ONLY = (
    "aiohappyeyeballs",
    "aiohttp",
    "aiohttp_retry",
    "aiosignal",
    "attrs",
    "frozenlist",
    "multidict",
    "propcache",
    "yarl",
)
"""Packages that nobody but kubernetes.aio asks for, by folder and by *.dist-info: their metadata goes too, so that
neither a scanner nor the SBOM names what is not there."""

PACKAGES = (
    SITE + "kubernetes/aio/*",  # the client once more, for asyncio
    SITE + "kubernetes/client/api/*",  # the typed API: loaded by name on first use, and we use none of it
    SITE + "kubernetes/client/models/*",  # its objects: as before
    SITE + "botocore/data/*/*",  # one folder a service
    SITE + "boto3/data/*",  # resources and their documents: we make clients only
    SITE + "boto3/examples/*",
    SITE + "attr/*",  # attrs, by its older name
    *(f"{SITE}{name}{rest}" for name in ASYNC_ONLY for rest in ("/*", "-*.dist-info/*")),
    "bin/*",  # other packages' commands, and what activates the environment
)
PACKAGES_KEPT = (
    SITE + "kubernetes/client/api/__init__.py",
    SITE + "kubernetes/client/models/__init__.py",
    *(f"{SITE}botocore/data/{service}/{NEWEST.get(service, '*')}/*" for service in SERVICES),
    "bin/python*",
    "bin/aws-pod-eip-controller",
)

INSTALLERS = ("ensurepip", "pip", "setuptools", "pkg_resources", "wheel")
"""Whoever gets into a container must not find them there; so the build ends if one can still be imported."""

BASE = (
    *(f"usr/*lib/python3*/{name}{rest}" for name in INSTALLERS for rest in ("/*", "-*.dist-info/*", "-*.egg-info/*")),
    "usr/*lib/python3*/_distutils_hack/*",  # a part of setuptools, and the line that loads it
    "usr/*lib/python3*/distutils-precedence.pth",
    "usr/share/python-wheels/*",  # what ensurepip installs from, on Debian
    *(f"usr/*lib/python3*/{name}/*" for name in ("idlelib", "lib2to3", "pydoc_data", "tkinter", "turtledemo")),
    *(f"usr/*bin/{name}" for name in ("2to3*", "idle*", "pip", "pip3*", "pydoc*", "wheel*", "python3*-config")),
)

TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "packages": (PACKAGES, PACKAGES_KEPT, "."),
    "base": (BASE, (), "usr"),
}
"""What goes, what of it stays, and the folder below the root where all of that is."""


def needless(paths: Iterable[str], gone: Iterable[str], kept: Iterable[str]) -> list[str]:
    """Those of the paths that match a pattern of `gone` and none of `kept`; bytecode goes with its source."""
    going, staying = _any_of(gone), _any_of(kept)
    sources = ((path, re.sub(r"__pycache__/([^/.]+)\.[^/]*\.pyc$", r"\1.py", path)) for path in paths)
    return [path for path, source in sources if going.match(source) and not staying.match(source)]


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, patterns)) or r"(?!)")


def files(root: Path, below: str) -> Iterator[str]:
    """All files and links below a folder of the root, as paths from the root; links to folders are not followed."""
    for folder, _, names in os.walk(root / below):
        yield from ((Path(folder) / name).relative_to(root).as_posix() for name in names)


def remove(root: Path, paths: Iterable[str]) -> int:
    """Delete these files, and the folders that are empty then. Bytes that are free now."""
    freed, folders = 0, set[Path]()
    for path in (root / name for name in paths):
        freed += path.lstat().st_size
        path.unlink()
        folders.add(path.parent)
    for folder in sorted(folders, reverse=True):
        _remove_empty(folder, root)
    return freed


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def installers() -> list[str]:
    """Those that this Python can still import."""
    return [name for name in INSTALLERS if importlib.util.find_spec(name)]


def main(argv: list[str]) -> str:
    """Do it, and say what was done; SystemExit with what is wrong."""
    if len(argv) != 2 or argv[0] not in TABLES:
        sys.exit(__doc__)
    gone, kept, below = TABLES[argv[0]]
    root = Path(argv[1])
    paths = needless(files(root, below), gone, kept)
    freed = remove(root, paths)
    if argv[0] == "base" and (left := installers()):
        sys.exit(f"still there: {', '.join(left)}")
    return f"{argv[0]}: {len(paths)} files taken away, {freed / 1e6:.1f} MB"


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]) + "\n")
