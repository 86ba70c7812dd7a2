"""What a run shows in Prefect: what was fetched, what failed, where the sources differ, where the report is.

The contents are plain values, so that they can be tested without a server; only the functions that publish need one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.requests import ACCOUNT
from flows.differences import as_markdown, differences
from flows.pipeline import Summary
from flows.tasks.fetch import Failure
from transform.sites import Site
from warehouse.lake.lake import Lake

Row = dict[str, Any]

MOST_ROWS = 200
"""A table in Prefect's interface is read by people; all rows are in the warehouse."""


def show(archive: RawArchive, lake: Lake, summary: Summary) -> None:
    """Publish the artifacts of a run that fetched. Must be called inside a flow run."""
    entries = (entry for site in (ACCOUNT, *archive.site_ids()) for entry in archive.entries(site))
    create_table_artifact(
        table=fetched(entries, summary.run_id),
        key="wattlog-fetched",
        description=f"Run {summary.run_id}: {summary.requests} requests, {summary.answered} windows answered.",
    )
    if summary.failures:
        create_table_artifact(
            table=failed(summary.failures),
            key="wattlog-failed",
            description=f"Run {summary.run_id}: {len(summary.failures)} requests had no response.",
        )
    show_reconciliation(lake, summary.sites)


def show_reconciliation(lake: Lake, sites: Iterable[Site]) -> None:
    """Publish where the sources differ. Must be called inside a flow run."""
    create_markdown_artifact(
        markdown=f"# Reconciliation\n\n{as_markdown(differences(lake, sites, None))}",
        key="wattlog-reconciliation",
        description="Where the API contradicts itself, by how much, and why.",
    )


def show_report(path: Path) -> None:
    """Publish a link to a report. Must be called inside a flow run."""
    create_link_artifact(
        link=path.resolve().as_uri(),
        link_text=path.name,
        key="wattlog-report",
        description=f"One self-contained page: {path.resolve()}",
    )


def fetched(entries: Iterable[IndexEntry], run_id: str) -> list[Row]:
    """One row for each site and series that a run requested: requests, responses, days, bytes."""
    groups: dict[tuple[int, str], list[IndexEntry]] = defaultdict(list)
    for entry in entries:
        if entry.run_id == run_id:
            groups[entry.site_id, entry.series].append(entry)
    return [_row(site_id, series, groups[site_id, series]) for site_id, series in sorted(groups)][:MOST_ROWS]


def _row(site_id: int, series: str, entries: Sequence[IndexEntry]) -> Row:
    first = [entry.window_start for entry in entries if entry.window_start is not None]
    last = [entry.window_end for entry in entries if entry.window_end is not None]
    return {
        "site": "account" if site_id == ACCOUNT else str(site_id),
        "series": series,
        "requests": len(entries),
        "answered": sum(entry.is_conclusive for entry in entries),
        "from": min(first).isoformat() if first else "",
        "to": max(last).isoformat() if last else "",
        "kilobytes": round(sum(entry.size for entry in entries) / 1000, 1),
    }


def failed(failures: Sequence[Failure]) -> list[Row]:
    """One row for each window whose requests failed."""
    return [{"window": failure.what, "reason": str(failure.error)} for failure in failures[:MOST_ROWS]]
