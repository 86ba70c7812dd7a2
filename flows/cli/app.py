"""The command line as a whole: the commands in the order of the help text, and the options before a command."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.account import account, account_test
from flows.cli.apply_plan import apply_plan
from flows.cli.backfill import backfill
from flows.cli.config import config
from flows.cli.costs import costs
from flows.cli.dashboard import dashboard
from flows.cli.demo import demo
from flows.cli.deploy import deploy
from flows.cli.export import export
from flows.cli.gaps import gaps
from flows.cli.history import history_effects, history_settings
from flows.cli.import_history import import_
from flows.cli.login import login
from flows.cli.logout import logout
from flows.cli.mcp import mcp
from flows.cli.plan import plan
from flows.cli.prices import prices_import
from flows.cli.publish import publish
from flows.cli.rebuild import rebuild
from flows.cli.reconcile import reconcile
from flows.cli.report import report
from flows.cli.running import Command, callback_of
from flows.cli.set import SETTERS
from flows.cli.simulate import simulate
from flows.cli.sites import sites
from flows.cli.sql import sql
from flows.cli.sync import sync
from flows.cli.tariff import tariff_export, tariff_import, tariff_list, tariff_show, tariff_validate
from flows.cli.vehicle import VEHICLE
from flows.cli.verify import verify
from flows.cli.what_if import what_if
from flows.cli.whoami import whoami

COMMANDS = (
    demo,
    login,
    logout,
    whoami,
    sites,
    plan,
    backfill,
    sync,
    sql,
    export,
    report,
    dashboard,
    mcp,
    costs,
    what_if,
    import_,
    publish,
    gaps,
    reconcile,
    rebuild,
    verify,
    apply_plan,
    deploy,
    simulate,
    config,
)

GROUP_COMMANDS: dict[str, Command] = {"account": account}
"""Groups that are commands, too: what they do when none of their commands is named."""

GROUPS: dict[str, tuple[str, dict[str, Command]]] = {
    "account": ("Show the account with the provider, and check it.", {"test": account_test}),
    "tariff": (
        "Check, import, list, show, and export tariffs.",
        {
            "validate": tariff_validate,
            "import": tariff_import,
            "list": tariff_list,
            "show": tariff_show,
            "export": tariff_export,
        },
    ),
    "prices": ("Import prices by interval.", {"import": prices_import}),
    "set": ("Change a setting of a site, and read it back.", SETTERS),
    "history": ("Show what happened to a site.", {"settings": history_settings, "effects": history_effects}),
    "vehicle": ("Show the cars of the account, and charge them.", VEHICLE),
}
"""Commands that consist of commands: name → help text, and each command by its name."""

QUERIES = frozenset({sql})
"""Commands that only read the warehouse."""

app = typer.Typer(
    help="The whole history of your Tesla energy sites, in SQL.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    context: typer.Context,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Where archive, lake, and warehouse are; or s3://bucket/prefix.", metavar="DIR", show_default="./data"
        ),
    ] = None,
) -> None:
    context.obj = data_dir


def name_of(command: Command) -> str:
    """The name of a command, by that of its function; one that Python reserves has an underscore at its end."""
    return command.__name__.rstrip("_").replace("_", "-")


for command in COMMANDS:
    app.command(name_of(command))(callback_of(command, is_query=command in QUERIES))

for group, (text, members) in GROUPS.items():
    alone = GROUP_COMMANDS.get(group)
    of_group = typer.Typer(help=text, no_args_is_help=alone is None, rich_markup_mode=None)
    if alone is not None:
        of_group.callback(invoke_without_command=True)(callback_of(alone, is_group=True))
    for name, member in members.items():
        of_group.command(name)(callback_of(member))
    app.add_typer(of_group, name=group)
