"""What a run shows in Prefect: what was fetched, what failed, where the sources disagree, where the report is.

The contents are plain values, so that they can be tested without a server; only the functions that show speak to one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from extract.record import Entry
from extract.series import ACCOUNT
from flows.findings import as_markdown, findings
from flows.pipeline import Summary
from flows.steps.fetch import Failure
from flows.workspace import Workspace
from transform.sites import Site

Row = dict[str, Any]

MOST_ROWS = 200
"""A table in Prefect's interface is read by a person; what is behind it is in the warehouse."""


def show(workspace: Workspace, summary: Summary) -> None:
    """Publish the artifacts of a run that asked. Must be called inside a flow run."""
    entries = (entry for site in (ACCOUNT, *workspace.archive.site_ids()) for entry in workspace.archive.entries(site))
    create_table_artifact(
        table=fetched(entries, workspace.run_id),
        key="wattlog-fetched",
        description=f"Run {workspace.run_id}: {summary.requests} requests, {summary.answered} windows answered.",
    )
    if summary.failures:
        create_table_artifact(
            table=failed(summary.failures),
            key="wattlog-failed",
            description=f"Run {workspace.run_id}: {len(summary.failures)} requests stayed without an answer.",
        )
    show_reconciliation(workspace, summary.sites)


def show_reconciliation(workspace: Workspace, sites: Iterable[Site]) -> None:
    """Publish where the sources disagree. Must be called inside a flow run."""
    create_markdown_artifact(
        markdown=f"# Reconciliation\n\n{as_markdown(findings(workspace, sites, None))}",
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


def fetched(entries: Iterable[Entry], run_id: str) -> list[Row]:
    """One row a site and series of what a run asked: requests, answers, days, bytes."""
    groups: dict[tuple[int, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.run_id == run_id:
            groups[entry.site_id, entry.series].append(entry)
    return [_asked(site_id, series, groups[site_id, series]) for site_id, series in sorted(groups)][:MOST_ROWS]


def _asked(site_id: int, series: str, entries: Sequence[Entry]) -> Row:
    first = [entry.window_start for entry in entries if entry.window_start is not None]
    last = [entry.window_end for entry in entries if entry.window_end is not None]
    return {
        "site": "account" if site_id == ACCOUNT else str(site_id),
        "series": series,
        "requests": len(entries),
        "answered": sum(entry.is_answer for entry in entries),
        "from": min(first).isoformat() if first else "",
        "to": max(last).isoformat() if last else "",
        "kilobytes": round(sum(entry.size for entry in entries) / 1000, 1),
    }


def failed(failures: Sequence[Failure]) -> list[Row]:
    """One row a window asked in vain."""
    return [{"window": failure.what, "reason": str(failure.error)} for failure in failures[:MOST_ROWS]]
