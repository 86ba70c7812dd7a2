"""`wattlog backfill`."""

import atexit
import logging
import os
import sys
from datetime import date

from extract.client import utc_now
from extract.series import Series
from flows.console import progress_to_console
from flows.data_directory import held
from flows.engines.local import LocalEngine
from flows.interrupts import graceful
from flows.pipeline import Selection, Summary
from flows.pipeline import backfill as run_pipeline
from flows.runners import OnDask
from flows.runners import run as run_on
from flows.settings import Settings, prefect_is_configured
from flows.summary import print_summary
from flows.workspace import Workspace, new_run_id


def backfill(
    settings: Settings,
    *,
    sites: list[int],
    series: list[Series],
    since: date | None,
    until: date | None,
    max_requests: int | None,
    newest_first: bool,
    has_quarter_hours: bool,
    engine: str | None,
    on_dask: OnDask | None = None,
    as_json: bool,
) -> int:
    """Fetch, transform, publish, and say what came of it; returns the exit code."""
    selection = Selection(tuple(sites), tuple(series), since, until, newest_first, has_quarter_hours)
    summary = run(settings, selection, max_requests=max_requests, engine=engine, on_dask=on_dask, command="backfill")
    print_summary(summary, settings, as_json=as_json)
    return summary.exit_code


def run(
    settings: Settings,
    selection: Selection,
    *,
    max_requests: int | None = None,
    engine: str | None,
    on_dask: OnDask | None = None,
    command: str,
    is_quiet: bool = False,
) -> Summary:
    """Run the pipeline on the engine wanted, holding the data directory; without a word of progress if `is_quiet`."""
    workspace = Workspace(settings, new_run_id(utc_now()), max_requests=max_requests)
    with held(settings.data_dir, command):
        try:
            if on_dask is not None:
                with progress_to_console(is_quiet=is_quiet) as progress:
                    return run_on(
                        workspace,
                        command,
                        lambda engine: run_pipeline(workspace, engine, selection, progress=progress, command=command),
                        on_dask,
                    )
            if engine == "prefect" or (engine is None and prefect_is_configured()):
                if is_quiet:
                    _silence_prefect()
                from flows.deployed import run_on_prefect

                return run_on_prefect(workspace, selection, command)
            with graceful(workspace), progress_to_console(is_quiet=is_quiet) as progress:
                return run_pipeline(workspace, LocalEngine(), selection, progress=progress, command=command)
        finally:
            workspace.close()


def _silence_prefect() -> None:
    """Prefect logs its runs to whatever the root logger has; what goes wrong is said in one line, as ever.

    Where its threads outlive the interpreter, DuckDB's binding complains of references, after this process's last word.
    """
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: not record.name.startswith("prefect"))
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno()))
