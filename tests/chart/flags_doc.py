"""Writes docs/flags.md: `python -m tests.chart.flags_doc`.

The page is made from `SETTINGS`, like the command line itself, so that it cannot tell another story; a test fails
where the file is not what this module would write.
"""

import re
import sys
from pathlib import Path

from controller.core.config import SETTINGS
from controller.core.setting import Setting

PAGE = Path(__file__).parents[2] / "docs" / "flags.md"
NESTED = {"adopt_leftovers": "migration.adoptLeftovers"}
OUTSIDE_THE_CHART = frozenset({"kubeconfig"})
HEAD = """# Settings

<!-- Made by `python -m tests.chart.flags_doc`; do not edit. -->

Every setting is a flag, a variable, and but for the kubeconfig a value of the chart; a flag wins over a variable, and
an empty one counts as not set. Flags are written with two dashes or one, as `--flag VALUE` or `--flag=VALUE`, before or
after the command. Times are seconds, or durations such as `1m30s`. Credentials and endpoints of AWS follow the SDK's
own variables (`AWS_*`), traces those of OpenTelemetry (`OTEL_*`).

| flag | variable | chart | default | meaning |
|---|---|---|---|---|
"""


def chart_value(setting: Setting) -> str | None:
    """The name of the chart's value for a setting, `vpcID` for `vpc_id`; None where the chart has none."""
    if setting.field in OUTSIDE_THE_CHART:
        return None
    if setting.field in NESTED:
        return NESTED[setting.field]
    camel = re.sub(r"_(.)", lambda match: match[1].upper(), setting.field)
    return re.sub(r"Id$", "ID", camel)


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_row(setting) for setting in SETTINGS)


def _row(setting: Setting) -> str:
    value = chart_value(setting)
    cells = (
        f"`{setting.flag} {setting.metavar}`",
        f"`{setting.env}`",
        f"`{value}`" if value else "",
        f"`{setting.default}`" if setting.default is not None else "",
        setting.help,
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
