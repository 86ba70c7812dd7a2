"""The flows that Prefect runs; deployments point here.

A flow wraps the same pipeline that the command line runs. What it returns and passes are paths and counts, never frames.
Parameters are typed, so that Prefect refuses a wrong one when a run is created. A run locks the data directory like any
other run; where it is locked already, the run fails with a message that names the other one.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, runtime, tags
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field, WithJsonSchema

from extract.api.client import utc_now
from flows import pipeline
from flows.commands import (
    Change,
    check_scope,
    objections,
    one_site,
    preview,
    save_replaced,
    send,
    tariff_change,
    tariff_to_set,
)
from flows.data_directory import locked
from flows.errors import RunFailed, UsageError
from flows.fetch_session import FetchSession
from flows.logs import make_records_visible
from flows.object_store.session import open_data_dir
from flows.orchestration import artifacts
from flows.orchestration.context import new_context
from flows.orchestration.deliveries import deliver_to, follow_sync
from flows.orchestration.executor import PrefectExecutor
from flows.orchestration.run_log import RunLog
from flows.orchestration.secret_blocks import with_secret_blocks
from flows.pipeline import BackfillRequest, Summary
from flows.run_context import RunContext
from flows.settings import Settings, load_settings
from flows.settings_plan import apply_plan, exit_code_of
from flows.store_address import store_address
from flows.summary import as_dict, failure_text
from transform.sites import Site
from warehouse.report import write_report
from wattlog.commands.intent import Origin
from wattlog.commands.settings import SETTINGS, Setting
from wattlog.names import DataDirectory
from wattlog.series_spec import Series

make_records_visible()

RUNNER: Any = ThreadPoolTaskRunner(max_workers=4)
"""Four tasks at a time; most of their time is requests in flight."""

log = logging.getLogger(__name__)

SiteIds = list[Annotated[int, Field(ge=1)]]
Cap = Annotated[int, Field(ge=1)]
Day = Annotated[date, WithJsonSchema({"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"})]
"""Prefect's server checks patterns when a run is created, but not formats."""


def run_name() -> str:
    """`backfill site 2104877316, 2025-01-01 to 2025-03-31`: the sites and days of a flow run."""
    given: dict[str, Any] = runtime.flow_run.parameters
    sites = [str(site) for site in given.get("sites") or ()]
    subject = "all sites" if not sites else f"site{'s' * (len(sites) > 1)} {', '.join(sites[:3])}"
    more = f" and {len(sites) - 3} more" if len(sites) > 3 else ""
    since, until = given.get("since"), given.get("until")
    days = f", {since or 'the beginning'} to {until or 'today'}" if since or until else ""
    return f"{runtime.flow_run.flow_name} {subject}{more}{days}"


def name_of_change() -> str:
    """`change reserve to 40, site 2104877316`; without a site there is only one."""
    given: dict[str, Any] = runtime.flow_run.parameters
    site = "" if given.get("site") is None else f", site {given['site']}"
    return f"{runtime.flow_run.flow_name} {given['setting']} to {given['value']}{site}"


def name_of_plan() -> str:
    """`apply the plan`, or `apply the plan (only shown)`."""
    given: dict[str, Any] = runtime.flow_run.parameters
    return f"{runtime.flow_run.flow_name} the plan{' (only shown)' if given['dry_run'] else ''}"


def name_of_tariff() -> str:
    """`change_tariff, site 2104877316`, or `change_tariff back`."""
    given: dict[str, Any] = runtime.flow_run.parameters
    site = "" if given.get("site") is None else f", site {given['site']}"
    return f"{runtime.flow_run.flow_name}{' back' if given['restore'] else ''}{site}"


def run_on_prefect(context: RunContext, backfill_request: BackfillRequest, command: str) -> Summary:
    """Run the pipeline inside a flow run of its own, for the command line, which has locked the data directory."""
    found: list[Summary] = []

    @flow(name=command, task_runner=RUNNER, validate_parameters=False)
    def run() -> None:
        found.append(_fetch(context, backfill_request, command))

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
        RunFailed: Some windows have no response; what was fetched is loaded.
    """
    with _context("sync", data_dir, max_requests) as context:
        return follow_sync(context, _result(_fetch(context, BackfillRequest(tuple(sites or ())), "sync")))


@flow(name="publish", flow_run_name=run_name)
def publish(
    target: str | None = None, sites: SiteIds | None = None, since: Day | None = None, data_dir: Path | None = None
) -> dict[str, Any]:
    """Deliver what changed to Home Assistant, InfluxDB, PVOutput, or Parquet files.

    Args:
        target: A target of the settings; all of them when not given.
        sites: Site ids; those of the target when not given.
        since: First day; that of the target when not given.
        data_dir: Data directory; the setting's when not given.

    Raises:
        RunFailed: A target could not be reached, or refused.
    """
    with _context("publish", data_dir) as context:
        return deliver_to(context, target, sites or (), since)


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
        since: First local day of each site; the installation when not given.
        until: Last local day of each site, included; today when not given.
        max_requests: Hard cap on requests.
        newest_first: Whether to begin at the newest windows.
        data_dir: Data directory; the setting's when not given.

    Raises:
        RunFailed: Some windows have no response; what was fetched is loaded.
    """
    backfill_request = BackfillRequest(tuple(sites or ()), tuple(series or ()), since, until, newest_first)
    with _context("backfill", data_dir, max_requests) as context:
        return _result(_fetch(context, backfill_request, "backfill"))


@flow(name="rebuild", task_runner=RUNNER, flow_run_name=run_name)
def rebuild(data_dir: Path | None = None) -> dict[str, Any]:
    """Make lake and warehouse again from the raw archive, without one request.

    Args:
        data_dir: Data directory; the setting's when not given.
    """
    return _without_asking("rebuild", data_dir, pipeline.rebuild)


@flow(name="reconcile", task_runner=RUNNER, flow_run_name=run_name)
def reconcile(data_dir: Path | None = None) -> dict[str, Any]:
    """Compare every source with every other again, from what the archive holds, and publish.

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
    """Write the report of the published warehouse: one HTML file. Reading does not wait for a run under way.

    Args:
        sites: Site ids; all when not given.
        since: First local day; the first there is when not given.
        until: Last local day, included; the last there is when not given.
        out: The file; `report.html` in the data directory when not given. It is replaced.
        data_dir: Data directory; the setting's when not given.
    """
    given = _settings(data_dir)
    if out is None and store_address(given.data_dir) is not None:
        raise UsageError(
            f"{given.shown_data_dir} cannot store a report; give the parameter `out`, a file on the worker's machine"
        )
    with open_data_dir(given, "report") as settings:
        directory = DataDirectory(settings.data_dir)
        written = write_report(
            directory.warehouse,
            directory.report if out is None else out,
            made_at=utc_now(),
            sites=sites,
            since=since,
            until=until,
            answers=directory.what_if,
            force=True,
        )
    artifacts.show_report(written.path)
    return {"path": str(written.path), "sites": written.sites, "bytes": written.bytes}


@flow(name="apply", flow_run_name=name_of_plan)
def apply(dry_run: bool = True, data_dir: Path | None = None) -> dict[str, Any]:
    """Change the settings that the plan in wattlog.toml says for today.

    Args:
        dry_run: Only report what would be changed.
        data_dir: Data directory; the setting's when not given.

    Raises:
        RunFailed: A change was refused, or is not confirmed.
    """
    with _context("apply-plan", data_dir) as context:
        steps = apply_plan(context, is_dry=dry_run)
    for step in steps:
        log.info("site=%d %s=%s: %s %s", step.site_id, step.name, step.value_asked, step.state, step.reason)
    code = exit_code_of(steps)
    if code:
        failed = next(step for step in steps if step.exit_code == code)
        raise RunFailed(
            code, f"site {failed.site_id}: {failed.name} {failed.value_asked}: {failed.state} {failed.reason}"
        )
    return {"steps": [asdict(step) for step in steps]}


@flow(name="change", flow_run_name=name_of_change)
def change(
    setting: Setting, value: str, site: Annotated[int, Field(ge=1)] | None = None, data_dir: Path | None = None
) -> dict[str, Any]:
    """Change a setting of a site once, and read it back.

    Args:
        setting: The setting; not the tariff, which has the flow `change_tariff`.
        value: The value, as `wattlog set` takes it.
        site: The site; needed if there are several.
        data_dir: Data directory; the setting's when not given.

    Raises:
        UsageError: The change is not possible, or advised against.
        RunFailed: It was refused, or is not confirmed.
    """
    spec = SETTINGS[setting]
    try:
        wanted = Change(spec, spec.values.parse(value))
    except ValueError as error:
        raise UsageError(f"{spec.name}: {error}") from None
    return _changed("change", data_dir, site, lambda *_: wanted)


@flow(name="change_tariff", flow_run_name=name_of_tariff)
def change_tariff(
    tariff: dict[str, Any] | None = None,
    restore: bool = False,
    site: Annotated[int, Field(ge=1)] | None = None,
    data_dir: Path | None = None,
) -> dict[str, Any]:
    """Replace the tariff of a site once, and read it back. The present one is saved, as by `wattlog set tariff`.

    Args:
        tariff: The tariff, in the structure of `tariff_content_v2`; needed without `restore`.
        restore: Put back the tariff that was replaced last.
        site: The site; needed if there are several.
        data_dir: Data directory; the setting's when not given.

    Raises:
        UsageError: The change is not possible, or advised against.
        RunFailed: It was refused, or is not confirmed.
    """
    if (tariff is None) != restore:
        raise UsageError("give a tariff, or restore=True")
    return _changed(
        "change_tariff",
        data_dir,
        site,
        lambda session, chosen: tariff_change(tariff_to_set(session.archive, chosen, tariff)),
    )


def _changed(
    command: str, data_dir: Path | None, site: int | None, change_of: Callable[[FetchSession, Site], Change]
) -> dict[str, Any]:
    """Do one change of a setting; see `change`.

    Args:
        command: The command, for the lock and the ledger.
        data_dir: Data directory.
        site: The site; None for the only one.
        change_of: Makes the change from the session and the site.
    """
    with _context(command, data_dir) as context, FetchSession(context, context.open_archive()) as session:
        check_scope(session)
        chosen = one_site(session, site)
        planned = preview(session, chosen, change_of(session, chosen), Origin.API)
        if planned.is_set:
            return {"outcome": "set already", "value": planned.before.text}
        for sentence in objections(planned, is_forced=False):
            raise UsageError(sentence)
        saved = save_replaced(context.settings, planned, context.run_id)
        if saved is not None:
            log.info("the present tariff is saved in %s", saved)
        sent = send(session, planned, command)
    if sent.exit_code:
        name, value = planned.change.spec.name, planned.change.text
        raise RunFailed(sent.exit_code, f"{name} {value}: {sent.command.outcome}: {sent.command.reason}")
    return {"outcome": sent.command.outcome.value, "value": sent.command.value_after}


def _without_asking(command: str, data_dir: Path | None, work: Callable[..., Summary]) -> dict[str, Any]:
    with _context(command, data_dir) as context:
        summary = work(context, PrefectExecutor(), progress=RunLog())
        artifacts.show_reconciliation(context.open_lake(), summary.sites)
        return _result(summary)


def _fetch(context: RunContext, backfill_request: BackfillRequest, command: str) -> Summary:
    summary = pipeline.backfill(context, PrefectExecutor(), backfill_request, progress=RunLog(), command=command)
    artifacts.show(context.open_archive(), context.open_lake(), summary)
    return summary


def _result(summary: Summary) -> dict[str, Any]:
    """What a flow returns.

    Raises:
        RunFailed: The run did not end with exit code 0.
    """
    if summary.exit_code:
        raise RunFailed(summary.exit_code, failure_text(summary))
    return as_dict(summary)


@contextmanager
def _context(command: str, data_dir: Path | None, max_requests: int | None = None) -> Iterator[RunContext]:
    """The context of a run that has locked its data directory."""
    with (
        open_data_dir(with_secret_blocks(_settings(data_dir)), command) as settings,
        locked(settings.data_dir, command),
    ):
        yield new_context(settings, max_requests=max_requests)


def _settings(data_dir: Path | None) -> Settings:
    settings = load_settings(data_dir=data_dir)
    is_lasting = settings.data_dir.is_absolute() or store_address(settings.data_dir) is not None
    if runtime.deployment.id is not None and not is_lasting:
        # A process worker runs flows in a temporary directory, which is gone with all that was fetched when the run ends.
        raise UsageError(
            f"the data directory {settings.data_dir} is relative, and a worker runs in a temporary directory; "
            "set WATTLOG_DATA_DIR to an absolute path where the worker runs, or register with `wattlog deploy`"
        )
    return settings
