"""The environment of the image, made without a network: links to the packages of ours that its lock names."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata, util
from pathlib import Path

from deploy.image import slim

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "run.lock"
OURS = ("controller", "state")
HERE = Path(sys.prefix)
SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


def locked() -> Iterator[metadata.Distribution]:
    """The packages of the image; those that the lock has for other systems only are not here."""
    for name in re.findall(r"^([A-Za-z0-9_.-]+)==", LOCK.read_text(), re.MULTILINE):
        yield from metadata.distributions(name=name)


def installed(package: metadata.Distribution) -> Iterator[Path]:
    """All its files, with the bytecode that is there."""
    assert package.files, f"{package.name} does not say which files it has"
    for file in package.files:
        path = Path(str(file.locate()))
        yield path
        if path.suffix == ".py" and (bytecode := Path(util.cache_from_source(str(path)))).exists():
            yield bytecode


@cache
def files() -> frozenset[str]:
    """What the environment of the image would have, from its root, had nothing been left out."""
    here = HERE.resolve()
    found = (Path(path.parent.resolve(), path.name) for package in locked() for path in installed(package))
    return frozenset(path.relative_to(here).as_posix() for path in found)


def make(folder: Path, paths: Iterable[str]) -> Path:
    """An environment with these files of ours and the program; the path of its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--symlinks", str(folder)], check=True, timeout=60)
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(HERE / path)
    for name in OURS:
        (folder / SITE / name).symlink_to(ROOT / name)
    return folder / "bin" / "python"


def make_slim(folder: Path) -> Path:
    """The one of the image."""
    everything = files()
    gone, kept, _ = slim.TABLES["packages"]
    return make(folder, everything.difference(slim.needless(everything, gone, kept)))
