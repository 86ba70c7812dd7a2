"""Steps on the worker processes of a Dask cluster.

A task is the chunks of one site's year, or of several in a fleet. Besides the data directory, the processes share the request
budget and the rate limiter of the run (`SharedLimits`).
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar
from uuid import uuid4

from distributed import Client, KilledWorker, get_worker
from distributed.client import FutureCancelledError

from extract.api.planner import Chunk
from extract.api.shared_limits import Halt, SharedLimits
from flows.errors import UsageError, WorkersLost
from flows.executors.executor import Item, Step
from flows.executors.on_worker import BatchResult, FetchJob, TransformJob, fetch_batch, transform_batch
from flows.executors.site_years import SiteYear, batches, called, site_years
from flows.fetch_session import FetchSession, OnRequest
from flows.interrupts import graceful
from flows.run_context import RunContext
from flows.stop_signal import StopSignal
from flows.tasks.fetch import Fetched, fetch_windows
from flows.tasks.partition import Shaped
from flows.tasks.session import TransformSession

POLL_S: Final = 0.05
NO_WORKER_S: Final = 60.0
"""A run without any worker ends after so long; a local cluster replaces a dead worker within three seconds."""

COUNT_EVERY_S: Final = 1.0
"""How often the scheduler is asked for its workers: its answer describes each of them in full."""

BATCHES_PER_PROCESS: Final = 2
"""Batches that run or wait on each process, so that none is idle while the next one travels."""

MIN_TASKS: Final = 2
MAX_TASKS: Final = 8
YEARS_PER_TASK: Final = 32
"""Tasks of a stage for each process, apart from fetching: at least so many that they even out, at most so many since more gain
nothing; between these, one task for so many site-years."""

PACKAGES: Final = ("flows", "extract", "transform", "warehouse", "wattlog")
"""The loggers of wattlog."""

Batch = tuple[SiteYear, ...]
Result = TypeVar("Result")


@contextmanager
def dask_executor(client: Client, context: RunContext, stop: StopSignal) -> "Iterator[DaskExecutor]":
    """The executor of one run on a cluster.

    Raises:
        UsageError: A worker cannot take part in the run.
    """
    limits = SharedLimits(context.directory.shared_limits.absolute())
    limits.begin()
    try:
        require_access(client, limits)
        with _forwarding_logs(client), graceful(stop):
            yield DaskExecutor(client, limits)
    finally:
        limits.end()


@contextmanager
def _forwarding_logs(client: Any) -> Iterator[None]:
    """While this lasts, what workers log is logged here, in the format of this process and with secrets masked."""
    for package in PACKAGES:
        client.forward_logging(package, level=logging.WARNING)
    try:
        yield
    finally:
        for package in PACKAGES:
            client.unforward_logging(package)


def require_access(client: Client, limits: SharedLimits) -> None:
    """Check, before anything is requested or written, that every worker can take part in a run.

    Raises:
        UsageError: wattlog is not installed on a worker, or a worker has no access to the data directory.
    """
    scheduler: Any = client
    try:
        access: dict[str, bool] = scheduler.run(has_access, limits)
    except ModuleNotFoundError as error:
        raise UsageError(f"a worker has no module {error.name}; install wattlog[dask] on every worker") from None
    for worker, is_granted in access.items():
        if not is_granted:
            raise UsageError(
                f"worker {worker} has no access to the data directory {limits.path.parent}; "
                "all workers must share it, under the same path"
            )


def has_access(limits: SharedLimits) -> bool:
    """Whether this process can read the file of the run's limits."""
    return limits.path.exists()


class DaskExecutor:
    """Maps steps over the worker processes of a cluster.

    Args:
        client: A connection to the scheduler.
        shared_limits: The limits of the run, which has begun.
    """

    def __init__(self, client: Client, shared_limits: SharedLimits) -> None:
        self._client: Any = client  # some of its methods have no types
        self._limits = shared_limits
        self._seen_at = time.monotonic()
        self._counted_at = -COUNT_EVERY_S
        self._count = 0

    @property
    def shared_limits(self) -> SharedLimits:
        """The limits that the worker processes share with this one."""
        return self._limits

    def fetch(
        self,
        session: FetchSession,
        chunks: Sequence[Chunk],
        *,
        on_request: OnRequest | None = None,
        on_done: Callable[[Fetched], None] | None = None,
    ) -> list[Fetched]:
        """See `Executor.fetch`.

        Raises:
            WorkersLost: The workers died repeatedly, or are all gone.
        """
        context = session.context.with_absolute_paths()
        found: dict[int, Fetched] = {}

        def begin(batch: Batch) -> Any:
            return self._submit("fetch", batch, _fetch_on_dask, FetchJob(context, self._limits, session.state()), batch)

        with self._listening(context.run_id, on_request):
            waiting = list(batches(site_years(chunks)))
            in_flight = context.settings.resolved_provider.concurrency
            for done in self._run(begin, waiting, lambda: in_flight, session.stop, session.stop.is_stopped):
                session.add_state(done.state)
                if done.is_stopped:
                    session.stop.stop()
                _collect(done, found, on_done)
        session.archive.refresh()
        # The run was halted before these: without a request, their windows are counted as left.
        return [found[at] if at in found else fetch_windows(session, chunk) for at, chunk in enumerate(chunks)]

    def transform(
        self,
        step: Step[Item],
        session: TransformSession,
        items: Sequence[Item],
        *,
        on_done: Callable[[Shaped], None] | None = None,
    ) -> list[Shaped]:
        """See `Executor.transform`.

        Raises:
            WorkersLost: The workers died repeatedly, or are all gone.
        """
        context, lake = session.context.with_absolute_paths(), session.lake.root.absolute()
        found: dict[int, Shaped] = {}

        def begin(batch: Batch) -> Any:
            job = TransformJob(step, context, self._limits, lake, session.lost)
            return self._submit(step.__name__.replace("_", "-"), batch, transform_batch, job, batch)

        years = site_years(items)
        waiting = list(batches(years, tasks_for(len(years), self._processes())))
        for done in self._run(begin, waiting, self._places, session.stop, session.stop.is_interrupted):
            _collect(done, found, on_done)
        return [found.get(at, Shaped(0)) for at in range(len(items))]

    def _submit(self, name: str, batch: Batch, *call: Any) -> Any:
        return self._client.submit(*call, key=f"{name} {called(batch)} {uuid4().hex}", pure=False)

    def _run(
        self,
        begin: Callable[[Batch], Any],
        waiting: list[Batch],
        places: Callable[[], int],
        stop: StopSignal,
        is_halted: Callable[[], bool],
    ) -> Iterator[BatchResult[Any]]:
        """The result of each batch as soon as it is there; after a halt no further batch begins."""
        waiting.reverse()
        finished: SimpleQueue[Any] = SimpleQueue()
        under_way: dict[str, Any] = {}
        try:
            while under_way or (waiting and not is_halted()):
                self._require_workers()
                while waiting and len(under_way) < places() and not is_halted():
                    future = begin(waiting.pop())
                    under_way[future.key] = future
                    future.add_done_callback(finished.put)
                if is_halted():
                    self._limits.halt = Halt.EVERYTHING if stop.is_interrupted() else Halt.REQUESTS
                for future in _taken(finished, POLL_S):
                    del under_way[future.key]
                    yield future.result()
        except (KilledWorker, FutureCancelledError) as error:
            raise WorkersLost(str(error)) from error
        finally:
            if under_way:  # an error: the other workers have to end, too
                self._limits.halt = Halt.EVERYTHING

    def _places(self) -> int:
        """How many batches may be under way."""
        return BATCHES_PER_PROCESS * self._processes()

    def _processes(self) -> int:
        """How many worker processes there are, or were a moment ago."""
        now = time.monotonic()
        if now - self._counted_at >= COUNT_EVERY_S:
            self._count = len(self._client.scheduler_info(n_workers=-1)["workers"])
            self._counted_at = now
        return self._count

    def _require_workers(self) -> None:
        now = time.monotonic()
        if self._processes():
            self._seen_at = now
        elif now - self._seen_at > NO_WORKER_S:
            raise WorkersLost(f"there was none for {NO_WORKER_S:.0f} s")

    @contextmanager
    def _listening(self, topic: str, on_request: OnRequest | None) -> Iterator[None]:
        """While this lasts, `on_request` is called for every window that a worker reports."""
        received = 0

        def receive(event: tuple[float, tuple[int, str]]) -> None:
            nonlocal received
            received += 1
            if on_request is not None:
                on_request(*event[1])

        self._client.subscribe_topic(topic, receive)
        try:
            yield
            before = -1
            while received != before:  # the last events may arrive after the last result
                before = received
                time.sleep(POLL_S)
        finally:
            self._client.unsubscribe_topic(topic)


def tasks_for(years: int, processes: int) -> int:
    """How many tasks a stage has, apart from fetching."""
    at_least, at_most = MIN_TASKS * max(1, processes), MAX_TASKS * max(1, processes)
    return min(max(at_least, years // YEARS_PER_TASK), at_most)


def _fetch_on_dask(job: FetchJob, batch: Batch) -> BatchResult[Fetched]:
    worker: Any = get_worker()
    return fetch_batch(job, batch, lambda site_id, series: worker.log_event(job.context.run_id, (site_id, str(series))))


def _collect(done: BatchResult[Result], found: dict[int, Result], on_done: Callable[[Result], None] | None) -> None:
    found |= done.results
    for result in done.results.values():
        if on_done is not None:
            on_done(result)


def _taken(queue: "SimpleQueue[Any]", timeout_s: float) -> Iterator[Any]:
    """What comes within a timeout, and what else is there by then."""
    try:
        yield queue.get(timeout=timeout_s)
        while True:
            yield queue.get_nowait()
    except Empty:
        return
