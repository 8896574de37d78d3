"""The view of one Pod: its whole story, from the status and from what the leader explains."""

from typing import Any

from controller.core.contract import legible
from tests.web.asked import Asked
from tests.web.night import night
from tests.web.pages import EVIL, Document, Html, page


def test_a_pod_has_its_story() -> None:
    status = night(300)
    story = page("/pods/lobby/lobby-42", status).text
    for word in ("waiting", "pool 'game-ips' has no free address", "fixed-tag", "within a minute", "Next action"):
        assert word in story
    assert status["pods"][2]["node"] in story
    assert page("/pods/lobby/lobby-42", status).links().get("../../pools?key=game-ips")


class Explaining(Document):
    """A source that explains each Pod with these words."""

    def __init__(self, status: dict[str, Any], words: dict[str, Any]) -> None:
        super().__init__(status)
        self._words = words

    def explain(self, namespace: str, name: str, *, own: bool = False) -> dict[str, Any] | None:
        """The words, for whichever Pod."""
        return self._words


def told(**words: Any) -> str:
    """The text of the view of a Pod of which the leader says so."""
    status = night(20)
    said = {"uid": status["pods"][2]["uid"], "summary": "The Pod waits", "answered_by": {"leads": True}, **words}
    return Html(Asked("/pods/lobby/lobby-42", Explaining(status, said)).body).text


def test_an_explanation_is_the_story() -> None:
    parts = ("asks", "policy", "ledger", "ec2", "next", "tried", "remedy")
    text = told(**{part: (f"this is {part}{EVIL}",) for part in parts}, next_try="In 9 s")
    places = [text.index(f"this is {part}{legible(EVIL)}") for part in parts]
    assert places == sorted(places)
    assert text.index("The Pod waits") < places[0]
    assert "In 9 s" in text


def test_the_explanation_of_another_pod_of_that_name_is_not_its_story() -> None:
    assert "The Pod waits" not in told(uid="another")


def test_what_a_standby_explains_has_its_notes() -> None:
    text = told(answered_by={"leads": False, "notes": ("This replica does not lead",)})
    assert "This replica does not lead" in text
    assert "It waits for an address" in text


def test_both_pods_of_a_name_have_their_story() -> None:
    status = night(20)
    old = {**status["pods"][1], "phase": "releasing", "uid": "old", "public_ip": "198.51.100.200"}
    status["pods"].insert(0, old)
    story = page("/pods/lobby/lobby-41", status).text
    assert story.index("waiting") < story.index("releasing") < story.index("198.51.100.200")
