"""The pipeline: the one description of what happens in which order, for every engine.

discover → plan → fetch windows → shape months → estimate days → reconcile → ask witnesses → settle sites → publish
"""

import logging
import shutil
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from extract.errors import ContractChanged, ExtractError, NotOffered
from extract.planner import Chunk, Wanted
from extract.providers import ProviderName
from extract.series import Series, chosen
from flows import ledger
from flows.account import choose, discover, known_sites, write_account_requests, write_runs, write_sites
from flows.engines import Engine, Item, Step
from flows.errors import ExitCode, Interrupted, UsageError, exit_code_for
from flows.ledger import Run
from flows.neighbours import months_beside, months_of
from flows.planning import Asked, about, chunks_for, deeper_chunks, witness_chunks
from flows.progress import Progress, Silent
from flows.steps.estimate import estimate_days
from flows.steps.fetch import Failure, Fetched, fetch_windows
from flows.steps.partition import Shaped, SiteMonth, by_year
from flows.steps.reconcile import reconcile_site, reconcile_year
from flows.steps.shape import shape_month
from flows.workspace import Workspace
from transform.sites import Site, SiteStatus
from warehouse.build import Built, build
from warehouse.lake import Lake
from warehouse.query import connect

log = logging.getLogger(__name__)

CPU_WORKERS = 2
"""Threads for the work right of raw: pandas, Arrow and zstd let go of the interpreter lock for part of it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a backfill is to fetch.

    Attributes:
        sites: Site ids; empty for all.
        series: Series; empty for all. Snapshots are taken whatever is chosen: nothing can be planned without.
        since: First local day of each site, included; None for its installation.
        until: Last local day of each site, included; None for its today.
        has_quarter_hours: Ask for energy by quarter hours too.
        newest_first: Whether the newest windows are asked first.
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

    def wanted(self, provider: ProviderName) -> Wanted:
        """The same for the planner: the provider decides what is asked when nothing is named."""
        return Wanted(
            series=chosen(self.series, provider),
            since=self.since,
            until=self.until,
            is_named=bool(self.series),
            has_quarter_hours=self.has_quarter_hours or provider is ProviderName.OWNER,
        )


@dataclass(slots=True)
class Summary:
    """What a run came to.

    Attributes:
        run_id: The run.
        sites: Every site of the account.
        requests: Requests asked, retries included.
        answered: Windows answered.
        left: Windows neither asked nor settled.
        failures: Windows asked in vain.
        stopped_by: The error that stopped the asking, if one did.
        not_offered: Series that the provider does not know, and what it said.
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
    rows_written: int = 0
    warehouse: Path | None = None
    lake: Path | None = None
    rows: dict[str, int] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)

    def add(self, fetched: Fetched) -> None:
        """Count what asking some requests came to."""
        self.answered += fetched.answered
        self.left += fetched.left
        self.failures += fetched.failures
        self.stopped_by = self.stopped_by or fetched.stopped_by
        self.not_offered = {error.series: error for error in fetched.not_offered} | self.not_offered

    @property
    def exit_code(self) -> ExitCode:
        """What the process tells its caller."""
        if self.stopped_by is not None:
            return exit_code_for(self.stopped_by)
        if any(isinstance(failure.error, ContractChanged) for failure in self.failures):
            return ExitCode.CONTRACT_CHANGED
        return ExitCode.INCOMPLETE if self.failures else ExitCode.OK


def backfill(
    workspace: Workspace,
    engine: Engine,
    selection: Selection,
    *,
    progress: Progress | None = None,
    command: str = "backfill",
) -> Summary:
    """Ask every window of the selection that is not settled, then transform and publish what the archive holds.

    What was fetched is transformed and published even when the asking is stopped half-way.

    Raises:
        UsageError: A wanted site is not on the account, or the provider has no address.
        ExtractError: The account's products cannot be had.
    """
    progress = progress or Silent()
    provider = workspace.settings.resolved_provider
    if not provider.base_url:
        raise UsageError(f"provider {provider.name} has no address; set WATTLOG_API_BASE_URL")
    workspace.access_token()
    run = ledger.begin(workspace.archive.root, workspace.run_id, command, provider.name, workspace.clock())
    summary = Summary(workspace.run_id)
    try:
        sites = _ask(workspace, engine, selection, summary, progress)
        _stop_if_interrupted(workspace, summary)
        _transform(workspace, engine, summary, progress)
        _ask_witnesses(workspace, engine, sites, selection, summary, progress)
        _settle(workspace, engine, summary, progress)
        _stop_if_interrupted(workspace, summary)
        _end(workspace, run, summary, summary.exit_code)
        _publish(workspace, summary, progress)
    except BaseException as error:
        _end(workspace, run, summary, exit_code_for(error))
        raise
    finally:
        progress.end()
    return summary


def rebuild(workspace: Workspace, engine: Engine, *, progress: Progress | None = None) -> Summary:
    """Make lake and warehouse again from the raw archive alone: not one request, not one new row in the ledger of runs.

    The new lake is made beside the old one and then put in its place, so that nothing is left of what raw does not explain,
    and a rebuild that is killed has changed nothing.
    """
    progress = progress or Silent()
    summary = Summary(workspace.run_id)
    summary.sites = known_sites(workspace)
    final, fresh = workspace.lake, Lake(workspace.root / ".lake.rebuilding")
    shutil.rmtree(fresh.root, ignore_errors=True)
    workspace.lake = fresh
    try:
        _transform(workspace, engine, summary, progress)
        _settle(workspace, engine, summary, progress)
        _stop_if_interrupted(workspace, summary)
        write_runs(workspace, ledger.runs(workspace.archive.root))
        final.replace_by(fresh)
    finally:
        workspace.lake = final
        shutil.rmtree(fresh.root, ignore_errors=True)
    _publish(workspace, summary, progress, anew=True)
    progress.end()
    return summary


def reconcile(workspace: Workspace, engine: Engine, *, progress: Progress | None = None) -> Summary:
    """Find out again where the sources contradict one another, from what is held: not one request."""
    progress = progress or Silent()
    summary = Summary(workspace.run_id)
    try:
        summary.sites = known_sites(workspace)
        _transform(workspace, engine, summary, progress)
        _settle(workspace, engine, summary, progress)
        _stop_if_interrupted(workspace, summary)
        _publish(workspace, summary, progress)
    finally:
        progress.end()
    return summary


def _stop_if_interrupted(workspace: Workspace, summary: Summary) -> None:
    """Lake and warehouse are left as they are; the next run makes what is missing from the archive."""
    if workspace.interrupted_by is not None:
        raise Interrupted(summary.left, by_keyboard=workspace.interrupted_by is signal.SIGINT)


def _end(workspace: Workspace, run: Run, summary: Summary, exit_code: int) -> None:
    """Write the run's end into the ledger: before publishing, so that the warehouse knows the run that made it."""
    ledger.end(
        workspace.archive.root,
        run,
        exit_code=exit_code,
        requests=workspace.fetcher.budget.spent,
        rows_written=summary.rows_written,
        now=workspace.clock(),
    )


def _ask(
    workspace: Workspace, engine: Engine, selection: Selection, summary: Summary, progress: Progress
) -> list[Site]:
    """discover → plan → fetch windows; returns the sites that were asked."""
    progress.begin("sites", 1)
    summary.add(discover(workspace, selection.sites, engine=engine))
    progress.advance()
    summary.sites = known_sites(workspace)
    sites = [site for site in choose(summary.sites, selection.sites) if site.status is not SiteStatus.FAILING]
    wanted = selection.wanted(workspace.settings.provider)
    chunks = (
        [] if workspace.stop.is_set() else chunks_for(workspace, sites, wanted, newest_first=selection.newest_first)
    )
    asked = set[Asked]()
    while chunks:
        _fetch(workspace, engine, sites, chunks, summary, progress)
        if workspace.stop.is_set():
            break
        asked |= {about(request) for chunk in chunks for request in chunk.requests}
        chunks = deeper_chunks(workspace, sites, wanted, asked, newest_first=selection.newest_first)
    summary.requests = workspace.fetcher.budget.spent
    return sites


def _ask_witnesses(
    workspace: Workspace,
    engine: Engine,
    sites: Sequence[Site],
    selection: Selection,
    summary: Summary,
    progress: Progress,
) -> None:
    """Where a day is missing from its month, or contradicts it, its week and the day itself are asked, once (Q19).

    What they say is shaped and reconciled like everything else.
    """
    if workspace.stop.is_set():
        return
    chunks = witness_chunks(workspace, sites, selection.wanted(workspace.settings.provider))
    if not chunks:
        return
    log.info("days in doubt: asking witnesses requests=%s", sum(len(chunk.requests) for chunk in chunks))
    _fetch(workspace, engine, sites, chunks, summary, progress)
    summary.requests = workspace.fetcher.budget.spent
    touched = {(chunk.site_id, month) for chunk in chunks for month in (chunk.month, *months_beside(chunk.month))}
    items = [each for each in _site_months(workspace, summary.sites) if (each.site.site_id, each.month) in touched]
    _shape(workspace, engine, items, summary, progress)


def _fetch(
    workspace: Workspace,
    engine: Engine,
    sites: Sequence[Site],
    chunks: Sequence[Chunk],
    summary: Summary,
    progress: Progress,
) -> None:
    """Ask every window of some chunks."""
    names = {site.site_id: site.site_name or str(site.site_id) for site in sites}
    parts: Counter[str] = Counter()
    for chunk in chunks:
        parts[f"{names[chunk.site_id]} {chunk.series}"] += len(chunk.requests)
    progress.begin("requests", parts.total(), parts)
    workspace.on_request = lambda site_id, series: progress.advance(f"{names[site_id]} {series}")
    workspace.on_pause = lambda seconds: progress.pause(f"429: waiting {seconds:.0f} s")
    concurrency = workspace.settings.resolved_provider.concurrency
    for fetched in engine.map(fetch_windows, workspace, chunks, workers=concurrency):
        summary.add(fetched)
    workspace.on_request = None  # what is asked next may be about other sites


def _transform(workspace: Workspace, engine: Engine, summary: Summary, progress: Progress) -> None:
    """shape months → estimate days → reconcile months, and the tables of the whole account."""
    workspace.lake.sweep()
    workspace.lake.discard_stale("reconciliation")  # months add to what these files hold, and to some no month comes
    _shape(workspace, engine, _site_months(workspace, summary.sites), summary, progress)
    summary.rows_written += write_sites(workspace, summary.sites) + write_account_requests(workspace)


def _site_months(workspace: Workspace, sites: Sequence[Site]) -> list[SiteMonth]:
    return [SiteMonth(site, month) for site in sites for month in months_of(workspace, site)]


def _shape(
    workspace: Workspace, engine: Engine, items: Sequence[SiteMonth], summary: Summary, progress: Progress
) -> None:
    """All that is done month by month; what was made of the same answers before is left as it is."""
    summary.rows_written += _each(workspace, engine, "months shaped", shape_month, items, progress)
    summary.rows_written += _each(workspace, engine, "days estimated", estimate_days, items, progress)
    summary.rows_written += _each(workspace, engine, "years reconciled", reconcile_year, by_year(items), progress)


def _settle(workspace: Workspace, engine: Engine, summary: Summary, progress: Progress) -> None:
    """Months, years and lifetimes beside the sums of their days, site by site."""
    summary.rows_written += _each(workspace, engine, "sites reconciled", reconcile_site, summary.sites, progress)


def _each(
    workspace: Workspace,
    engine: Engine,
    stage: str,
    step: Step[Item, Shaped],
    items: Sequence[Item],
    progress: Progress,
) -> int:
    """Do one step for each item; returns the rows written."""
    progress.begin(stage, len(items))
    done = engine.map(step, workspace, items, workers=CPU_WORKERS, on_done=lambda _: progress.advance())
    return sum(each.rows_written for each in done)


def _publish(workspace: Workspace, summary: Summary, progress: Progress, *, anew: bool = False) -> None:
    """Make the warehouse from the lake, and count what is in it."""
    progress.begin("warehouse", 1)
    built = publish(workspace, anew=anew)
    progress.advance()
    summary.warehouse, summary.lake = built.path, workspace.lake.root
    summary.rows, summary.days = dict(built.rows), days_by_status(workspace)


def publish(workspace: Workspace, *, anew: bool = False) -> Built:
    """Write the ledger into the lake and build the warehouse from it, beside the live one, then put it in its place.

    Args:
        workspace: Where lake and warehouse are.
        anew: Load everything, whatever the live one holds already.
    """
    write_runs(workspace, ledger.runs(workspace.archive.root))
    return build(workspace.lake, workspace.warehouse_path, in_place_views=workspace.settings.in_place_views, anew=anew)


def days_by_status(workspace: Workspace) -> dict[str, int]:
    """Days of each status over all sites; counted where they are, since a fleet's days need not fit into memory."""
    with connect(workspace.warehouse_path) as connection:
        return dict(connection.execute("select status, count(*) from daily group by status order by status").fetchall())
