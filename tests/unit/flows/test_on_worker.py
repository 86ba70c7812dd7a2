"""What a worker process does with a batch: it owns its site-years, reacts to a halt and returns what it found out."""

import pickle
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from extract.api.planner import Chunk
from extract.api.shared_limits import Halt, SharedLimits
from extract.errors import RunStopped
from flows.errors import UsageError
from flows.executors import on_worker
from flows.executors.on_worker import FetchJob, TransformJob, fetch_batch, transform_batch
from flows.executors.site_years import SiteYear, site_years
from flows.failing_sites import FAILURES_IN_A_ROW
from flows.fetch_session import FetchSession, FetchState, OnRequest
from flows.run_context import RunContext
from flows.settings import Settings
from flows.tasks.fetch import Fetched
from flows.tasks.partition import Shaped, SitePartition
from flows.tasks.session import TransformSession
from transform.sites import site_from
from wattlog.series_spec import Series


@pytest.fixture
def limits(tmp_path: Path) -> SharedLimits:
    shared_limits = SharedLimits(tmp_path / "limits")
    shared_limits.begin()
    return shared_limits


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    """A context as it arrives with a task."""
    settings = Settings(
        data_dir=tmp_path,
        config_dir=tmp_path / "config",
        provider="simulator",
        api_base_url="http://127.0.0.1:9",
    )
    arrived: RunContext = pickle.loads(pickle.dumps(RunContext(settings, "run")))  # noqa: S301 - our own
    return arrived


def months(*site_ids: int) -> list[SiteYear]:
    return site_years(
        [
            SitePartition(site_from({"energy_site_id": site_id}, None, None), "2026-01", ("2026-01",))
            for site_id in site_ids
        ]
    )


def chunks(*site_ids: int) -> list[SiteYear]:
    return site_years([Chunk(site_id, Series.POWER, "2026-01", ()) for site_id in site_ids])


def test_every_item_has_its_result_and_its_site_year_is_locked(
    context: RunContext, limits: SharedLimits, tmp_path: Path
) -> None:
    def step(session: TransformSession, item: SitePartition) -> Shaped:
        site_id = item.site.site_id
        with pytest.raises(Timeout):
            FileLock(context.directory.task_locks / f"{site_id}-2026.lock", timeout=0).acquire()
        assert session.lake.root == tmp_path / "another lake"
        return Shaped(site_id)

    job = TransformJob(step, context, limits, tmp_path / "another lake")
    assert transform_batch(job, months(5, 3)).results == {0: Shaped(5), 1: Shaped(3)}


def test_records_that_were_lost_elsewhere_are_noted(context: RunContext, limits: SharedLimits, tmp_path: Path) -> None:
    def step(session: TransformSession, item: SitePartition) -> Shaped:
        return Shaped(0, dict(session.lost))

    job = TransformJob(step, context, limits, tmp_path / "lake", {"a record": "it was cut off"})
    assert transform_batch(job, months(1)).results == {0: Shaped(0, {"a record": "it was cut off"})}


@pytest.mark.parametrize(("halt", "is_interrupted"), [(Halt.REQUESTS, False), (Halt.EVERYTHING, True)])
def test_a_halt_reaches_the_next_item(
    context: RunContext, limits: SharedLimits, tmp_path: Path, halt: Halt, is_interrupted: bool
) -> None:
    seen: list[tuple[bool, bool]] = []

    def step(session: TransformSession, item: SitePartition) -> Shaped:
        seen.append((session.stop.is_stopped(), session.stop.is_interrupted()))
        limits.halt = halt
        return Shaped(0)

    transform_batch(TransformJob(step, context, limits, tmp_path / "lake"), months(1, 2))
    assert seen == [(False, False), (True, is_interrupted)]


def test_what_a_worker_finds_out_is_returned_and_reaches_later_batches(
    context: RunContext, limits: SharedLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sites that keep failing and series that are not offered cost no further requests; cars are named as in the run."""

    def fetch(session: FetchSession, chunk: Chunk, on_request: OnRequest | None = None) -> Fetched:
        for _ in range(FAILURES_IN_A_ROW):
            session.skipped_sites.note(chunk.site_id, is_failure=True)
        session.not_offered.add(Series.SOE)
        session.stop.stop()
        return Fetched(0, 1)

    monkeypatch.setattr(on_worker, "fetch_windows", fetch)
    ends = frozenset({"000001"})
    found = FetchState(skipped_sites=frozenset({9}), shared_vin_ends=ends)
    done = fetch_batch(FetchJob(context, limits, found), chunks(1))
    assert done.is_stopped
    assert done.state == FetchState(None, frozenset({Series.SOE}), frozenset({1, 9}), ends)
    session = FetchSession(context, context.open_archive())
    session.add_state(pickle.loads(pickle.dumps(done.state)))  # noqa: S301 - our own
    assert (1 in session.skipped_sites, 2 in session.skipped_sites, session.not_offered) == (True, False, {Series.SOE})


def test_a_worker_without_the_data_directory_is_an_error(
    context: RunContext, limits: SharedLimits, tmp_path: Path
) -> None:
    """On another machine the same path may be another disk: nothing begins there."""
    limits.end()
    with pytest.raises(UsageError, match="all workers must share it"):
        fetch_batch(FetchJob(context, limits, FetchState()), chunks(1))
    with pytest.raises(UsageError, match="all workers must share it"):
        transform_batch(TransformJob(lambda *_: Shaped(0), context, limits, tmp_path / "lake"), months(1))


def test_requests_stop_where_the_run_was_halted(context: RunContext, limits: SharedLimits) -> None:
    limits.halt = Halt.REQUESTS
    session = FetchSession(context, context.open_archive(), shared_limits=limits)
    with pytest.raises(RunStopped):
        session.fetcher.budget.spend()


def test_a_context_can_be_sent_to_a_process_with_another_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = RunContext(Settings(data_dir=Path("data"), config_dir=Path("config")), "run")
    packed = pickle.dumps(mine.with_absolute_paths())
    monkeypatch.chdir("/")
    theirs: RunContext = pickle.loads(packed)  # noqa: S301 - our own
    assert theirs.directory.root == tmp_path / "data"
    assert theirs.settings.config_dir == tmp_path / "config"


def test_a_context_cannot_be_changed() -> None:
    context = RunContext(Settings(), "run")
    with pytest.raises(AttributeError):
        context.run_id = "another"  # type: ignore[misc]
