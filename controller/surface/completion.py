"""Completes words of the command line in bash, zsh and fish, by click; and names of Pods, as a replica knows them."""

import os

import click
from click.shell_completion import CompletionItem, get_completion_class

from controller.core import values
from controller.core.config import SETTINGS
from controller.core.values import Endpoint
from controller.surface.program import NAME
from state.errors import PodEipError

SHELLS = ("bash", "zsh", "fish")
PATIENCE_S = 1.0
"""Seconds that somebody who has pressed the tab key waits."""
_VARIABLE = f"_{NAME}_COMPLETE".replace("-", "_").upper()
_LISTEN = next(setting for setting in SETTINGS if setting.field == "listen")
_HELP = """Print what makes a shell complete commands, settings and Pods. In ~/.bashrc or ~/.zshrc:
source <(aws-pod-eip-controller completion bash); in fish: aws-pod-eip-controller completion fish | source."""


def command(group: click.Group) -> click.Command:
    """`completion bash|zsh|fish`."""

    def callback(*, shell: str) -> None:
        made = get_completion_class(shell)
        assert made is not None
        click.echo(made(group, {}, NAME, _VARIABLE).source())

    shells = click.Argument(["shell"], type=click.Choice(SHELLS))
    return click.Command("completion", help=_HELP, params=[shells], callback=callback)


def pods(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The Pods whose NAMESPACE/NAME begins so, asked of the replica that the words before name; none in doubt."""
    from controller.surface.fetch import fetch, url_of

    try:
        url = ctx.params.get("url") or url_of(_listens(ctx))
        document = fetch(url, "/api/v1/status", PATIENCE_S)[1]
    except (PodEipError, ValueError):
        return []
    rows = document.get("pods") or []
    names = sorted({f"{row.get('namespace')}/{row.get('name')}" for row in rows})
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _listens(ctx: click.Context) -> Endpoint:
    given = ctx.params.get("listen") or os.environ.get(_LISTEN.env) or _LISTEN.default or ""
    found = values.endpoint(given)
    assert isinstance(found, Endpoint)
    return found
