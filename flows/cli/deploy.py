"""`wattlog deploy`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.settings import Settings
    from transform.sites import Site


def deploy(
    settings: "Settings",
    *,
    work_pool: Annotated[
        str, typer.Option(help="Work pool; created if it does not exist.", metavar="NAME")
    ] = "wattlog",
    timezone: Annotated[
        str | None,
        typer.Option(
            help="Time zone of the schedules; the account's if not given.", metavar="ZONE", show_default=False
        ),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(
            help="Name of the account, if several share a Prefect server.", metavar="NAME", show_default=False
        ),
    ] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Change deployments of another data directory to this one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Register pool, limits, and deployments with Prefect. Repeat it after an update."""
    from rich.table import Table

    from flows.console import note, print_json, print_table
    from flows.errors import UsageError
    from flows.orchestration.register import register, zone_of_account

    zone = timezone or zone_of_account(_stored_sites(settings))
    if zone is None:
        raise UsageError(
            "the archive has no site yet, so the account's time zone is not known; "
            "run `wattlog sites --refresh` first or give --timezone"
        )
    done = register(settings, work_pool=work_pool, timezone=zone, account=account, takes_over=take_over)
    if as_json:
        print_json(asdict(done))
        return
    table = Table("deployment", "schedule", title=f"Deployments, {zone}")
    for name, cron in done.deployments.items():
        table.add_row(name, cron or "on demand")
    print_table(table)
    for name in done.created:
        note(f"created {name}")
    note(f"start a worker: prefect worker start --pool {done.work_pool}")


def _stored_sites(settings: "Settings") -> "list[Site]":
    """The sites in the archive. Nothing is requested, and no archive is made."""
    from flows.account import known_sites
    from flows.orchestration.context import new_context
    from wattlog.names import DataDirectory

    if not DataDirectory(settings.data_dir).raw.exists():
        return []
    return known_sites(new_context(settings).open_archive(), settings.site_timezones)
