"""`wattlog demo`: the whole main job on the built-in simulator."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import orjson
from pydantic import SecretStr

from extract.archive import RawArchive
from extract.client import utc_now
from extract.errors import WrongWindow
from extract.providers import ProviderName
from extract.simulator import DEMO_TOKEN
from flows.cli.backfill import run
from flows.cli.query import WAREHOUSE
from flows.cli.reconcile import print_findings
from flows.cli.report import DEFAULT_NAME
from flows.cli.sites import held_of, print_sites
from flows.console import note
from flows.errors import ExitCode, UsageError
from flows.findings import findings
from flows.pipeline import Selection
from flows.settings import Settings
from flows.summary import print_summary
from flows.workspace import Workspace
from warehouse.report import write_report

SCENARIO = "quirks"
"""What the simulator serves: two sites with a contradiction of every kind."""


def demo(settings: Settings, *, days: int, as_json: bool) -> int:
    """Serve the demo world from a process of its own, backfill it, show the sites, what disagrees, and what there is
    now, and write the report.

    Its two sites contradict themselves in every known way (scenario `quirks`). The history begins with a month, so that
    every day in the warehouse has all its series.

    Returns:
        The run's exit code; but a day that the simulator answers wrongly for good is what it is there to show.
    """
    _refuse_real_data(settings)
    with simulator_process() as base_url:
        simulated = settings.model_copy(
            update={
                "provider": ProviderName.SIMULATOR,
                "api_base_url": base_url,
                "access_token": SecretStr(DEMO_TOKEN),
                "refresh_token": None,
                "requests_per_minute": None,
            }
        )
        since = (utc_now().date() - timedelta(days=days)).replace(day=1)
        summary = run(simulated, Selection(since=since), engine="local", command="demo")
    if not as_json:
        workspace = Workspace(settings, summary.run_id)
        print_sites(summary.sites, {site.site_id: held_of(workspace, site.site_id) for site in summary.sites})
        print_findings(findings(workspace, summary.sites, None))
    print_summary(summary, settings, as_json=as_json)
    if settings.shown_data_dir == str(settings.data_dir):
        report = settings.data_dir / DEFAULT_NAME
        write_report(settings.data_dir / WAREHOUSE, report, made_at=utc_now(), force=True)
        note(f"the report of all that is {report}; open it in a browser")
    if summary.failures and all(isinstance(failure.error, WrongWindow) for failure in summary.failures):
        note("that is one of the simulator's quirks; `wattlog gaps` shows the day that is missing for it")
        return ExitCode.OK
    return summary.exit_code


def _refuse_real_data(settings: Settings) -> None:
    """Never mix simulated energy into the history of a real account."""
    raw = settings.data_dir / "raw"
    if not raw.exists():
        return
    archive = RawArchive(raw)
    if any(provider != ProviderName.SIMULATOR for provider in archive.providers()):
        raise UsageError(
            f"{settings.shown_data_dir} holds the history of a real account; give the demo another --data-dir"
        )


@contextmanager
def simulator_process() -> Iterator[str]:
    """The simulator in a process of its own, so that it does not share an interpreter with the work it feeds.

    Yields:
        Its base URL.
    """
    command = [sys.executable, "-m", "extract.simulator", "--scenario", SCENARIO, "--port", "0", "--exit-with-parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - own module
        try:
            line = process.stdout.readline() if process.stdout is not None else b""
            if not line:
                raise UsageError("the simulator did not start; run `wattlog simulate` to see why")
            yield str(orjson.loads(line)["base_url"])
        finally:
            process.terminate()
