"""The pipeline: the one description of what happens in which order, for every executor.

discover → plan → fetch windows → shape → estimate days → reconcile days → fetch cross-checks → reconcile periods
→ price → publish
"""

import shutil
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path

from extract.api.planner import FetchScope
from extract.archive.raw_archive import Loss
from extract.errors import ContractChanged, ExtractError, NotOffered
from extract.requests import chosen
from flows import ledger
from flows.account import choose, discover, known_sites, write_runs
from flows.adjacent_months import adjacent_months
from flows.cars import fetch_cars
from flows.errors import ExitCode, Interrupted, UsageError, exit_code_for
from flows.executors.executor import Executor
from flows.fetch_session import FetchSession
from flows.fetching import Fetching, ask_for_clocks
from flows.ledger import Run
from flows.progress import Progress, Silent
from flows.run_context import RunContext
from flows.settings import Settings
from flows.stages import Stages, publish
from flows.stop_signal import StopSignal
from flows.tasks.fetch import Failure, Fetched
from flows.tasks.session import TransformSession
from transform.sites import Site, SiteStatus
from warehouse.lake.lake import Lake
from warehouse.query.query import connect
from wattlog.providers import Provider
from wattlog.series import is_imported, series_of_cars
from wattlog.series_spec import Series


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """What a backfill fetches.

    Attributes:
        sites: Site ids; empty for all.
        series: Series; empty for all. Snapshots are always taken, since planning needs them.
        since: First local day of each site, included; None for its installation.
        until: Last local day of each site, included; None for its today.
        has_quarter_hours: Whether energy by quarter hours is fetched, too.
        newest_first: Whether the newest windows are fetched first.
    """

    sites: tuple[int, ...] = ()
    series: tuple[Series, ...] = ()
    since: date | None = None
    until: date | None = None
    newest_first: bool = True
    has_quarter_hours: bool = False

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.since > self.until:
            raise UsageError(f"--since {self.since} is after --until {self.until}; swap them")
        files = [series for series in self.series if is_imported(series)]
        if files:
            raise UsageError(
                f"series {files[0]} is not requested: its records are files; see `wattlog tariff` and `prices`"
            )

    def scope(self, provider: Provider) -> FetchScope:
        """The same for the planner: the provider decides which series are fetched when none is named."""
        return FetchScope(
            series=chosen(self.series, provider),
            since=self.since,
            until=self.until,
            is_named=bool(self.series),
            has_quarter_hours=self.has_quarter_hours or provider.has_quarter_hours,
        )


@dataclass(slots=True)
class Summary:
    """The result of a run.

    Attributes:
        run_id: The run.
        sites: Every site of the account.
        requests: Requests sent, retries included.
        answered: Windows with a response.
        left: Windows that were not requested and are not settled.
        failures: Windows whose requests failed.
        stopped_by: The error that stopped the requests, if one did.
        not_offered: Series that the provider does not offer, and its error.
        losses: What the raw archive has lost, by segment.
        rows_written: Rows written to the lake.
        warehouse: Path of the published warehouse.
        lake: Path of the lake.
        rows: Rows of each table in the warehouse.
        days: Days of each status in the warehouse.
    """

    run_id: str
    sites: list[Site] = field(default_factory=list)
    requests: int = 0
    answered: int = 0
    left: int = 0
    failures: list[Failure] = field(default_factory=list)
    stopped_by: ExtractError | None = None
    not_offered: dict[str, NotOffered] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    rows_written: int = 0
    warehouse: Path | None = None
    lake: Path | None = None
    rows: dict[str, int] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)

    def add_rows(self, rows: int) -> None:
        """Count rows that were written to the lake."""
        self.rows_written += rows

    def add(self, results: Iterable[Fetched]) -> None:
        """Add the results of some requests."""
        for fetched in results:
            self.answered += fetched.answered
            self.left += fetched.left
            self.failures += fetched.failures
            self.stopped_by = self.stopped_by or fetched.stopped_by
            self.not_offered = {error.series: error for error in fetched.not_offered} | self.not_offered

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the process."""
        if self.stopped_by is not None:
            return exit_code_for(self.stopped_by)
        if any(isinstance(failure.error, ContractChanged) for failure in self.failures):
            return ExitCode.CONTRACT_CHANGED
        return ExitCode.INCOMPLETE if self.failures or self.losses else ExitCode.OK


def backfill(
    context: RunContext,
    executor: Executor,
    backfill_request: BackfillRequest,
    *,
    stop: StopSignal | None = None,
    progress: Progress | None = None,
    command: str = "backfill",
) -> Summary:
    """Fetch every window of the request that is not settled, then transform and publish what the archive holds.

    What was fetched is transformed and published even when the requests are stopped half-way.

    Raises:
        UsageError: A site is not on the account, or the provider has no address.
        ExtractError: The account's products cannot be fetched.
    """
    progress, stop = progress or Silent(), stop or StopSignal()
    provider = context.settings.resolved_provider
    if not provider.base_url:
        raise UsageError(f"provider {provider.name} has no address; set WATTLOG_API_BASE_URL")
    archive, lake = context.open_archive(), context.open_lake()
    summary = Summary(context.run_id)
    limits = executor.shared_limits
    with FetchSession(context, archive, stop=stop, progress=progress, shared_limits=limits) as session:
        try:
            session.access_token()
        finally:
            _raise_if_interrupted(stop, summary)
        run = ledger.begin(archive.root, context.run_id, command, provider.name, context.clock())
        try:
            try:
                fetching = fetch(session, executor, backfill_request, summary, progress)
            finally:
                _raise_if_interrupted(stop, summary)
            stages = Stages(
                executor, TransformSession(context, archive, lake, stop), progress, summary.sites, summary.add_rows
            )
            stages.repairing(stages.transform)
            stages.repairing(partial(_cross_check, fetching, stages, summary), stages.transform)
            stages.repairing(stages.reconcile_periods, stages.transform)
            stages.repairing(stages.price, stages.transform, stages.reconcile_periods)
            summary.losses = archive.losses()
            _raise_if_interrupted(stop, summary)
            # Before publishing, so that the warehouse holds the end of the run that made it.
            end_run(session, run, summary, summary.exit_code)
            _publish_repairing(stages, summary)
        except BaseException as error:
            end_run(session, run, summary, exit_code_for(error))
            raise
        finally:
            progress.end()
    return summary


def rebuild(
    context: RunContext, executor: Executor, *, stop: StopSignal | None = None, progress: Progress | None = None
) -> Summary:
    """Make lake and warehouse again from the raw archive alone: no request, and no new row in the ledger of runs.

    The new lake is made beside the old one and then replaces it, so that the lake holds nothing that the archive does not,
    and a rebuild that is killed has changed nothing.
    """
    progress, stop = progress or Silent(), stop or StopSignal()
    archive, lake, new_lake = context.open_archive(), context.open_lake(), Lake(context.directory.unfinished_lake)
    summary = Summary(context.run_id)
    summary.sites = known_sites(archive, context.settings.site_timezones)
    shutil.rmtree(new_lake.root, ignore_errors=True)
    try:
        stages = Stages(
            executor, TransformSession(context, archive, new_lake, stop), progress, summary.sites, summary.add_rows
        )
        stages.transform()
        stages.reconcile_periods()
        stages.price()
        summary.losses = archive.losses()
        _raise_if_interrupted(stop, summary)
        write_runs(new_lake, ledger.runs(archive.root))
        lake.replace_by(new_lake)
    finally:
        shutil.rmtree(new_lake.root, ignore_errors=True)
    _publish(context, lake, summary, progress, anew=True)
    progress.end()
    return summary


def reconcile(
    context: RunContext, executor: Executor, *, stop: StopSignal | None = None, progress: Progress | None = None
) -> Summary:
    """Find the differences between the sources again, from what the archive holds: no request."""
    progress, stop = progress or Silent(), stop or StopSignal()
    archive, lake = context.open_archive(), context.open_lake()
    summary = Summary(context.run_id)
    summary.sites = known_sites(archive, context.settings.site_timezones)
    try:
        stages = Stages(
            executor, TransformSession(context, archive, lake, stop), progress, summary.sites, summary.add_rows
        )
        stages.repairing(stages.transform)
        stages.repairing(stages.reconcile_periods, stages.transform)
        stages.repairing(stages.price, stages.transform, stages.reconcile_periods)
        summary.losses = archive.losses()
        _raise_if_interrupted(stop, summary)
        _publish_repairing(stages, summary)
    finally:
        progress.end()
    return summary


def fetch(
    session: FetchSession, executor: Executor, backfill_request: BackfillRequest, summary: Summary, progress: Progress
) -> Fetching:
    """discover → plan → fetch windows; returns what fetches the cross-checks of the same sites later."""
    settings = session.context.settings

    def chosen_sites() -> list[Site]:
        summary.sites = known_sites(session.archive, settings.site_timezones)
        return [site for site in choose(summary.sites, backfill_request.sites) if site.status == SiteStatus.OK]

    summary.add([discover(session, backfill_request.sites, executor=executor, progress=progress)])
    sites = chosen_sites()
    fetched, asked = ask_for_clocks(session, executor, sites)
    summary.add([fetched])
    sites = chosen_sites() if asked else sites
    scope = backfill_request.scope(settings.resolved_provider)
    fetching = Fetching(executor, session, progress, sites, scope, asked)
    summary.add(fetching.history(newest_first=backfill_request.newest_first))
    summary.add([fetch_cars(session, cars_series(scope, settings))])
    summary.requests = session.requests
    return replace(
        fetching, sites=chosen_sites()
    )  # the responses may show another clock, or since when there is a battery


def cars_series(scope: FetchScope, settings: Settings) -> tuple[Series, ...]:
    """The series about cars that a run requests: those named, or all where the setting `vehicles` is on and none is named."""
    if settings.vehicles and not scope.is_named:
        return series_of_cars()
    return tuple(name for name in scope.series if name in series_of_cars())


def end_run(session: FetchSession, run: Run, summary: Summary, exit_code: int) -> None:
    """Write the run's end into the ledger."""
    ledger.end(
        session.archive.root,
        run,
        exit_code=exit_code,
        requests=session.requests,
        rows_written=summary.rows_written,
        now=session.context.clock(),
    )


def _cross_check(fetching: Fetching, stages: Stages, summary: Summary) -> None:
    """Fetch the cross-checks of suspect days, then shape and reconcile the partitions that they are about."""
    chunks, results = fetching.cross_checks(stages.session.lake)
    if not chunks:
        return
    summary.add(results)
    summary.requests = fetching.session.requests
    touched = {(chunk.site_id, month) for chunk in chunks for month in (chunk.month, *adjacent_months(chunk.month))}
    stages.shape(
        [item for item in stages.partitions() if any((item.site.site_id, month) in touched for month in item.months)]
    )


def _raise_if_interrupted(stop: StopSignal, summary: Summary) -> None:
    """Lake and warehouse are left as they are; the next run makes what is missing from the archive."""
    if stop.is_interrupted():
        raise Interrupted(summary.left, by_keyboard=stop.interrupted_by is signal.SIGINT)


def _publish_repairing(stages: Stages, summary: Summary) -> None:
    session = stages.session
    stages.repairing(
        partial(_publish, session.context, session.lake, summary, stages.progress),
        stages.transform,
        stages.reconcile_periods,
        stages.price,
    )
    summary.losses = session.archive.losses()


def _publish(context: RunContext, lake: Lake, summary: Summary, progress: Progress, *, anew: bool = False) -> None:
    """Make the warehouse from the lake, and count its rows."""
    progress.begin("warehouse", 1)
    built = publish(context, lake, anew=anew)
    progress.advance()
    summary.warehouse, summary.lake = built.path, lake.root
    summary.rows, summary.days = dict(built.rows), days_by_status(built.path)


def days_by_status(warehouse: Path) -> dict[str, int]:
    """Days of each status over all sites; counted by DuckDB, since a fleet's days need not fit into memory."""
    with connect(warehouse) as connection:
        return dict(connection.execute("select status, count(*) from daily group by status order by status").fetchall())
