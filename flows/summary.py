"""What a run came to, in words: for people, for programs, for a log."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from extract.requests import ACCOUNT
from flows.console import note, print_commands, print_json, print_lines, print_pairs, print_side_by_side
from flows.pipeline import Summary
from flows.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table

FIRST_QUERY = "select local_date, solar_kwh, home_kwh from analytics.daily limit 5"
"""The query that is suggested after the warehouse was made."""


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
        "losses": [str(loss) for loss in summary.losses],
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
        failed = f"{len(summary.failures)} requests failed{_of(sites)}, the rest is loaded; the first: {first.error}"
        return f"{failed}; {_lost(summary)}" if summary.losses else failed
    if summary.losses:
        return _lost(summary)
    if summary.left:
        return f"{summary.left} windows are left; run the command again to go on"
    return "every window is fetched"


def _lost(summary: Summary) -> str:
    """What the raw archive has lost, in a sentence."""
    files = "1 file" if len(summary.losses) == 1 else f"{len(summary.losses)} files"
    return (
        f"the raw archive has lost records in {files}, the rest is loaded; "
        f"`wattlog verify` names them all; the first: {summary.losses[0]}"
    )


MOST_WINDOWS = 10
"""A state's message names so many windows that failed; the others are in the table of failures."""


def failure_text(summary: Summary) -> str:
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
        print_side_by_side(_counts(summary))
        print_pairs([("warehouse", str(summary.warehouse)), ("lake", str(summary.lake))])
        print_lines([""])
        print_commands("next", _next(settings))
    for error in summary.not_offered.values():
        note(str(error))
    if summary.exit_code or summary.left:
        note(one_line(summary))


def _counts(summary: Summary) -> "list[Table]":
    """Rows by table, days by status, requests by what became of them."""
    asked = {
        "requests": summary.requests,
        "answered": summary.answered,
        "failed": len(summary.failures),
        "left": summary.left,
    }
    return [
        _count("Rows", "table", "rows", _with_rows(summary.rows)),
        _count("Days", "status", "days", summary.days),
        _count("Requests", "windows", "count", asked),
    ]


def _with_rows(rows: Mapping[str, int]) -> Mapping[str, int]:
    """The tables that have rows, and the number of the others in one line: a site without cars has no rows of them."""
    filled = {name: count for name, count in rows.items() if count}
    others = len(rows) - len(filled)
    return filled | ({f"{others} other tables": 0} if others else {})


def _count(title: str, what: str, of: str, counts: Mapping[str, int]) -> "Table":
    from rich.table import Table

    table = Table(what, title=title)
    table.add_column(of, justify="right")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    return table


def _next(settings: Settings) -> list[list[str]]:
    """Commands to type next."""
    wattlog = ["wattlog"] if settings.shown_data_dir == "data" else ["wattlog", "--data-dir", settings.shown_data_dir]
    return [
        [*wattlog, "sql", FIRST_QUERY],
        [*wattlog, "export", "analytics.daily", "--format", "csv", "--out", "daily.csv"],
    ]
