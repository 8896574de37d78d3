"""Runs Prometheus's own promtool."""

import subprocess

from tests.real.catalogue import parts

PROMTOOL_S = 60.0


def promtool(*arguments: str, stdin: str = "") -> tuple[int, str]:
    """Its exit code, and all that it wrote."""
    program = parts()["promtool"].program()
    assert program is not None, "promtool has not been built: python -m tests.real.build --only promtool"
    argv = [str(program), *arguments]
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=PROMTOOL_S, check=False)
    return done.returncode, done.stdout + done.stderr
