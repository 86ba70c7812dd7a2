"""The flows that Prefect runs; deployments point here.

A flow wraps the same pipeline that the command line runs. What it returns and passes are paths and counts, never frames.
Parameters are typed, so that Prefect refuses a wrong one when a run is created. A run holds the data directory like any
other: one that finds it held fails and says who holds it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, runtime, tags
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field, WithJsonSchema

from extract.client import utc_now
from extract.series import Series
from flows import artifacts, pipeline
from flows.cli.query import WAREHOUSE
from flows.cli.report import DEFAULT_NAME
from flows.data_directory import held
from flows.engines.prefect_engine import PrefectEngine
from flows.errors import RunFailed, UsageError
from flows.object_store.address import store_address
from flows.object_store.session import opened
from flows.pipeline import Selection, Summary
from flows.run_log import RunLog
from flows.secret_blocks import with_secret_blocks
from flows.settings import Settings, load_settings
from flows.summary import as_dict, failure_in_words
from flows.workspace import Workspace, new_run_id
from warehouse.report import write_report

RUNNER: Any = ThreadPoolTaskRunner(max_workers=4)
"""Four tasks at a time: requests in flight, mostly."""

SiteIds = list[Annotated[int, Field(ge=1)]]
Cap = Annotated[int, Field(ge=1)]
Day = Annotated[date, WithJsonSchema({"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"})]
"""Prefect's server checks patterns when a run is created, formats it does not."""


def run_name() -> str:
    """`backfill site 2104877316, 2025-01-01 to 2025-03-31`: which sites and days a flow run is about."""
    given: dict[str, Any] = runtime.flow_run.parameters
    sites = [str(site) for site in given.get("sites") or ()]
    subject = "all sites" if not sites else f"site{'s' * (len(sites) > 1)} {', '.join(sites[:3])}"
    more = f" and {len(sites) - 3} more" if len(sites) > 3 else ""
    since, until = given.get("since"), given.get("until")
    days = f", {since or 'the beginning'} to {until or 'today'}" if since or until else ""
    return f"{runtime.flow_run.flow_name} {subject}{more}{days}"


def run_on_prefect(workspace: Workspace, selection: Selection, command: str) -> Summary:
    """Run the pipeline inside a flow run of its own, for the command line, which holds the data directory already."""
    found: list[Summary] = []

    @flow(name=command, task_runner=RUNNER, validate_parameters=False)
    def run() -> None:
        found.append(_fetch(workspace, selection, command))

    with tags("wattlog", command):
        run()
    return found[0]


@flow(name="sync", task_runner=RUNNER, flow_run_name=run_name)
def sync(
    sites: SiteIds | None = None,
    max_requests: Cap | None = None,
    data_dir: Path | None = None,
) -> dict[str, Any]:
    """Fetch what is not settled, reconcile, publish: the nightly run.

    Args:
        sites: Site ids; all when not given.
        max_requests: Hard cap on requests.
        data_dir: Data directory; the setting's when not given.

    Raises:
        RunFailed: Some windows stayed without an answer; what was fetched is loaded.
    """
    with _workspace("sync", data_dir, max_requests) as workspace:
        return _result(_fetch(workspace, Selection(tuple(sites or ())), "sync"))


@flow(name="backfill", task_runner=RUNNER, flow_run_name=run_name)
def backfill(
    sites: SiteIds | None = None,
    series: list[Series] | None = None,
    since: Day | None = None,
    until: Day | None = None,
    max_requests: Cap | None = None,
    newest_first: bool = True,
    data_dir: Path | None = None,
) -> dict[str, Any]:
    """Fetch every window that is not settled yet, then reconcile and publish.

    Args:
        sites: Site ids; all when not given.
        series: Series; all when not given.
        since: First local day of each site; its installation when not given.
        until: Last local day of each site, included; its today when not given.
        max_requests: Hard cap on requests.
        newest_first: Whether to begin at the newest windows.
        data_dir: Data directory; the setting's when not given.

    Raises:
        RunFailed: Some windows stayed without an answer; what was fetched is loaded.
    """
    selection = Selection(tuple(sites or ()), tuple(series or ()), since, until, newest_first)
    with _workspace("backfill", data_dir, max_requests) as workspace:
        return _result(_fetch(workspace, selection, "backfill"))


@flow(name="rebuild", task_runner=RUNNER, flow_run_name=run_name)
def rebuild(data_dir: Path | None = None) -> dict[str, Any]:
    """Make lake and warehouse again from the raw archive, without one request.

    Args:
        data_dir: Data directory; the setting's when not given.
    """
    return _without_asking("rebuild", data_dir, pipeline.rebuild)


@flow(name="reconcile", task_runner=RUNNER, flow_run_name=run_name)
def reconcile(data_dir: Path | None = None) -> dict[str, Any]:
    """Compare every source with every other anew, from what is held, and publish.

    Args:
        data_dir: Data directory; the setting's when not given.
    """
    return _without_asking("reconcile", data_dir, pipeline.reconcile)


@flow(name="report", flow_run_name=run_name)
def report(
    sites: SiteIds | None = None,
    since: Day | None = None,
    until: Day | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
) -> dict[str, Any]:
    """Write the report of the published warehouse: one HTML file. Reading needs no turn: a run under way is not waited for.

    Args:
        sites: Site ids; all when not given.
        since: First local day; the first there is when not given.
        until: Last local day, included; the last there is when not given.
        out: The file; `report.html` in the data directory when not given. It is replaced.
        data_dir: Data directory; the setting's when not given.
    """
    asked = _settings(data_dir)
    if out is None and store_address(asked.data_dir) is not None:
        raise UsageError(
            f"{asked.shown_data_dir} takes no report; give the parameter `out`, a file on the worker's machine"
        )
    with opened(asked, "report") as settings:
        written = write_report(
            settings.data_dir / WAREHOUSE,
            settings.data_dir / DEFAULT_NAME if out is None else out,
            made_at=utc_now(),
            sites=sites,
            since=since,
            until=until,
            force=True,
        )
    artifacts.show_report(written.path)
    return {"path": str(written.path), "sites": written.sites, "bytes": written.bytes}


def _without_asking(command: str, data_dir: Path | None, work: Callable[..., Summary]) -> dict[str, Any]:
    with _workspace(command, data_dir) as workspace:
        summary = work(workspace, PrefectEngine(), progress=RunLog())
        artifacts.show_reconciliation(workspace, summary.sites)
        return _result(summary)


def _fetch(workspace: Workspace, selection: Selection, command: str) -> Summary:
    summary = pipeline.backfill(workspace, PrefectEngine(), selection, progress=RunLog(), command=command)
    artifacts.show(workspace, summary)
    return summary


def _result(summary: Summary) -> dict[str, Any]:
    """What a flow returns.

    Raises:
        RunFailed: The run did not end with exit code 0.
    """
    if summary.exit_code:
        raise RunFailed(summary.exit_code, failure_in_words(summary))
    return as_dict(summary)


@contextmanager
def _workspace(command: str, data_dir: Path | None, max_requests: int | None = None) -> Iterator[Workspace]:
    """A workspace that holds its data directory."""
    with opened(with_secret_blocks(_settings(data_dir)), command) as settings, held(settings.data_dir, command):
        workspace = Workspace(settings, new_run_id(utc_now()), max_requests=max_requests)
        try:
            yield workspace
        finally:
            workspace.close()


def _settings(data_dir: Path | None) -> Settings:
    settings = load_settings(data_dir=data_dir)
    is_lasting = settings.data_dir.is_absolute() or store_address(settings.data_dir) is not None
    if runtime.deployment.id is not None and not is_lasting:
        # A process worker runs flows in a temporary directory, which is gone with all that was fetched when the run ends.
        raise UsageError(
            f"the data directory {settings.data_dir} is relative, and a worker has no place of its own; "
            "set WATTLOG_DATA_DIR to an absolute path where the worker runs, or register with `wattlog deploy`"
        )
    return settings
