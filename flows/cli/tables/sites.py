"""The sites of an account, with what the archive has of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rich.table import Table

from extract.archive.raw_archive import RawArchive
from flows.console import print_rest, print_table
from flows.progress import MOST_PARTS
from transform.sites import Site, SiteStatus
from wattlog.series import is_imported, is_of_days


@dataclass(frozen=True, slots=True)
class Stored:
    """What the archive has of a site.

    Attributes:
        days: Days of which it has a response of a daily series.
        last_sync: The instant of the newest response.
    """

    days: int
    last_sync: datetime | None


def stored_of(archive: RawArchive, site_id: int) -> Stored:
    """What the archive has of a site."""
    entries = [entry for entry in archive.entries(site_id) if entry.is_conclusive and not is_imported(entry.series)]
    days: set[date] = {entry.window_start for entry in entries if is_of_days(entry.series) and entry.window_start}
    return Stored(len(days), max((entry.requested_at for entry in entries), default=None))


def print_sites(found: Sequence[Site], stored: dict[int, Stored]) -> None:
    """Print one row for each site. Of a fleet, sites that are not ok come first, and the rest is counted."""
    shown = found if len(found) <= MOST_PARTS else sorted(found, key=lambda site: site.status is SiteStatus.OK)
    table = Table(title="Sites")
    for name in ("site", "name", "solar", "battery", "grid"):
        table.add_column(name)
    table.add_column("wall\nconnectors", justify="right")
    for name in ("time zone", "installed"):
        table.add_column(name)
    table.add_column("days\nstored", justify="right")
    for name in ("last sync", "status"):
        table.add_column(name)
    for site in shown[:MOST_PARTS]:
        of_site = stored[site.site_id]
        table.add_row(
            str(site.site_id),
            site.site_name or "",
            *(_yes(has) for has in (site.has_solar, site.has_battery, site.has_grid)),
            "" if site.wall_connectors is None else str(site.wall_connectors),
            site.timezone,
            "" if site.installed_on is None else str(site.installed_on),
            f"{of_site.days:,}",
            "" if of_site.last_sync is None else f"{of_site.last_sync.astimezone(site.zone):%Y-%m-%d %H:%M}",
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


def as_dict(site: Site, stored: Stored) -> dict[str, Any]:
    """A site as `--json` prints it."""
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
        "days_stored": stored.days,
        "days_held": stored.days,  # the former name, for one version
        "last_sync": stored.last_sync,
        "status": str(site.status),
    }
