"""`wattlog reconcile`: what disagrees, by how much, and why."""

from collections.abc import Sequence
from datetime import date

from rich.table import Table
from rich.text import Text

from extract.client import utc_now
from flows.account import choose, known_sites
from flows.console import MOST_PARTS, note, print_json, print_rest, print_table, progress_to_console
from flows.data_directory import held
from flows.errors import ExitCode
from flows.findings import AGREE, SKIPPED, Findings, as_dict, findings
from flows.pipeline import reconcile as run_pipeline
from flows.runners import OnDask, run
from flows.settings import Settings
from flows.workspace import Workspace, new_run_id


def reconcile(
    settings: Settings,
    *,
    sites: list[int],
    since: date | None,
    is_strict: bool,
    on_dask: OnDask | None = None,
    as_json: bool,
) -> int:
    """Recompute, publish and show; returns the exit code, which with `is_strict` says whether all is explained."""
    workspace = Workspace(settings, new_run_id(utc_now()))
    with held(settings.data_dir, "reconcile"):
        try:
            with progress_to_console() as progress:
                run(workspace, "reconcile", lambda engine: run_pipeline(workspace, engine, progress=progress), on_dask)
            found = findings(workspace, choose(known_sites(workspace), sites), since)
        finally:
            workspace.close()
    unexplained = sum(each.unexplained for each in found)
    if as_json:
        print_json({"unexplained": unexplained, "sites": [as_dict(each) for each in found]})
    else:
        print_findings(found)
    if unexplained:
        note(
            f"{unexplained} differences are unexplained; `wattlog sql 'from analytics.disagreements'` lists all of them"
        )
    return ExitCode.INCOMPLETE if is_strict and unexplained else ExitCode.OK


def print_findings(found: Sequence[Findings]) -> None:
    """Print each site's checks and its largest differences in words."""
    if not found:
        note("nothing to compare yet: no day is told by two sources; run `wattlog backfill`")
    for each in sorted(found, key=lambda each: -each.unexplained)[:MOST_PARTS] if len(found) > MOST_PARTS else found:
        print_table(_checks(each))
        sentences = [*each.sentences(), *each.not_checked()]
        if sentences:
            print_table(Text("\n".join(sentences)))
    print_rest(len(found) - MOST_PARTS, "sites")


def _checks(each: Findings) -> Table:
    name = each.site.site_name or str(each.site.site_id)
    table = Table(title=Text(f"{name} ({each.site.site_id})"), title_justify="left", box=None, pad_edge=False)
    table.add_column("check")
    table.add_column("of")
    for verdict in ("agree", "differ", "missing", "skipped"):
        table.add_column(verdict, justify="right")
    table.add_column("causes")
    for check in each.checks:
        agree, differ, skipped = (check.verdicts.get(name, 0) for name in (AGREE, "differs", SKIPPED))
        causes = ", ".join(f"{cause} {count:,}" for cause, count in check.causes.items())
        counts = (f"{number:,}" for number in (agree, differ, check.periods - agree - differ - skipped, skipped))
        table.add_row(check.check_name, f"{check.granularity}s", *counts, causes)
    return table
