"""The command `doctor`: a line for each finding as soon as it is known, or one JSON document; and the exit code."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import click

from controller.core.config import Config
from controller.core.diagnosis.finding import DOCS, Finding, Questions, document, exit_code, lines
from controller.surface.program import say

Examine = Callable[[Config, Questions], Iterable[Finding]]
Settings = Callable[[dict[str, str | None]], Config]

_HELP = (
    "Check what a replica needs of AWS and of the cluster; nothing is changed. "
    "Exit code 1: with warnings, 2: it cannot work."
)


def command(examine: Examine, settings: Settings, options: Sequence[click.Parameter]) -> click.Command:
    """The command, which also takes these options; `settings` turns their values into a configuration."""

    def callback(*, pre: bool, port: int | None, output: str, tolerant: bool, docs: str, **flags: str | None) -> None:
        findings = examine(settings(flags), Questions(pre=pre, port=port))
        if output == "json":
            found = list(findings)
            # JSON escapes all that is not ASCII, and of ASCII all controls but one.
            click.echo(json.dumps(document(found, docs, tolerant=tolerant), indent=2).replace("\x7f", "\\u007f"))
        else:
            found = list(_told(findings, docs))
        sys.exit(exit_code(found, tolerant=tolerant))

    return click.Command("doctor", help=_HELP, params=[*_own(), *options], callback=callback)


def _own() -> list[click.Parameter]:
    return [
        click.Option(["--pre"], is_flag=True, help="Before the install: what can be known without it."),
        click.Option(
            ["--port"],
            type=click.IntRange(1, 65535),
            metavar="NUMBER",
            help="A port that Pods are to be reached at: whether the nodes' security groups let it in.",
        ),
        click.Option(
            ["-o", "--output"],
            type=click.Choice(["text", "json"]),
            default="text",
            help="text: a line for each finding. json: one document.",
        ),
        click.Option(
            ["--docs"],
            metavar="URL",
            default=DOCS,
            help="Where your copy of docs/ is: the links of the findings begin so.",
        ),
        click.Option(["--tolerate-warnings", "tolerant"], is_flag=True, help="Exit code 0 where there are warnings."),
    ]


def _told(findings: Iterable[Finding], docs: str) -> Iterator[Finding]:
    """The same findings; each is printed when it comes."""
    for finding in findings:
        say(*lines(finding, docs))
        yield finding
