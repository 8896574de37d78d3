"""The command line: which command, with which settings, and how a fault is told.

Faults of the caller end the program with exit code 2; standard error has one line for each fault, and nothing else.
Heavy packages (AWS, Kubernetes, the server) are imported by the command that needs them. So `--help` answers at once,
and the server's master process does not use memory for them.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import click

from controller.core import config
from controller.core.config import SETTINGS, Config
from controller.core.release import Request
from controller.core.setting import Setting
from controller.surface import ask_commands, completion, doctor
from controller.surface.arguments import arrange
from controller.surface.ask_commands import Direct
from controller.surface.output import Form
from controller.surface.program import NAME, complain, version
from state.errors import Misconfigured, PodEipError

Act = Callable[[Config], None]
Release = Callable[[Config, Request], bool]
Examine = doctor.Examine
Flags = dict[str, str | None]


class _Commands(click.Group):
    """A group that accepts Go's form of flags, and runs the controller when no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # A shell that asks for completions has not written the whole command yet.
        return super().parse_args(ctx, args if ctx.resilient_parsing else arrange(args, self.commands))


def main(
    run: Act,
    create_table: Act,
    argv: Sequence[str] | None = None,
    *,
    release_cluster: Release,
    release_orphans: Release,
    examine: Examine,
    look: Direct,
) -> NoReturn:
    """Run the command that `argv` (default: the process's own) names, and exit.

    `run` is the controller itself and `create_table` what `table create` does; `release_cluster` and `release_orphans`
    say whether nothing is left, `examine` makes the findings of `doctor`, `look` what `explain --direct` says. All
    raise errors of `state.errors`.
    """
    group = commands(run, create_table, release_cluster, release_orphans, examine, look)
    try:
        group.main(args=argv, prog_name=NAME, standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as fault:
        complain([f"{fault.format_message()} (--help shows what there is)"])
        sys.exit(2)
    except Misconfigured as fault:
        complain(fault.faults)
        sys.exit(2)
    except PodEipError as fault:
        complain([fault.explain()])
        sys.exit(1)
    sys.exit(0)


def commands(
    run: Act, create_table: Act, release_cluster: Release, release_orphans: Release, examine: Examine, look: Direct
) -> click.Group:
    """All commands. The group shows every setting in its help; the commands parse them."""
    group = _Commands(
        NAME,
        help="Gives Pods on EKS their own Elastic IPs. Without a command: run. Settings may stand anywhere.",
        params=[_version_option(), *_settings_options()],
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    table = click.Group("table", help="The DynamoDB table that holds the claims.")
    table.add_command(_command("create", create_table, "Make the table, if it is not there.", required=()))
    group.add_command(_command("run", run, "Run the controller (the default)."))
    group.add_command(table)
    group.add_command(_status())
    group.add_command(ask_commands.explain(lambda flags: settings(flags, ()), look, _settings_options()))
    group.add_command(doctor.command(examine, lambda flags: settings(flags, required=()), _settings_options()))
    group.add_command(_release_cluster(release_cluster))
    group.add_command(_release_orphans(release_orphans))
    group.add_command(completion.command(group))
    return group


def settings(flags: Flags, required: Sequence[str] = config.REQUIRED_BY_RUN) -> Config:
    """The configuration of the flags and of this process's environment; raises Misconfigured with all faults."""
    faults: list[str] = []
    given = flags.get("kubeconfig")
    path = os.environ.get("PEC_KUBECONFIG", "") if given is None else given
    if path.strip() and not Path(path.strip()).is_file():
        faults.append(f"--kubeconfig (PEC_KUBECONFIG): {path!r} is not a file")
    try:
        found = config.parse(flags, os.environ, required=required)
    except Misconfigured as fault:
        raise Misconfigured([*fault.faults, *faults]) from None
    if faults:
        raise Misconfigured(faults)
    return found


def _command(name: str, act: Act, help: str, required: Sequence[str] = config.REQUIRED_BY_RUN) -> click.Command:
    def callback(**flags: str | None) -> None:
        act(settings(flags, required))

    return click.Command(name, help=help, params=_settings_options(), callback=callback)


def _status() -> click.Command:
    def callback(*, url: str | None, output: str, as_json: bool, **flags: str | None) -> None:
        from controller.surface import show
        from controller.surface.fetch import url_of

        found, form = settings(flags, required=()), Form.JSON if as_json else Form(output)
        click.echo(show.status(url or url_of(found.listen), timeout_s=found.call_timeout, form=form))

    own: list[click.Parameter] = [
        ask_commands.url_option(),
        ask_commands.form_option(),
        click.Option(["--json", "as_json"], is_flag=True, help="The same as -o json."),
    ]
    return click.Command(
        "status", help="Show what a replica knows.", params=own + _settings_options(), callback=callback
    )


def _release_cluster(act: Release) -> click.Command:
    def callback(*, cluster: str, lease: str | None, yes: bool, **flags: str | None) -> None:
        if not act(settings(flags, required=()), Request(cluster=cluster, lease=lease, yes=yes)):
            sys.exit(1)

    own: list[click.Parameter] = [
        click.Argument(["cluster"], metavar="UID|NAME"),
        click.Option(["--lease"], metavar="NAMESPACE/NAME", help="Only the install with this Lease. Default: all."),
        click.Option(["--yes"], is_flag=True, help="Do not ask."),
    ]
    text = "Give back what a cluster that is gone for good still holds; refused while its heartbeat moves."
    return click.Command("release-cluster", help=text, params=own + _settings_options(), callback=callback)


def _release_orphans(act: Release) -> click.Command:
    def callback(*, cluster: str, yes: bool, **flags: str | None) -> None:
        if not act(settings(flags, required=()), Request(cluster=cluster, yes=yes)):
            sys.exit(1)

    own: list[click.Parameter] = [
        click.Argument(["cluster"], metavar="UID|NAME"),
        click.Option(["--yes"], is_flag=True, help="Do not ask."),
    ]
    text = "Release, if you agree, the free addresses that are tagged as a cluster's and that the table does not know."
    return click.Command("release-orphans", help=text, params=own + _settings_options(), callback=callback)


def _version_option() -> click.Option:
    def show(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
        if wanted:
            click.echo(f"{NAME} {version()}")
            ctx.exit()

    return click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=show, help="Show the version."
    )


def _settings_options() -> list[click.Parameter]:
    """One option for each setting, all of them text: `config.parse` finds the faults, all at once."""
    return [
        click.Option([s.flag, s.field], metavar=s.metavar, help=f"{s.help} [{'; '.join(_origins(s))}]")
        for s in SETTINGS
    ]


def _origins(setting: Setting) -> list[str]:
    return [setting.env] + ([f"default: {setting.default}"] if setting.default is not None else [])
