"""`wattlog sync`: the run that a timer starts every night."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.backfill import run_backfill
from flows.cli.executor_options import Engine, Executor, Runner, Scheduler, chosen_executor
from flows.cli.options import InPlaceViews, Json, MaxRequests, Sites

if TYPE_CHECKING:
    from flows.errors import ExitCode
    from flows.settings import Settings


def sync(
    settings: "Settings",
    *,
    site: Sites = None,
    max_requests: MaxRequests = None,
    healthcheck_url: Annotated[
        str | None,
        typer.Option(
            help="Address to request when the run begins, and at URL or URL/fail when it ends.",
            metavar="URL",
            show_default=False,
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print progress and summary without a terminal, too.")
    ] = False,
    executor: Executor = None,
    scheduler: Scheduler = None,
    runner: Runner = None,
    engine: Engine = None,
    in_place_views: InPlaceViews = False,
    as_json: Json = False,
) -> int:
    """Do the nightly run: fetch, reconcile, publish, deliver. Without a terminal, only failures are printed."""
    choice = chosen_executor(executor, scheduler, runner=runner, engine=engine)
    from pydantic import SecretStr

    from flows.cli.error_text import explain
    from flows.console import note
    from flows.healthcheck import Healthcheck
    from flows.pipeline import BackfillRequest
    from flows.summary import one_line, print_summary

    watchdog = Healthcheck(
        settings.healthcheck_url if healthcheck_url is None else SecretStr(healthcheck_url),
        hidden=(settings.access_token, settings.refresh_token, settings.client_secret),
    )
    watchdog.began()
    try:
        summary = run_backfill(
            settings.with_in_place_views(in_place_views),
            BackfillRequest(tuple(site or ())),
            max_requests=max_requests,
            executor=choice,
            command="sync",
            is_quiet=not (verbose or sys.stderr.isatty()),
        )
        failed = _deliver(settings, summary.run_id)
    except BaseException as error:
        watchdog.ended(explain(error)[0])
        raise
    watchdog.ended(one_line(summary) if summary.exit_code else (failed[0] if failed is not None else None))
    if failed is not None:
        note(failed[0])
    if as_json or verbose or sys.stdout.isatty():
        print_summary(summary, settings, as_json=as_json)
    elif summary.exit_code:
        note(one_line(summary))
    return summary.exit_code or (0 if failed is None else failed[1])


def _deliver(settings: "Settings", run_id: str) -> "tuple[str, ExitCode] | None":
    """Deliver to the targets that follow every sync; returns what went wrong first, and its exit code."""
    if not any(target.with_sync for target in settings.publish):
        return None
    from flows.data_directory import locked
    from flows.deliveries.run import deliver_after_sync, first_error
    from flows.run_context import RunContext

    with locked(settings.data_dir, "publish"):
        return first_error(deliver_after_sync(RunContext(settings, run_id)))
