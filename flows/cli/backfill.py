"""`wattlog backfill`, and the run that it shares with `sync` and `demo`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.executor_options import Engine, Executor, Runner, Scheduler, chosen_executor
from flows.cli.options import InPlaceViews, IntervalName, Json, MaxRequests, SeriesNames, Since, Sites, Until

if TYPE_CHECKING:
    from flows.executors.choice import ExecutorChoice
    from flows.pipeline import BackfillRequest, Summary
    from flows.settings import Settings


def backfill(
    settings: "Settings",
    *,
    site: Sites = None,
    series: SeriesNames = None,
    since: Since = None,
    until: Until = None,
    max_requests: MaxRequests = None,
    newest_first: Annotated[
        bool, typer.Option("--newest-first/--oldest-first", help="Which windows to fetch first.")
    ] = True,
    interval: IntervalName = None,
    executor: Executor = None,
    scheduler: Scheduler = None,
    runner: Runner = None,
    engine: Engine = None,
    in_place_views: InPlaceViews = False,
    as_json: Json = False,
) -> int:
    """Fetch every window that is not settled, and publish. Run it again to continue."""
    choice = chosen_executor(executor, scheduler, runner=runner, engine=engine)
    from flows.pipeline import BackfillRequest
    from flows.summary import print_summary

    request = BackfillRequest(
        tuple(site or ()), tuple(series or ()), since, until, newest_first, has_quarter_hours=interval is not None
    )
    settings = settings.with_in_place_views(in_place_views)
    summary = run_backfill(settings, request, max_requests=max_requests, executor=choice, command="backfill")
    print_summary(summary, settings, as_json=as_json)
    return summary.exit_code


def run_backfill(
    settings: "Settings",
    request: "BackfillRequest",
    *,
    max_requests: int | None = None,
    executor: "ExecutorChoice",
    command: str,
    is_quiet: bool = False,
) -> "Summary":
    """Lock the data directory and run the pipeline with the executor chosen; no progress is shown if `is_quiet`."""
    from flows.console import progress_to_console
    from flows.data_directory import locked
    from flows.executors.choice import open_executor
    from flows.interrupts import graceful
    from flows.orchestration.context import new_context
    from flows.orchestration.silence import silence_prefect
    from flows.pipeline import backfill as run_pipeline
    from flows.stop_signal import StopSignal

    context, stop = new_context(settings, max_requests=max_requests), StopSignal()
    with locked(settings.data_dir, command):
        if executor.is_prefect_flow:
            if is_quiet:
                silence_prefect()
            from flows.orchestration.flows import run_on_prefect

            return run_on_prefect(context, request, command)
        with (
            graceful(stop),
            progress_to_console(is_quiet=is_quiet) as progress,
            open_executor(executor, context, stop) as opened,
        ):
            return run_pipeline(context, opened, request, stop=stop, progress=progress, command=command)
