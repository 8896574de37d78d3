"""The end of the demo as an SVG, for those who read about it before they run it."""

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from sandbox.demo.screen import TITLE, told

WIDTH = 112
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def write(path: Path, lines: Sequence[tuple[float, str]], ending: Sequence[RenderableType]) -> None:
    """Draw what was said and how it ended; the font is whatever the reader's browser has, for nothing is fetched."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(TITLE, style="bold"))
    for seconds, text in lines:
        console.print(told(seconds, text))
    for part in ending:
        console.print(part)
    drawn = console.export_svg(title="make demo", unique_id="demo")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_FONT_FACE.sub("", drawn), encoding="utf-8")
