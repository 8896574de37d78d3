"""A kubectl that answers from a file, and carries out `exec` on this machine: a kubelet is what a test has not.

It runs as a program of its own. What it is asked it notes, an object a line.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(os.environ.get("STAND_IN", "."))


def main() -> int:
    """Answer, and say so by the exit code."""
    words = sys.argv[1:]
    with (FOLDER / "asked").open("a") as asked:
        asked.write(json.dumps(words) + "\n")
    answers = json.loads((FOLDER / "answers").read_text())
    verbs = [word for word in words if not word.startswith("-")]
    key = " ".join(verbs[:2])
    if verbs[0] == "exec":
        return _run(answers, words)
    code, text = answers.get(key, [1, f"no answer to {key}"])
    (sys.stdout if code == 0 else sys.stderr).write(text)
    return int(code)


def _run(answers: dict[str, object], words: list[str]) -> int:
    """What the container's program would do, done by the replica's command line here."""
    if "exec" in answers:
        sys.stderr.write(str(answers["exec"]))
        return 1
    program, *arguments = words[words.index("--") + 1 :]
    assert program == "aws-pod-eip-controller"
    command = [sys.executable, "-m", "tests.web.replica", *arguments]
    return subprocess.run(command, timeout=60, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
