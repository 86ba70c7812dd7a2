"""The steps of the pipeline as Prefect tasks, with states, logs and the interface of a Prefect server.

A task is one chunk, never one request: recording a task costs Prefect's server about as much as a request costs the API.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed

from extract.api.planner import Chunk
from extract.api.shared_limits import SharedLimits
from flows.executors.executor import Item, Step
from flows.fetch_session import FetchSession, OnRequest
from flows.stop_signal import StopSignal
from flows.tasks.fetch import Fetched, fetch_windows
from flows.tasks.partition import Shaped
from flows.tasks.session import TransformSession

Result = TypeVar("Result")


class PrefectExecutor:
    """Maps steps over the task runner of the flow run in which it is used, which decides how many run at a time."""

    @property
    def shared_limits(self) -> SharedLimits | None:
        """None: the tasks are threads of this process."""
        return None

    def fetch(
        self,
        session: FetchSession,
        chunks: Sequence[Chunk],
        *,
        on_request: OnRequest | None = None,
        on_done: Callable[[Fetched], None] | None = None,
    ) -> list[Fetched]:
        """See `Executor.fetch`."""
        step = partial(fetch_windows, session, on_request=on_request)
        return _map("fetch-windows", step, chunks, session.stop, on_done)

    def transform(
        self,
        step: Step[Item],
        session: TransformSession,
        items: Sequence[Item],
        *,
        on_done: Callable[[Shaped], None] | None = None,
    ) -> list[Shaped]:
        """See `Executor.transform`."""
        return _map(step.__name__.replace("_", "-"), partial(step, session), items, session.stop, on_done)


def _map(
    name: str,
    step: Callable[[Item], Result],
    items: Sequence[Item],
    stop: StopSignal,
    on_done: Callable[[Result], None] | None,
) -> list[Result]:
    options: dict[str, Any] = {"name": name, "cache_policy": NO_CACHE, "persist_result": False}
    futures = [task(**options, task_run_name=f"{name} {item}")(partial(step, item)).submit() for item in items]
    try:
        for future in as_completed(futures):
            if on_done is not None:
                on_done(future.result())
        return [future.result() for future in futures]
    except BaseException:
        # A cancelled flow run, too: the chunks under way end at their next window.
        stop.stop()
        raise
