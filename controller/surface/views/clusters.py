"""The installs that share the table: who they are, what they hold, and whether they are still heard of."""

from collections.abc import Mapping
from typing import Any

from controller.surface.views import words
from controller.surface.views.asked import Asked
from controller.surface.views.links import Links
from controller.surface.views.paging import Page, cut


def cluster_list(status: Mapping[str, Any], asked: Asked, links: Links) -> Page:
    """All of them, in the document's order."""
    page = cut(status["clusters"], asked, links, "clusters", {})
    return page.with_rows([{**each, "silent": words.duration(each.get("silent_s"))} for each in page.rows])
