"""The commands that only ask: `explain` of a replica, or by itself where none answers.

They have a file of their own, since the command line's has the commands that act.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from controller.core.config import Config
from controller.surface.completion import pods
from controller.surface.output import Form, render
from controller.surface.program import complain
from state.errors import Unavailable

Flags = dict[str, str | None]
Settings = Callable[[Flags], Config]
Direct = Callable[[Config, tuple[str, str]], Mapping[str, Any]]
"""Looks for one Pod by itself; the explanation, as JSON. Raises errors of `state.errors`."""

_HELP = """Say why a Pod has its address, or has none: what it asks for, what the policy, the ledger and EC2 say, what
comes next and when, what was tried, and what helps. A replica is asked; --direct looks by itself. Nothing is changed.
Exit code 1: there is no such Pod, or nobody answers; 2: the command is wrong."""


def form_option() -> click.Option:
    """`-o text|json|yaml`."""
    return click.Option(
        ["-o", "--output"],
        type=click.Choice([form.value for form in Form]),
        default=Form.TEXT.value,
        show_default=True,
        help="The form.",
    )


def url_option() -> click.Option:
    """`--url`."""
    return click.Option(["--url"], metavar="URL", help="The replica to ask. Default: the one that --listen names.")


def explain(settings: Settings, look: Direct, params: list[click.Parameter]) -> click.Command:
    """The command `explain`; `params`: the settings' options."""

    def callback(*, pod: str, url: str | None, output: str, direct: bool, **flags: str | None) -> None:
        from controller.surface import explanation

        name, config = explanation.pod_name(pod), settings(flags)
        found, document = (True, look(config, name)) if direct else _asked(config, url, name, look)
        click.echo(render(document, Form(output), explanation.lines))
        if not found or not document.get("uid"):
            sys.exit(1)

    own: list[click.Parameter] = [
        click.Argument(["pod"], metavar="NAMESPACE/POD", shell_complete=pods),
        url_option(),
        form_option(),
        click.Option(["--direct"], is_flag=True, help="Ask the API server, DynamoDB and EC2 instead of a replica."),
    ]
    return click.Command("explain", help=_HELP, params=own + params, callback=callback)


def _asked(config: Config, url: str | None, pod: tuple[str, str], look: Direct) -> tuple[bool, Mapping[str, Any]]:
    """What a replica says; where none answers, and none was named, what can be seen without one."""
    from controller.surface import explanation
    from controller.surface.fetch import url_of

    try:
        return explanation.ask(url or url_of(config.listen), pod, timeout_s=config.call_timeout)
    except Unavailable as fault:
        if url is not None:
            raise
        complain([f"no replica answers, so this looks by itself: {fault.message}"])
        return True, look(config, pod)
