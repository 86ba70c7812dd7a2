"""The same steps on the worker processes of a Dask cluster, through Prefect's task runner for Dask.

A task is the chunks of a site's year (of several, in a fleet). What the processes share beside the data directory, the cap on
requests and their pace, is the run's `Allowance`.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from distributed import Client, KilledWorker, Worker, WorkerPlugin, get_worker
from distributed.client import FutureCancelledError
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import SettingsContext, get_settings_context

from extract.allowance import Halt
from flows.engines import Item, Result, Step
from flows.engines.on_worker import Done, do_batch
from flows.engines.site_years import SiteYear, batches, called, site_years
from flows.errors import WorkersLost
from flows.steps.fetch import fetch_windows
from flows.workspace import Workspace

POLL_S: Final = 0.05
NO_WORKER_S: Final = 60.0
"""Without any worker for so long the run ends; a nanny starts another one in three seconds."""

COUNT_EVERY_S: Final = 1.0
"""The scheduler is asked no more often how many processes there are: it tells all it knows of each of them."""

DEPTH: Final = 2
"""Batches per process that are under way or wait there, so that none is idle while the next one travels."""

FEWEST: Final = 2
MOST: Final = 8
WORTH: Final = 32
"""Tasks of a stage for each process, asking apart: no fewer, so that they even out; no more, since that gains nothing; and in
between one for so many site-years, since a task costs Prefect and Dask about as much as the work on one of these."""

Batch = tuple[SiteYear, ...]


def say_no_more() -> None:
    """Close standard error: an interpreter that ends with Dask's threads makes DuckDB list all that is not cleared away."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stderr.fileno())


class Unmoved(WorkerPlugin):
    """Ctrl-C reaches every process of a terminal: it is for the command to say what its workers leave off."""

    def setup(self, worker: Worker) -> None:
        """In the main thread of a local cluster's worker process."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def teardown(self, worker: Worker) -> None:
        """See `say_no_more`."""
        say_no_more()


class SentWhole(SettingsContext):
    """Prefect's settings as they travel with each task: as they are.

    As plain values, Prefect's own way, a worker would read the environment and check some hundred settings for each task,
    which costs it more than all the rest of a task.
    """

    def serialize(self, include_secrets: bool = True) -> dict[str, Any]:
        """What the worker gives to `SettingsContext`."""
        return {"profile": self.profile, "settings": self.settings}


class DaskEngine:
    """Maps steps over the Dask task runner of the flow run in which it is called.

    Args:
        client: A connection to the same scheduler.
    """

    def __init__(self, client: Client) -> None:
        self._client: Any = client  # of its methods some have no types
        self._seen_at = time.monotonic()
        self._counted_at = -COUNT_EVERY_S
        self._count = 0

    def map(
        self,
        step: Step[Item, Result],
        workspace: Workspace,
        items: Sequence[Item],
        *,
        workers: int,
        on_done: Callable[[Result], None] | None = None,
    ) -> list[Result]:
        """See `Engine.map`. `workers` bounds the requests in flight; for all other work the cluster's size does.

        Raises:
            WorkersLost: The workers died again and again, or are all gone.
        """
        is_asking = step.__name__ == fetch_windows.__name__
        found: dict[int, Result] = {}
        with self._heard(workspace):
            years = site_years(items)
            waiting = list(batches(years) if is_asking else batches(years, tasks_for(len(years), self._processes())))
            for done in self._run(step, workspace, waiting, workers if is_asking else None):
                found |= done.results
                for result in done.results.values():
                    if on_done is not None:
                        on_done(result)
        if is_asking:
            workspace.archive.refresh()
        # What a halt left over: every step knows what that makes of its chunk.
        return [found[place] if place in found else step(workspace, item) for place, item in enumerate(items)]

    def _run(
        self, step: Step[Any, Result], workspace: Workspace, waiting: list[Batch], most: int | None
    ) -> Iterator[Done[Result]]:
        """The outcome of each batch as soon as it is there; after a halt none is begun."""
        waiting.reverse()
        under_way: list[Any] = []
        try:
            while under_way or (waiting and not _is_halted(workspace, most)):
                places = self._places(most)
                while waiting and len(under_way) < places and not _is_halted(workspace, most):
                    under_way.append(_begin(step, workspace, waiting.pop()))
                time.sleep(POLL_S)
                _pass_on(workspace, most)
                finished = [each for each in under_way if each.wrapped_future.done()]
                under_way = [each for each in under_way if each not in finished]
                for each in finished:
                    yield _learn(workspace, each)
        except (KilledWorker, FutureCancelledError) as error:
            raise WorkersLost(str(error)) from error
        finally:
            if under_way:  # an error: the others are to leave off, too
                _allowance(workspace).halt = Halt.EVERYTHING

    def _processes(self) -> int:
        """How many worker processes there are, or were a moment ago."""
        now = time.monotonic()
        if now - self._counted_at >= COUNT_EVERY_S:
            self._count = len(self._client.scheduler_info(n_workers=-1)["workers"])
            self._counted_at = now
        return self._count

    def _places(self, most: int | None) -> int:
        """How many batches may be under way."""
        processes = self._processes()
        now = time.monotonic()
        if processes:
            self._seen_at = now
        elif now - self._seen_at > NO_WORKER_S:
            raise WorkersLost(f"there was none for {NO_WORKER_S:.0f} s")
        return DEPTH * processes if most is None else most

    @contextmanager
    def _heard(self, workspace: Workspace) -> Iterator[None]:
        """While this lasts, what workers say of their requests is told here."""

        heard = 0

        def hear(event: tuple[float, tuple[int, str]]) -> None:
            nonlocal heard
            heard += 1
            if workspace.on_request is not None:
                workspace.on_request(*event[1])

        self._client.subscribe_topic(workspace.run_id, hear)
        try:
            yield
            before = -1
            while heard != before:  # the last words may come after the last result
                before = heard
                time.sleep(POLL_S)
        finally:
            self._client.unsubscribe_topic(workspace.run_id)


def tasks_for(years: int, processes: int) -> int:
    """How many tasks a stage without requests is made of."""
    at_least, at_most = FEWEST * max(1, processes), MOST * max(1, processes)
    return min(max(at_least, years // WORTH), at_most)


def _begin(step: Step[Any, Result], workspace: Workspace, batch: Batch) -> Any:
    name = step.__name__.replace("_", "-")
    options: dict[str, Any] = {"name": name, "cache_policy": NO_CACHE, "persist_result": False}
    call = partial(_on_dask, step, workspace, batch)
    here = get_settings_context()
    with SentWhole(profile=here.profile, settings=here.settings):
        return task(**options, task_run_name=f"{name} {called(batch)}")(call).submit()


def _on_dask(step: Step[Any, Result], workspace: Workspace, batch: Batch) -> Done[Result]:
    worker = get_worker()
    return do_batch(
        step, workspace, batch, lambda site_id, series: worker.log_event(workspace.run_id, (site_id, str(series)))
    )


def _learn(workspace: Workspace, future: Any) -> Done[Result]:
    """What a batch found out is told to all that are begun after it."""
    done: Done[Result] = future.result()
    workspace.set_aside.add(done.set_aside)
    workspace.not_offered |= done.not_offered
    if done.is_stopped:
        workspace.stop.set()
    return done


def _is_halted(workspace: Workspace, most: int | None) -> bool:
    """Whether no batch may begin: what asks is halted by less than the rest."""
    return workspace.interrupted_by is not None or (most is not None and workspace.stop.is_set())


def _pass_on(workspace: Workspace, most: int | None) -> None:
    """Let the workers know of a halt."""
    if _is_halted(workspace, most):
        _allowance(workspace).halt = Halt.ASKING if workspace.interrupted_by is None else Halt.EVERYTHING


def _allowance(workspace: Workspace) -> Any:
    return workspace.allowance
