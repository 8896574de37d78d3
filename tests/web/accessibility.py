"""axe-core, the accessibility checker, put into a page: https://github.com/dequelabs/axe-core."""

from pathlib import Path
from typing import Any

from selenium import webdriver

from tests.real.catalogue import parts

RUN = (
    "const done = arguments[arguments.length - 1]; axe.run(document).then(done, fault => done({fault: String(fault)}))"
)


def script() -> Path:
    """The file of the checker, as the recipe fetched it."""
    return parts()["axe"].folder / "node_modules" / "axe-core" / "axe.min.js"


def violations(driver: webdriver.Chrome) -> list[str]:
    """What is wrong with the page as it stands, a line for each element; the checker must have found something good."""
    # By the debugger's way: the page's own policy would refuse a script of a stranger, and that is tested elsewhere.
    driver.execute_cdp_cmd("Runtime.evaluate", {"expression": script().read_text("utf-8")})
    found: dict[str, Any] = driver.execute_async_script(RUN)
    assert "fault" not in found, found
    assert len(found["passes"]) > 10, found
    return [f"{rule['id']}: {node['html']}" for rule in found["violations"] for node in rule["nodes"]]
