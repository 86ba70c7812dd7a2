"""`wattlog gaps`: what is missing, and why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, tzinfo

from rich.table import Table

from flows.console import note, print_json, print_table
from flows.settings import Settings
from warehouse.localtime import day_begins, zone
from warehouse.query import connect

_ROWS = """
select gaps.site_id, sites.timezone, gaps.series, gaps.gap_start, gaps.gap_end, gaps.cause, gaps.expected_rows
from main.gaps as gaps
left join main.sites as sites on sites.site_id = gaps.site_id
order by gaps.site_id, gaps.series, gaps.gap_start
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """One row of table `gaps`; `gap_start` and `gap_end` on the site's own clock."""

    site_id: int
    series: str
    gap_start: datetime
    gap_end: datetime
    cause: str
    expected_rows: int


def gaps(settings: Settings, *, sites: Sequence[int], series: Sequence[str], since: date | None, as_json: bool) -> None:
    """Print the gaps of the published warehouse."""
    with connect(settings.data_dir / "warehouse.duckdb") as connection:
        rows = connection.execute(_ROWS).fetchall()
    found = [
        Gap(site, of_series, start.astimezone(clock), end.astimezone(clock), cause, expected)
        for site, name, of_series, start, end, cause, expected in rows
        for clock in (zone(name),)
        if (not sites or site in sites) and (not series or of_series in series) and _is_since(end, since, clock)
    ]
    if as_json:
        print_json([asdict(each) for each in found])
        return
    if found:
        print_table(_table(found))
    else:
        note("nothing is missing")


def _is_since(end: datetime, since: date | None, clock: tzinfo) -> bool:
    return since is None or end > day_begins(since, clock)


def _table(found: Sequence[Gap]) -> Table:
    table = Table("site", "series", "from", "to", "cause", title="Gaps", title_justify="left", box=None, pad_edge=False)
    table.add_column("rows", justify="right")
    for each in found:
        bounds = (f"{instant:%Y-%m-%d %H:%M %z}" for instant in (each.gap_start, each.gap_end))
        table.add_row(str(each.site_id), each.series, *bounds, each.cause, f"{each.expected_rows:,}")
    return table
