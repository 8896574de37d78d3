"""Makes the pictures of docs/status-page.md: `python -m tests.web.pictures`, with Chromium on the PATH.

A night of 3,000 Pods, at a fixed moment; the pictures change with the page, and a little with Chromium's fonts.
"""

import tempfile
from pathlib import Path

from tests.web import browser
from tests.web.harness import answers, replica, until
from tests.web.night import night, put

DOCS = Path(__file__).parents[2] / "docs"
DESK = (1180, 760)
PICTURES = (
    ("status-page-pods.png", "/", DESK, "light"),
    ("status-page-pod.png", "/pods/lobby/lobby-42", DESK, "light"),
    ("status-page-phone.png", "/", (browser.PHONE[0], 1100), "dark"),
)


def main() -> None:
    """Write each picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        status = folder / "status.json"
        put(status, night())
        trace = ("--trace-url", "https://jaeger.example/trace/{trace_id}")
        with replica(folder, *trace, env={"REPLICA_STATUS": str(status)}) as server, browser.chromium(folder) as driver:
            until(answers(server))
            for file, path, size, scheme in PICTURES:
                browser.window(driver, size)
                browser.scheme(driver, scheme)
                driver.get(f"http://127.0.0.1:{server.port}{path}")
                driver.save_screenshot(str(DOCS / file))


if __name__ == "__main__":
    main()
