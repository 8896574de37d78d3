"""`make install` takes a part of what dev.lock names: it is held to the versions and hashes as the whole is."""

import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.image.tree import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
NEEDS: dict[str, tuple[str, ...]] = {"outer": ("inner>=1",), "inner": ()}


def wheel(folder: Path, name: str, version: str) -> str:
    """Write a package without contents; the hash of its file."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *NEEDS[name]]
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{info}/METADATA", "\nRequires-Dist: ".join(metadata) + "\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Shop:
    """An index that is a folder: `outer` needs `inner`, and there is a newer `inner` than the lock has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hashes = {name: wheel(folder, name, "1.0") for name in NEEDS}
        wheel(folder, "inner", "2.0")

    def options(self, hashes: Mapping[str, str]) -> list[str]:
        """What `make install` gives to uv, for a lock of these hashes and a project that needs `outer`."""
        lock, project = self.folder / "a.lock", self.folder / "pyproject.toml"
        lock.write_text("".join(f"{name}==1.0 --hash=sha256:{value}\n" for name, value in hashes.items()))
        project.write_text('[project]\nname = "ours"\nversion = "1"\ndependencies = ["outer"]\n')
        [said] = re.findall(r"^\t\$\(UV\) (pip install .*) --python \S+ \\\n", MAKEFILE, re.MULTILINE)
        assert isinstance(said, str)
        return [*said.replace("requirements/dev.lock", str(lock)).split(), "-r", str(project)]

    def install(self, options: list[str]) -> tuple[set[str], str]:
        """The packages that are there after `uv OPTIONS`, and what uv said."""
        target = self.folder / "installed"
        where = ["--no-index", "--find-links", str(self.folder), "--python", sys.executable, "--target", str(target)]
        command = [str(Path(sys.prefix) / "bin" / "uv"), *options, "--no-cache", *where]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        found = {path.stem for path in target.glob("*.dist-info")}
        assert (done.returncode == 0) == bool(found), done.stderr
        return found, done.stderr


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_part_has_the_versions_of_the_lock(shop: Shop) -> None:
    assert shop.install(shop.options(shop.hashes))[0] == {"outer-1.0", "inner-1.0"}


@pytest.mark.parametrize("name", NEEDS)
def test_a_file_with_another_hash_is_refused(shop: Shop, name: str) -> None:
    found, said = shop.install(shop.options(shop.hashes | {name: "0" * 64}))
    assert not found
    assert "Hash mismatch" in said


@pytest.mark.parametrize("name", NEEDS)
def test_a_package_that_the_lock_does_not_name_is_refused(shop: Shop, name: str) -> None:
    hashes = {other: value for other, value in shop.hashes.items() if other != name}
    found, said = shop.install(shop.options(hashes))
    assert not found
    assert "no trusted hash" in said


def test_without_the_option_it_would_be_installed(shop: Shop) -> None:
    options = shop.options({"outer": shop.hashes["outer"]})
    options.remove("--require-hashes")
    assert shop.install(options)[0] == {"outer-1.0", "inner-2.0"}
