"""The demo's traces: a clear word where Jaeger is not here, and nothing started where nobody asks for it."""

import os
import subprocess
import sys
from pathlib import Path

from sandbox.demo.traces import jaeger, sending
from sandbox.world import WorldSettings


def test_without_jaeger_it_says_how_to_get_it(tmp_path: Path) -> None:
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    env.pop("KUBEBUILDER_ASSETS", None)
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "--traces"], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "Jaeger has not been built here: `python -m tests.real.build --only jaeger` does it" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_nobody_asks_for_traces(tmp_path: Path) -> None:
    with jaeger(tmp_path, wanted=False) as found:
        assert found is None
        settings = WorldSettings()
        assert sending(settings, found) is settings
    assert not list(tmp_path.iterdir())
