"""What a run shows in Prefect: what was fetched, what failed, where the sources disagree, where the report is.

The contents are plain values made of the archive's index and the lake, so that they can be tested without a server; only
`show` speaks to one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from extract.record import Entry
from extract.series import ACCOUNT
from flows.pipeline import Summary
from flows.steps.fetch import Failure
from flows.workspace import Workspace
from warehouse.lake import Lake

Row = dict[str, Any]

MOST_ROWS = 200
"""A table in Prefect's interface is read by a person; what is behind it is in the warehouse."""

MOST_DIFFERENCES = 20


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
    show_reconciliation(workspace.lake)


def show_reconciliation(lake: Lake) -> None:
    """Publish where the sources disagree. Must be called inside a flow run."""
    create_markdown_artifact(
        markdown=reconciliation(lake),
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


def reconciliation(lake: Lake) -> str:
    """The reconciliation as Markdown: checks by verdict, causes, and the largest differences."""
    rows = lake.read("reconciliation")
    if rows.empty:
        return "# Reconciliation\n\nNothing was compared yet."
    verdicts = rows.groupby(["check_name", "verdict"], observed=True).size().unstack(fill_value=0).reset_index()
    differing = rows[rows["verdict"] != "agree"]
    causes = differing.groupby("cause", observed=True, dropna=False).size().rename("rows").reset_index()
    largest = differing.reindex(differing["difference_wh"].abs().sort_values(ascending=False, kind="stable").index)
    columns = ["site_id", "check_name", "granularity", "period_start", "measure", "left_wh", "right_wh", "cause"]
    sections = {
        "Checks": verdicts.to_dict("records"),
        "Causes": causes.to_dict("records"),
        "Largest differences": largest[columns].head(MOST_DIFFERENCES).to_dict("records"),
    }
    parts = [f"## {title}\n\n{_markdown(found)}" for title, found in sections.items()]
    return "\n\n".join(["# Reconciliation", *parts])


def _markdown(rows: Sequence[Mapping[Any, Any]]) -> str:
    """A table in Markdown; a bar in a text would end its cell."""
    if not rows:
        return "None."
    head = [str(name) for name in rows[0]]
    cells = [[str(value).replace("|", "\\|") for value in row.values()] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *cells))
