"""Tables of the documentation that the code has as data: each stands between two comments that name what makes it."""

import re
from collections.abc import Callable, Mapping


def made_anew(text: str, blocks: Mapping[str, Callable[[], str]], made: str) -> str:
    """This page with its tables made anew; `made` says how. ValueError where one has no place in it."""
    for name, make in blocks.items():
        begin, end = f"<!-- {name}: {made} -->\n", f"<!-- end of {name} -->\n"
        place = re.findall(f"{re.escape(begin)}.*?{re.escape(end)}", text, flags=re.DOTALL)
        if len(place) != 1:
            raise ValueError(f"{len(place)} places for {name}")
        text = text.replace(place[0], f"{begin}\n{make()}\n{end}")
    return text


def table(*heads: str, lines: list[str]) -> str:
    """A table in Markdown with these rows."""
    rows = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *lines]
    return "".join(f"{line}\n" for line in rows)
