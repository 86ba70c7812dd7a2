"""`wattlog demo`: the whole job on the built-in simulator."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.backfill import run_backfill
from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.settings import Settings

SCENARIO = "quirks"
"""The scenario of the demo: two sites with an anomaly of every kind."""


def demo(
    settings: "Settings",
    *,
    days: Annotated[
        int, typer.Option(min=1, max=400, help="Days of history to fetch, rounded up to whole months.")
    ] = 365,
    as_json: Json = False,
) -> int:
    """Run everything on the built-in simulator: two sites, a year. Nothing has to be configured."""
    # The history begins on the first of a month, so that every day in the warehouse has all its series.
    from extract.api.client import utc_now
    from extract.errors import WrongWindow
    from flows.cli.tables.costs import Grain, print_costs, stored_costs
    from flows.cli.tables.differences import print_differences
    from flows.cli.tables.sites import print_sites, stored_of
    from flows.console import note
    from flows.differences import differences
    from flows.errors import ExitCode
    from flows.executors.choice import ExecutorChoice
    from flows.orchestration.context import new_context
    from flows.pipeline import BackfillRequest
    from flows.summary import print_summary
    from warehouse.report import write_report
    from wattlog.names import DataDirectory

    _refuse_real_data(settings)
    import_tariffs(settings)
    with simulator_process() as base_url:
        since = (utc_now().date() - timedelta(days=days)).replace(day=1)
        summary = run_backfill(
            _simulated(settings, base_url), BackfillRequest(since=since), executor=ExecutorChoice(), command="demo"
        )
    if not as_json:
        context = new_context(settings)
        archive = context.open_archive()
        print_sites(summary.sites, {site.site_id: stored_of(archive, site.site_id) for site in summary.sites})
        print_differences(differences(context.open_lake(), summary.sites, None))
        print_costs(stored_costs(DataDirectory(settings.data_dir).warehouse, Grain.CYCLE, (), date.min, date.max))
    print_summary(summary, settings, as_json=as_json)
    if settings.shown_data_dir == str(settings.data_dir):
        directory = DataDirectory(settings.data_dir)
        write_report(directory.warehouse, directory.report, made_at=utc_now(), answers=directory.what_if, force=True)
        note(f"the report is {directory.report}; open it in a browser")
    if summary.failures and all(isinstance(failure.error, WrongWindow) for failure in summary.failures):
        note("the simulator does that on purpose; `wattlog gaps` shows the day that is missing")
        return ExitCode.OK
    return summary.exit_code


def _simulated(settings: "Settings", base_url: str) -> "Settings":
    """The settings with the simulator as provider."""
    from pydantic import SecretStr

    from wattlog.providers import SIMULATOR, SIMULATOR_TOKEN

    return settings.model_copy(
        update={
            "provider": SIMULATOR.name,
            "api_base_url": base_url,
            "access_token": SecretStr(SIMULATOR_TOKEN),
            "refresh_token": None,
            "requests_per_minute": None,
            "vehicles": True,
        }
    )


def import_tariffs(settings: "Settings") -> None:
    """Keep the tariffs of the past, which the API does not serve, as `wattlog tariff import` would."""
    import orjson

    from extract.archive.imported import ImportedFile
    from extract.simulator import SCENARIOS, dated_tariffs
    from flows.data_directory import locked
    from flows.imports import is_kept_tariff, keep
    from flows.orchestration.context import new_context
    from wattlog.series_spec import Series

    context = new_context(settings)
    with locked(settings.data_dir, "demo"):
        archive = context.open_archive()
        files = [
            (ImportedFile(site.site_id, Series.TARIFF_FILE, orjson.dumps(document), "json", since), site.zone)
            for site in SCENARIOS[SCENARIO].world(context.clock().date()).sites
            for since, document in dated_tariffs(site)
        ]
        new = [(file, zone) for file, zone in files if not is_kept_tariff(archive, file)]
        if new:
            keep(archive, new, context, "demo")


def _refuse_real_data(settings: "Settings") -> None:
    """Refuse a data directory of a real account, so that no simulated energy is mixed into it."""
    from extract.archive.imported import IMPORTED
    from extract.archive.raw_archive import RawArchive
    from flows.errors import UsageError
    from wattlog.names import DataDirectory
    from wattlog.providers import PROVIDERS

    raw = DataDirectory(settings.data_dir).raw
    if not raw.exists():
        return
    archive = RawArchive(raw)
    simulated = {provider.name for provider in PROVIDERS.values() if provider.is_simulated}
    if archive.providers() - simulated - {IMPORTED}:
        raise UsageError(
            f"{settings.shown_data_dir} holds the history of a real account; give the demo another --data-dir"
        )


@contextmanager
def simulator_process() -> Iterator[str]:
    """The simulator in another process, so that it does not share an interpreter with the work that uses it.

    Yields:
        Its base URL.
    """
    import subprocess

    import orjson

    from flows.errors import UsageError

    command = [sys.executable, "-m", "extract.simulator", "--scenario", SCENARIO, "--port", "0", "--exit-with-parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - own module
        try:
            line = process.stdout.readline() if process.stdout is not None else b""
            if not line:
                raise UsageError("the simulator did not start; run `wattlog simulate` to see why")
            yield str(orjson.loads(line)["base_url"])
        finally:
            process.terminate()
