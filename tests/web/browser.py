"""A real Chromium, driven by WebDriver: Debian's `chromium` and `chromium-driver`, or what the PATH has as these."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

PROGRAMS = ("chromium", "chromedriver")
LOAD_S = 30.0
DESK, PHONE = (1280, 900), (360, 740)


def missing() -> Sequence[str]:
    """Which of the two programs are not on the PATH."""
    return [name for name in PROGRAMS if not shutil.which(name)]


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    """A headless Chromium with a fresh profile below `folder`."""
    options = Options()
    options.binary_location = shutil.which(PROGRAMS[0]) or ""
    # As root there is no sandbox of Chromium's own; a container's /dev/shm is small.
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=shutil.which(PROGRAMS[1])))
    try:
        driver.set_page_load_timeout(LOAD_S)
        driver.set_script_timeout(LOAD_S)
        yield driver
    finally:
        driver.quit()


def window(driver: webdriver.Chrome, size: tuple[int, int], scale: float = 1) -> None:
    """The size of the page in CSS pixels; narrower than a window can be, as a phone is."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width <= PHONE[0]}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def scheme(driver: webdriver.Chrome, name: str) -> None:
    """`light` or `dark`, as the person's system says."""
    features = [{"name": "prefers-color-scheme", "value": name}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def scripts(driver: webdriver.Chrome, *, allowed: bool) -> None:
    """Whether pages may run JavaScript, from the next load on."""
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not allowed})


def complaints(driver: webdriver.Chrome) -> list[str]:
    """What the browser's console says, such as what a Content-Security-Policy refused; each only once."""
    found: list[dict[str, Any]] = driver.get_log("browser")  # type: ignore[no-untyped-call]
    return [str(entry["message"]) for entry in found]
