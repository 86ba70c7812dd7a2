"""What a worker process does: the chunks of some site-years, one after the other.

A worker uses only what was sent with the task and what is in the data directory, so another process can repeat the work if
this one dies: responses that were kept are not requested twice, and files that were written are kept.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from extract.api.shared_limits import Halt, SharedLimits
from flows.errors import UsageError
from flows.executors.executor import Step
from flows.executors.site_years import SiteYear
from flows.fetch_session import FetchSession, FetchState, OnRequest
from flows.run_context import RunContext
from flows.stop_signal import StopSignal
from flows.tasks.fetch import Fetched, fetch_windows
from flows.tasks.partition import Shaped
from flows.tasks.session import TransformSession
from warehouse.lake.lake import Lake
from wattlog.file_locks import file_lock

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BatchResult(Generic[Result]):
    """The result of a batch.

    Attributes:
        results: The result of each chunk, by its position among all chunks of the stage.
        is_stopped: Whether the run may send no further request.
        state: What this process found out while fetching.
    """

    results: dict[int, Result]
    is_stopped: bool = False
    state: FetchState = field(default_factory=FetchState)


@dataclass(frozen=True, slots=True)
class FetchJob:
    """What a worker needs to fetch. Can be pickled.

    Attributes:
        context: The run, with absolute paths.
        shared_limits: Limits that the processes of the run share.
        state: What the run has found out so far.
    """

    context: RunContext
    shared_limits: SharedLimits
    state: FetchState


@dataclass(frozen=True, slots=True)
class TransformJob:
    """What a worker needs to do one step. Can be pickled.

    Attributes:
        step: The step.
        context: The run, with absolute paths.
        shared_limits: Say whether the run was halted.
        lake: Directory of the lake.
        lost: Records that the run could not read so far.
    """

    step: Step[Any]
    context: RunContext
    shared_limits: SharedLimits
    lake: Path
    lost: dict[str, str] = field(default_factory=dict)


def fetch_batch(job: FetchJob, batch: Sequence[SiteYear], on_request: OnRequest | None = None) -> BatchResult[Fetched]:
    """Fetch every chunk of a batch.

    Raises:
        UsageError: This process has no access to the run's data directory.
    """
    results: dict[int, Fetched] = {}
    state, stop = job.state, StopSignal()
    for year, check_halt in _owned_years(job.context, job.shared_limits, batch, stop):
        session = FetchSession(
            job.context,
            job.context.open_archive_of(year.site_id),
            stop=stop,
            shared_limits=job.shared_limits,
            state=state,
        )
        with session:
            for position, chunk in year.items:
                check_halt()
                results[position] = fetch_windows(session, chunk, on_request)
            state = session.state()
    return BatchResult(results, stop.is_stopped(), state)


def transform_batch(job: TransformJob, batch: Sequence[SiteYear]) -> BatchResult[Shaped]:
    """Do a step for every item of a batch.

    Raises:
        UsageError: This process has no access to the run's data directory.
    """
    results: dict[int, Shaped] = {}
    stop = StopSignal()
    for year, check_halt in _owned_years(job.context, job.shared_limits, batch, stop):
        session = TransformSession(job.context, job.context.open_archive_of(year.site_id), Lake(job.lake), stop)
        session.note_lost(job.lost)
        for position, item in year.items:
            check_halt()
            results[position] = job.step(session, item)
    return BatchResult(results)


def _owned_years(
    context: RunContext, limits: SharedLimits, batch: Sequence[SiteYear], stop: StopSignal
) -> Iterator[tuple[SiteYear, Callable[[], None]]]:
    """Each site-year while this process owns its files, with a function that passes a halt of the run on to `stop`."""
    if not limits.path.exists():
        raise UsageError(
            f"a worker has no access to the data directory {context.directory.root}; "
            "all workers must share it, under the same path"
        )
    with _closing(limits):
        for year in batch:
            with _owned(context, year):
                yield year, lambda: _pass_on(limits.halt, stop)


@contextmanager
def _closing(limits: SharedLimits) -> Iterator[None]:
    try:
        yield
    finally:
        limits.close()


def _owned(context: RunContext, year: SiteYear) -> AbstractContextManager[object]:
    # A process that was believed dead, and is not, cannot write the files of its successor.
    locks = context.directory.task_locks
    locks.mkdir(exist_ok=True)
    return file_lock(locks / f"{year.site_id}-{year.year}.lock")


def _pass_on(halt: Halt, stop: StopSignal) -> None:
    """A step of a halted run begins nothing, which its result shows."""
    if halt is Halt.EVERYTHING:
        stop.interrupt(signal.SIGTERM)
    elif halt is Halt.REQUESTS:
        stop.stop()
