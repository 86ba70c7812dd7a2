"""Gaps: which rows are missing, and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path

from rich.table import Table

from flows.console import note, print_table
from flows.progress import MOST_PARTS
from warehouse.localtime import zone
from warehouse.query.query import connect
from wattlog.local_days import first_instant

_ROWS = """
select gaps.site_id, sites.timezone, gaps.series, gaps.gap_start, gaps.gap_end, gaps.cause, gaps.expected_rows
from main.gaps as gaps
left join main.sites as sites on sites.site_id = gaps.site_id
order by gaps.site_id, gaps.series, gaps.gap_start
"""


FEW_SITES = 3
"""Up to this many sites have a table each, which is narrower by the site."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One row of table `gaps`; `gap_start` and `gap_end` on the site's own clock."""

    site_id: int
    series: str
    gap_start: datetime
    gap_end: datetime
    cause: str
    expected_rows: int


def stored_gaps(warehouse: Path, sites: Collection[int], series: Collection[str], since: date | None) -> list[Gap]:
    """The gaps of the published warehouse.

    Args:
        warehouse: Path of the warehouse.
        sites: Only of these sites; empty for all.
        series: Only of these series; empty for all.
        since: Only gaps that end on this local day or later; None for all.
    """
    with connect(warehouse) as connection:
        rows = connection.execute(_ROWS).fetchall()
    return [
        Gap(site, of_series, start.astimezone(clock), end.astimezone(clock), cause, expected)
        for site, name, of_series, start, end, cause, expected in rows
        for clock in (zone(name),)
        if (not sites or site in sites) and (not series or of_series in series) and _is_since(end, since, clock)
    ]


def print_gaps(found: Sequence[Gap]) -> None:
    """Print one table for each site, or for a fleet one table of series and causes."""
    sites = sorted({gap.site_id for gap in found})
    if not found:
        note("nothing is missing")
    elif len(sites) > MOST_PARTS:
        print_table(_by_cause(found))
        note("many sites, so each row sums up a series and cause; --site ID or --json shows each gap")
    elif len(sites) > FEW_SITES:
        print_table(_table("Gaps", found, has_site=True))
    else:
        for site in sites:
            print_table(_table(f"Gaps of site {site}", [gap for gap in found if gap.site_id == site]))


def _is_since(end: datetime, since: date | None, clock: tzinfo) -> bool:
    return since is None or end > first_instant(since, clock)


def _by_cause(found: Sequence[Gap]) -> Table:
    """The gaps of a fleet: sites, gaps, and rows for each series and cause."""
    table = Table("series", "cause", title="Gaps")
    for name in ("sites", "gaps", "rows"):
        table.add_column(name, justify="right")
    for series, cause in sorted({(gap.series, gap.cause) for gap in found}):
        alike = [gap for gap in found if (gap.series, gap.cause) == (series, cause)]
        counts = (len({gap.site_id for gap in alike}), len(alike), sum(gap.expected_rows for gap in alike))
        table.add_row(series, cause, *(f"{count:,}" for count in counts))
    return table


def _table(title: str, found: Sequence[Gap], *, has_site: bool = False) -> Table:
    table = Table(*(["site"] if has_site else []), "series", "from", "to", "cause", title=title)
    table.add_column("rows", justify="right")
    for gap in found:
        site = [str(gap.site_id)] if has_site else []
        table.add_row(
            *site, gap.series, _instant(gap.gap_start), _instant(gap.gap_end), gap.cause, f"{gap.expected_rows:,}"
        )
    return table


def _instant(instant: datetime) -> str:
    """`2025-03-30 02:00+11`; the offset has minutes where the zone has."""
    return instant.isoformat(" ", "minutes").removesuffix(":00")
