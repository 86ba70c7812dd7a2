"""`wattlog gaps`: what is missing, and why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, tzinfo

from rich.table import Table

from flows.console import MOST_PARTS, note, print_json, print_table
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
    if len({each.site_id for each in found}) > MOST_PARTS:
        print_table(_by_cause(found))
        note("one row a series and cause, for there are many sites; --site ID or --json names each gap")
    elif found:
        print_table(_table(found))
    else:
        note("nothing is missing")


def _is_since(end: datetime, since: date | None, clock: tzinfo) -> bool:
    return since is None or end > day_begins(since, clock)


def _by_cause(found: Sequence[Gap]) -> Table:
    """The gaps of a fleet: how many sites miss how much, and why."""
    table = Table("series", "cause", title="Gaps", title_justify="left", box=None, pad_edge=False)
    for name in ("sites", "gaps", "rows"):
        table.add_column(name, justify="right")
    for series, cause in sorted({(each.series, each.cause) for each in found}):
        alike = [each for each in found if (each.series, each.cause) == (series, cause)]
        counts = (len({each.site_id for each in alike}), len(alike), sum(each.expected_rows for each in alike))
        table.add_row(series, cause, *(f"{count:,}" for count in counts))
    return table


def _table(found: Sequence[Gap]) -> Table:
    table = Table("site", "series", "from", "to", "cause", title="Gaps", title_justify="left", box=None, pad_edge=False)
    table.add_column("rows", justify="right")
    for each in found:
        bounds = (f"{instant:%Y-%m-%d %H:%M %z}" for instant in (each.gap_start, each.gap_end))
        table.add_row(str(each.site_id), each.series, *bounds, each.cause, f"{each.expected_rows:,}")
    return table
