"""The file is followed as a mounted ConfigMap changes, and one that is wrong leaves the last good policy in force."""

import threading
from pathlib import Path

import pytest

from controller.core.policy import Effect
from controller.engine.policy_file import PolicyFile
from state.errors import Misconfigured


class Mount:
    """A volume as the kubelet makes it: the file is a link into a folder that is swapped as a whole."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._versions = folder, 0
        self.path = folder / "policy.yaml"
        self.path.symlink_to(Path("..data") / "policy.yaml")

    def write(self, content: str) -> None:
        """Swap to a new version."""
        self._versions += 1
        version = self._folder / f"..{self._versions}"
        version.mkdir()
        (version / "policy.yaml").write_text(content)
        link = self._folder / "..tmp"
        link.symlink_to(version.name)
        link.rename(self._folder / "..data")


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    made = Mount(tmp_path)
    made.write("default: deny")
    return made


def test_no_file_allows_everything_and_shows_nothing() -> None:
    found = PolicyFile(None)
    assert found.rules().default is Effect.ALLOW
    assert found.status() is None


@pytest.mark.parametrize("content", [None, "", "defalt: deny", "\x00"])
def test_a_wrong_file_at_the_start_is_a_fault_of_the_caller(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "policy.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Misconfigured, match=r"^--policy \(PEC_POLICY\): .*policy\.yaml .*"):
        PolicyFile(path)


def test_bytes_that_are_no_text_are_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(Misconfigured, match="utf-8"):
        PolicyFile(path)


def test_a_wrong_file_later_keeps_what_was_in_force(mount: Mount) -> None:
    found = PolicyFile(mount.path)
    before = found.rules()
    mount.write("defalt: allow")
    assert not found.look()
    assert found.rules() is before
    assert "unknown field `defalt`" in _error(found)
    mount.path.unlink()
    assert not found.look()
    assert "cannot be read: No such file" in _error(found)
    mount.path.symlink_to(Path("..data") / "policy.yaml")
    mount.write("default: deny")
    assert not found.look()
    assert found.rules() is before
    assert _error(found) == ""
    mount.write("default: allow")
    assert found.look()
    assert (found.rules().default, _error(found)) == (Effect.ALLOW, "")


def test_a_change_is_noticed_and_told(mount: Mount) -> None:
    found, changed = PolicyFile(mount.path), threading.Event()
    found.start(changed.set, every_s=0.01)
    try:
        mount.write("default: allow\nlimits: [{name: few, addresses: 1}]")
        assert changed.wait(20)
        status = found.status()
        assert status is not None
        assert (status.default, status.rules, status.limits) == ("allow", 0, 1)
    finally:
        found.stop()


def _error(found: PolicyFile) -> str:
    status = found.status()
    assert status is not None
    return status.error or ""
