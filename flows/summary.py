"""What a run came to, in words: for people, for programs, for a log."""

from typing import Any

from rich.table import Table

from extract.series import ACCOUNT
from flows.console import note, print_json, print_table
from flows.pipeline import Summary
from flows.settings import Settings

FIRST_QUERY = "select * from analytics.daily order by local_date desc limit 5"
"""What somebody who has just filled a warehouse wants to see first."""


FEW = 3
"""So many failing sites are named in a sentence."""


def as_dict(summary: Summary) -> dict[str, Any]:
    """The summary as plain values: what `--json` prints and a flow returns."""
    return {
        "run_id": summary.run_id,
        "exit_code": int(summary.exit_code),
        "requests": summary.requests,
        "windows_answered": summary.answered,
        "windows_failed": len(summary.failures),
        "windows_left": summary.left,
        "sites_failed": failed_sites(summary),
        "series_not_offered": sorted(summary.not_offered),
        "failures": [{"what": failure.what, "reason": str(failure.error)} for failure in summary.failures],
        "rows_written": summary.rows_written,
        "rows": summary.rows,
        "days": summary.days,
        "warehouse": str(summary.warehouse),
        "lake": str(summary.lake),
    }


def one_line(summary: Summary) -> str:
    """The outcome in a sentence, and what to do about it."""
    if summary.stopped_by is not None:
        return str(summary.stopped_by)
    if summary.failures:
        first, sites = summary.failures[0], failed_sites(summary)
        return f"{len(summary.failures)} requests failed{_of(sites)}, the rest is loaded; the first: {first.error}"
    if summary.left:
        return f"{summary.left} windows are left; run the command again to go on"
    return "every window is fetched"


MOST_WINDOWS = 10
"""A state's message names so many windows that failed; the others are in the table of failures."""


def failure_in_words(summary: Summary) -> str:
    """The outcome in a sentence, and which windows failed."""
    names = [failure.what for failure in summary.failures]
    if not names:
        return one_line(summary)
    more = f", and {len(names) - MOST_WINDOWS} more" if len(names) > MOST_WINDOWS else ""
    return f"{one_line(summary)}. Failed: {'; '.join(names[:MOST_WINDOWS])}{more}"


def failed_sites(summary: Summary) -> list[int]:
    """The sites of which some request stayed without an answer."""
    return sorted({failure.site_id for failure in summary.failures} - {ACCOUNT})


def _of(sites: list[int]) -> str:
    """Which sites, where it is more than one; of many the first few."""
    if len(sites) < 2:
        return ""
    named = ", ".join(str(site_id) for site_id in sites[:FEW])
    return f" of {len(sites):,} sites ({named}{f' and {len(sites) - FEW:,} more' if len(sites) > FEW else ''})"


def print_summary(summary: Summary, settings: Settings, *, as_json: bool) -> None:
    """Say what the run came to and what to type next."""
    if as_json:
        print_json(as_dict(summary))
    else:
        print_table(_rows_and_days(summary))
        where = "" if settings.shown_data_dir == "data" else f" --data-dir {settings.shown_data_dir}"
        print_table(_paths(summary))
        print_table(_hint(where))
    for error in summary.not_offered.values():
        note(str(error))
    if summary.exit_code or summary.left:
        note(one_line(summary))


def _rows_and_days(summary: Summary) -> Table:
    grid = Table.grid(padding=(0, 4))
    rows = Table("table", title="Rows", title_justify="left", box=None, pad_edge=False)
    rows.add_column("rows", justify="right")
    for name, count in summary.rows.items():
        rows.add_row(name, f"{count:,}")
    days = Table("status", title="Days", title_justify="left", box=None, pad_edge=False)
    days.add_column("days", justify="right")
    for status, count in summary.days.items():
        days.add_row(status, f"{count:,}")
    asked = Table("windows", title="Requests", title_justify="left", box=None, pad_edge=False)
    asked.add_column("count", justify="right")
    counts = (("requests", summary.requests), ("answered", summary.answered), ("failed", len(summary.failures)))
    for name, count in (*counts, ("left", summary.left)):
        asked.add_row(name, f"{count:,}")
    grid.add_row(rows, days, asked)
    return grid


def _paths(summary: Summary) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_row("warehouse", str(summary.warehouse))
    grid.add_row("lake", str(summary.lake))
    return grid


def _hint(where: str) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_row("next", f"wattlog{where} sql '{FIRST_QUERY}'")
    grid.add_row("", f"wattlog{where} export analytics.daily --format csv --out daily.csv")
    return grid
