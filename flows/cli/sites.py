"""`wattlog sites`: the console of the account."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from extract.client import utc_now
from extract.series import DAY_SERIES
from flows.account import discover, known_sites
from flows.console import MOST_PARTS, note, print_json, print_rest, print_table
from flows.data_directory import held
from flows.errors import exit_code_for
from flows.settings import Settings
from flows.workspace import Workspace, new_run_id
from transform.sites import Site, SiteStatus


@dataclass(frozen=True, slots=True)
class Held:
    """What the archive holds of a site."""

    days: int
    last_sync: datetime | None


def sites(settings: Settings, *, refresh: bool, as_json: bool) -> int:
    """List the sites that the archive knows; ask the API where it knows none, or when told to."""
    workspace = Workspace(settings, new_run_id(utc_now()))
    exit_code = 0
    with held(settings.data_dir, "sites"):
        try:
            if refresh or not workspace.archive.site_ids():
                asked = discover(workspace, ())
                for failure in asked.failures:
                    note(str(failure.error))
                    exit_code = exit_code_for(failure.error)
            found = known_sites(workspace)
            holdings = {site.site_id: held_of(workspace, site.site_id) for site in found}
        finally:
            workspace.close()
    if as_json:
        print_json([_as_dict(site, holdings[site.site_id]) for site in found])
    else:
        print_sites(found, holdings)
    return exit_code


def held_of(workspace: Workspace, site_id: int) -> Held:
    """Days of which the archive holds an answer of a daily series, and the instant of the newest answer."""
    answers = [entry for entry in workspace.archive.entries(site_id) if entry.is_answer]
    days: set[date] = {entry.window_start for entry in answers if entry.series in DAY_SERIES and entry.window_start}
    return Held(len(days), max((entry.requested_at for entry in answers), default=None))


def print_sites(found: Sequence[Site], holdings: dict[int, Held]) -> None:
    """Print one row a site, as Teslemetry's console has them: grid, battery, solar, wall connectors.

    Of a fleet, those that need somebody come first, the rest is counted.
    """
    shown = found if len(found) <= MOST_PARTS else sorted(found, key=lambda site: site.status is SiteStatus.OK)
    table = Table(title="Sites", title_justify="left", box=None, pad_edge=False)
    # In a narrow terminal names are broken before an id is, and nothing is cut: an id is copied from here.
    table.add_column("site", no_wrap=True)
    for name in ("name", "solar", "battery", "grid"):
        table.add_column(name, overflow="fold")
    table.add_column("wall\nconnectors", justify="right")
    for name in ("time zone", "installed"):
        table.add_column(name, overflow="fold")
    table.add_column("days\nheld", justify="right")
    for name in ("last sync", "status"):
        table.add_column(name, overflow="fold")
    for site in shown[:MOST_PARTS]:
        held_now = holdings[site.site_id]
        table.add_row(
            str(site.site_id),
            Text(site.site_name or ""),
            *(_yes(has) for has in (site.has_solar, site.has_battery, site.has_grid)),
            "" if site.wall_connectors is None else str(site.wall_connectors),
            site.timezone,
            "" if site.installed_on is None else str(site.installed_on),
            f"{held_now.days:,}",
            "" if held_now.last_sync is None else f"{held_now.last_sync.astimezone(site.zone):%Y-%m-%d %H:%M}",
            str(site.status),
        )
    print_table(table)
    if len(found) > MOST_PARTS:
        counts = Counter(str(site.status) for site in found)
        print_rest(
            len(found) - MOST_PARTS,
            f"of {len(found):,} sites, {', '.join(f'{count:,} {of}' for of, count in counts.items())}",
        )


def _yes(has: bool | None) -> str:
    return "" if has is None else "yes" if has else "no"


def _as_dict(site: Site, held_now: Held) -> dict[str, Any]:
    return {
        "site_id": site.site_id,
        "site_name": site.site_name,
        "has_solar": site.has_solar,
        "has_battery": site.has_battery,
        "has_grid": site.has_grid,
        "wall_connectors": site.wall_connectors,
        "timezone": site.timezone,
        "timezone_source": str(site.timezone_source),
        "installed_at": site.installed_at,
        "days_held": held_now.days,
        "last_sync": held_now.last_sync,
        "status": str(site.status),
    }
