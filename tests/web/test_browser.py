"""The status page in a real Chromium: what people do with it at a desk, on a phone, in the dark, by keyboard alone."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from tests.web import browser
from tests.web.accessibility import violations
from tests.web.harness import LIMIT_S, Replica, answers, replica, until
from tests.web.night import night, put

missing = browser.missing()
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        bool(missing) and not os.environ.get("CI"), reason=f"not here: {', '.join(missing)}; `make browser` gets it"
    ),
]
VIEWS = ("/", "/pods/lobby/lobby-42", "/pods/no/such", "/pools", "/pools?key=game-ips", "/clusters", "/controller")
ROW = "8b0c1f6e-6f0b-4c55-9d0a-{:012d}"
EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>'\"&"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A browser in front of a replica whose status can be changed."""

    driver: webdriver.Chrome
    server: Replica
    file: Path

    def open(self, path: str) -> None:
        """Load a view."""
        self.driver.get(f"http://127.0.0.1:{self.server.port}{path}")

    def show(self, status: dict[str, Any]) -> None:
        """What the replica answers from now on: a document is kept for a second, so wait for that to pass."""
        put(self.file, status)
        until(lambda: json.loads(self.server.get("/api/v1/status").data)["pods"] == status["pods"])

    def find(self, css: str) -> WebElement:
        """The first element of this selector."""
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def follow(self, css: str) -> None:
        """Click on what loads a page anew, and wait for the new one: a click may return before it is there."""
        page = self.find("html")
        self.find(css).click()
        WebDriverWait(self.driver, LIMIT_S).until(staleness_of(page))
        until(lambda: self.ask("document.readyState") == "complete")

    def rows(self) -> list[str]:
        """The keys of the rows of Pods, in their order."""
        script = "return [...document.querySelectorAll('#pod-rows tr[data-key]:not(.why)')].map(row => row.dataset.key)"
        found: list[str] = self.driver.execute_script(script)
        return found

    def ask(self, script: str) -> Any:
        """What a line of JavaScript answers."""
        return self.driver.execute_script(f"return {script}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Replica, Path]]:
    folder = tmp_path_factory.mktemp("page")
    file = folder / "status.json"
    put(file, night())
    more = ("--trace-url", "https://jaeger.example/trace/{trace_id}")
    with replica(folder, *more, env={"REPLICA_STATUS": str(file)}) as one:
        until(answers(one))
        yield one, file


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with browser.chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def screen(server: tuple[Replica, Path], driver: webdriver.Chrome) -> Screen:
    found = Screen(driver=driver, server=server[0], file=server[1])
    found.show(night())
    browser.window(driver, browser.DESK)
    browser.scheme(driver, "light")
    browser.scripts(driver, allowed=True)
    browser.complaints(driver)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [browser.DESK, browser.PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", VIEWS)
def test_the_accessibility_checker_finds_nothing(screen: Screen, path: str, size: tuple[int, int], scheme: str) -> None:
    browser.window(screen.driver, size)
    browser.scheme(screen.driver, scheme)
    screen.open(path)
    assert violations(screen.driver) == []


def test_the_accessibility_checker_would_find_something(screen: Screen) -> None:
    screen.open("/")
    screen.driver.execute_script("document.querySelector('form button').textContent = ''")
    assert [line.partition(":")[0] for line in violations(screen.driver)] == ["button-name"]


@pytest.mark.parametrize("path", VIEWS)
def test_nothing_is_wider_than_a_phone(screen: Screen, path: str) -> None:
    long = {"namespace": "n" * 63, "node": "o" * 253, "error": "e" * 300, "public_ip": "255.255.255.255"}
    status = night(60)
    status["pods"] += [{**pod, **long, "phase": "invalid", "name": "m" * 253} for pod in status["pods"][:5]]
    screen.show(status)
    browser.window(screen.driver, browser.PHONE)
    for place in (path, f"/pods/{'n' * 63}/{'m' * 253}"):
        screen.open(place)
        assert screen.ask("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("path", VIEWS)
def test_the_policy_refuses_nothing_that_the_page_needs(screen: Screen, path: str) -> None:
    screen.open(path)
    until(lambda: screen.find("#live").text == "Live")
    wrong = [line for line in browser.complaints(screen.driver) if "404" not in line]
    assert wrong == []


def test_without_javascript_all_is_there(screen: Screen) -> None:
    browser.scripts(screen.driver, allowed=False)
    screen.open("/")
    assert "3,000" in screen.find("#count").text
    screen.find("[name=q]").send_keys("lobby-4")
    screen.follow("form button")
    assert "that match" in screen.find("#count").text
    screen.follow("th[aria-sort=none] a")
    assert "q=lobby-4" in screen.driver.current_url
    assert "sort=name" in screen.driver.current_url
    screen.follow("#pod-rows tbody a")
    assert screen.find("h1").text == "lobby-40"
    assert "has no free address" in screen.find("article").text
    assert screen.find("#live").text == ""


def test_a_renewal_keeps_selection_focus_scroll_and_nodes(screen: Screen) -> None:
    screen.open("/")
    link = screen.find(f"tr[data-key='{ROW.format(3)}'] a")
    screen.driver.execute_script("arguments[0].focus(); scrollTo(0, 150)", link)
    screen.driver.execute_script(
        "getSelection().setBaseAndExtent(arguments[0].lastChild, 1, arguments[0].lastChild, 6); window.mark = 1", link
    )
    status = night()
    status["pods"][0] |= {"phase": "claimed", "public_ip": "203.0.113.77"}  # a row above moves away
    status["pods"][20] |= {"phase": "invalid", "error": "wrong"}  # and another one comes in above
    screen.show(status)
    until(lambda: ROW.format(20) in screen.rows()[:3])
    assert screen.ask("getSelection().toString()") == "obby-"
    assert screen.driver.switch_to.active_element == link
    assert screen.ask("[scrollY, window.mark]") == [150, 1]
    assert screen.ask("document.querySelector('h1, h2') !== null && document.title").startswith("Pods")


def test_what_is_selected_stays_where_its_row_moves(screen: Screen) -> None:
    screen.open("/")
    link = screen.find(f"tr[data-key='{ROW.format(6)}'] a")
    screen.driver.execute_script(
        "arguments[0].focus(); getSelection().setBaseAndExtent(arguments[0].lastChild, 0, arguments[0].lastChild, 5)",
        link,
    )
    status = night()
    status["pods"][6] |= {"phase": "invalid", "error": "wrong"}
    screen.show(status)
    until(lambda: screen.rows().index(ROW.format(6)) < 2)
    assert screen.ask("getSelection().toString()") == "lobby"
    assert screen.driver.switch_to.active_element == link


def test_the_order_after_a_renewal_is_the_server_s(screen: Screen) -> None:
    screen.open("/?sort=name")
    status = night()
    for number in (1, 5, 9, 13, 40, 41):
        status["pods"][number] |= {"namespace": "aaa"}
    status["pods"].reverse()
    screen.show(status)
    until(lambda: len(screen.driver.find_elements(By.CSS_SELECTOR, "tr[data-key] a[href*='/aaa/']")) == 6)
    renewed = screen.rows()
    screen.open("/?sort=name")
    assert renewed == screen.rows()


def test_what_is_typed_filters_in_place_and_is_not_undone(screen: Screen) -> None:
    screen.open("/")
    screen.driver.execute_script("window.mark = 1")
    field = screen.find("[name=q]")
    field.send_keys("lobby-4")
    until(lambda: len(screen.rows()) == 7)
    screen.show(night(2000))
    until(lambda: "of 2,000" in screen.find("#count").text)
    assert (field.get_attribute("value"), screen.ask("window.mark")) == ("lobby-4", 1)
    assert screen.driver.switch_to.active_element == field
    assert "q=lobby-4" in screen.driver.current_url
    assert "7 of 7" in screen.find("#live").text or screen.find("#live").text == "Live"


def test_links_change_the_view_in_place_and_back_undoes_them(screen: Screen) -> None:
    screen.open("/")
    screen.driver.execute_script("window.mark = 1")
    screen.find(".chips [data-key=waiting] a").click()
    until(lambda: len(screen.rows()) == 7)
    assert screen.find("[name=phase]").get_attribute("value") == "waiting"
    screen.driver.back()
    until(lambda: len(screen.rows()) == 50)
    assert screen.find("[name=phase]").get_attribute("value") == ""
    screen.find("a[rel=next]").click()
    until(lambda: "51–100" in screen.find("#count").text)
    assert screen.ask("window.mark") == 1


def test_by_keyboard_alone_one_reaches_a_pod(screen: Screen) -> None:
    screen.open("/")
    keys = webdriver.ActionChains(screen.driver)
    keys.send_keys(Keys.TAB, Keys.ENTER).perform()
    assert screen.driver.switch_to.active_element.get_attribute("id") == "content"
    seen: list[str] = []
    while not (href := screen.driver.switch_to.active_element.get_attribute("href") or "").endswith(
        "/pods/tools/probe-x7k2p"
    ):
        seen.append(href)
        assert len(seen) < 60, seen
        webdriver.ActionChains(screen.driver).send_keys(Keys.TAB).perform()
        outline = screen.ask("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", href
    webdriver.ActionChains(screen.driver).send_keys(Keys.ENTER).perform()
    until(lambda: screen.find("h1").text == "probe-x7k2p")


def test_a_replica_that_is_gone_is_told_and_what_is_shown_stays(screen: Screen) -> None:
    screen.open("/")
    screen.driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    screen.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    until(lambda: "Connection lost" in screen.find("#live").text)
    assert len(screen.rows()) == 50
    screen.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**offline, "offline": False})
    until(lambda: screen.find("#live").text == "Live")


def test_strangers_text_does_nothing_at_the_load_nor_in_a_renewal(screen: Screen) -> None:
    screen.open("/")
    status = night(60)
    status["pods"][0] |= {"name": f"a{EVIL}", "error": EVIL, "mode": EVIL, "node": EVIL, "phase": "invalid"}
    status["cluster"] = EVIL
    screen.show(status)
    until(lambda: EVIL in screen.find("#pod-rows").text)
    for _ in range(2):
        assert screen.ask("document.querySelectorAll('img, main script').length") == 0
        assert screen.ask("document.title") != "owned"
        screen.open("/")
    screen.find("#pod-rows tbody a").click()
    until(lambda: EVIL in screen.find("h1").text)
    assert screen.ask("document.title") != "owned"


def test_a_script_of_a_stranger_would_be_refused(screen: Screen) -> None:
    """The second guard: were something written as HTML, the policy would hold."""
    screen.open("/")
    screen.driver.execute_script(
        "const one = document.createElement('div'); one.innerHTML = arguments[0]; document.body.append(one)", EVIL
    )
    until(lambda: any("Content Security Policy" in line for line in browser.complaints(screen.driver)))
    assert screen.ask("document.title") != "owned"


def test_the_trace_is_a_link(screen: Screen) -> None:
    screen.open("/pods/lobby/lobby-42")
    link = screen.find("a[href^='https://jaeger.example/trace/']")
    assert link.text in (link.get_attribute("href") or "")
