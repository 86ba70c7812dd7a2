"""`wattlog deploy`: pool, limits and deployments for Prefect."""

from dataclasses import asdict

from rich.table import Table

from extract.client import utc_now
from flows.account import known_sites
from flows.console import note, print_json, print_table
from flows.errors import UsageError
from flows.settings import Settings
from flows.workspace import Workspace, new_run_id
from transform.sites import Site


def deploy(
    settings: Settings,
    *,
    work_pool: str,
    timezone: str | None,
    account: str | None,
    takes_over: bool,
    as_json: bool,
) -> int:
    """Register everything and say what to start next; returns the exit code."""
    from flows.deploy import register, zone_of_account

    zone = timezone or zone_of_account(_sites(settings))
    if zone is None:
        raise UsageError(
            "no site is known yet, so neither is its time zone; run `wattlog sites --refresh` first or give --timezone"
        )
    done = register(settings, work_pool=work_pool, timezone=zone, account=account, takes_over=takes_over)
    if as_json:
        print_json(asdict(done))
        return 0
    table = Table(
        "deployment", "schedule", title=f"Deployments, {zone}", title_justify="left", box=None, pad_edge=False
    )
    for name, cron in done.deployments.items():
        table.add_row(name, cron or "on demand")
    print_table(table)
    for name in done.created:
        note(f"made {name}")
    note(f"start a worker: prefect worker start --pool {done.work_pool}")
    return 0


def _sites(settings: Settings) -> list[Site]:
    """The sites known from earlier runs; nothing is asked, and nothing is made where there is no archive."""
    if not (settings.data_dir / "raw").exists():
        return []
    return known_sites(Workspace(settings, new_run_id(utc_now())))
