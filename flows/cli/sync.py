"""`wattlog sync`: the run that a timer starts every night."""

import sys

from pydantic import SecretStr

from flows.cli import explain
from flows.cli.backfill import run
from flows.console import note
from flows.healthcheck import Healthcheck
from flows.pipeline import Selection
from flows.runners import OnDask
from flows.settings import Settings
from flows.summary import one_line, print_summary


def sync(
    settings: Settings,
    *,
    sites: list[int],
    max_requests: int | None,
    is_verbose: bool,
    healthcheck_url: str | None,
    engine: str | None,
    on_dask: OnDask | None = None,
    as_json: bool,
) -> int:
    """Fetch what is not settled, reconcile, publish; returns the exit code.

    Without a terminal it says nothing when all went well, since cron mails whatever is printed, and one line when not.
    """
    watchdog = Healthcheck(
        settings.healthcheck_url if healthcheck_url is None else SecretStr(healthcheck_url),
        hidden=(settings.access_token, settings.refresh_token, settings.client_secret),
    )
    watchdog.began()
    try:
        summary = run(
            settings,
            Selection(tuple(sites)),
            max_requests=max_requests,
            engine=engine,
            on_dask=on_dask,
            command="sync",
            is_quiet=not (is_verbose or sys.stderr.isatty()),
        )
    except BaseException as error:
        watchdog.ended(explain(error)[0])
        raise
    watchdog.ended(one_line(summary) if summary.exit_code else None)
    if as_json or is_verbose or sys.stdout.isatty():
        print_summary(summary, settings, as_json=as_json)
    elif summary.exit_code:
        note(one_line(summary))
    return summary.exit_code
