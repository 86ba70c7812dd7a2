"""`wattlog reconcile`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.executor_options import Executor, Runner, Scheduler, chosen_executor
from flows.cli.options import Json, Since, Sites

if TYPE_CHECKING:
    from flows.settings import Settings


def reconcile(
    settings: "Settings",
    *,
    site: Sites = None,
    since: Since = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with exit code 1 if a difference is unexplained.")
    ] = False,
    executor: Executor = None,
    scheduler: Scheduler = None,
    runner: Runner = None,
    as_json: Json = False,
) -> int:
    """Show where the sources differ, by how much, and why. All sources are compared again first."""
    choice = chosen_executor(executor, scheduler, runner=runner)
    from flows.account import choose
    from flows.cli.tables.differences import print_differences
    from flows.console import note, print_json, progress_to_console
    from flows.data_directory import locked
    from flows.differences import as_dict, differences
    from flows.errors import ExitCode
    from flows.executors.choice import open_executor
    from flows.orchestration.context import new_context
    from flows.pipeline import reconcile as run_pipeline
    from flows.stop_signal import StopSignal
    from flows.summary import one_line

    context, stop = new_context(settings), StopSignal()
    with locked(settings.data_dir, "reconcile"):
        with progress_to_console() as progress, open_executor(choice, context, stop) as opened:
            summary = run_pipeline(context, opened, stop=stop, progress=progress)
        found = differences(context.open_lake(), choose(summary.sites, site or ()), since)
    unexplained = sum(of_site.unexplained for of_site in found)
    if as_json:
        print_json({"unexplained": unexplained, "sites": [as_dict(of_site) for of_site in found]})
    else:
        print_differences(found)
    if unexplained:
        note(f"{unexplained} differences are unexplained; `wattlog sql 'from analytics.disagreements'` lists them")
    if summary.losses:
        note(one_line(summary))
    return ExitCode.INCOMPLETE if (strict and unexplained) or summary.losses else ExitCode.OK
