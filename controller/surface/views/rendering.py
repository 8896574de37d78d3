"""Templates to HTML: every value that is not marked as HTML is escaped, and made legible first.

The status has text that strangers wrote into their Pods. Both happens here, in one place, for all that a template
shows, so that no template can forget it.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from controller.core.contract import legible
from controller.surface.views import words
from controller.surface.views.links import Links

ROWS_KEPT = 1024
UNKNOWN = "–"
_ENDS = (".html",)


@cache
def pages() -> "Pages":
    """The templates of this process."""
    return Pages()


class Pages:
    """All templates, compiled once: that takes a tenth of a second, which is no request's. Thread-safe."""

    def __init__(self) -> None:
        folder = resources.files("controller.surface.views").joinpath("templates")
        texts = {each.name: each.read_text("utf-8") for each in folder.iterdir() if each.name.endswith(_ENDS)}
        self._environment = Environment(
            loader=DictLoader(texts),
            autoescape=True,
            finalize=shown,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {"duration": words.duration, "ago": words.ago, "clock": words.clock}
        # A row is a value: while it is the same, so is its HTML.
        rows: Any = self._environment.get_template("row.html").module
        self._environment.globals["pod_row"] = lru_cache(ROWS_KEPT)(rows.row)
        self._templates = {name: self._environment.get_template(name) for name in texts}

    def render(self, name: str, links: Links, values: Mapping[str, Any]) -> bytes:
        """The HTML of one template."""
        return self._templates[name].render(values, links=links).encode("utf-8", "backslashreplace")


def shown(value: object) -> object:
    """What is shown for a value: text made legible, and a dash for what is not known. It is escaped afterwards."""
    if value is None:
        return UNKNOWN
    if isinstance(value, str) and not isinstance(value, Markup) and not (value.isascii() and value.isprintable()):
        return legible(value)
    return value
