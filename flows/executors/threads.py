"""Steps on threads of this process: requests on several, what makes the lake on one, beside the one that reacts to Ctrl-C."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import TypeVar

from extract.api.planner import Chunk
from extract.api.shared_limits import SharedLimits
from flows.executors.executor import Item, Step
from flows.fetch_session import FetchSession, OnRequest
from flows.stop_signal import StopSignal
from flows.tasks.fetch import Fetched, fetch_windows
from flows.tasks.partition import Shaped
from flows.tasks.session import TransformSession

CPU_THREADS = 1
"""Threads for the steps that make the lake. Two of them wait for the interpreter lock most of the time: a rebuild beside other
programs took no longer with one, and memory for one year instead of two (DECISIONS.md 119). Dask's processes share no lock."""

Result = TypeVar("Result")


class ThreadExecutor:
    """Maps steps over threads."""

    @property
    def shared_limits(self) -> SharedLimits | None:
        """None: the limits of one process are its own."""
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
        return _map(step, chunks, session.context.settings.resolved_provider.concurrency, session.stop, on_done)

    def transform(
        self,
        step: Step[Item],
        session: TransformSession,
        items: Sequence[Item],
        *,
        on_done: Callable[[Shaped], None] | None = None,
    ) -> list[Shaped]:
        """See `Executor.transform`."""
        return _map(partial(step, session), items, CPU_THREADS, session.stop, on_done)


def _map(
    step: Callable[[Item], Result],
    items: Sequence[Item],
    threads: int,
    stop: StopSignal,
    on_done: Callable[[Result], None] | None,
) -> list[Result]:
    """On an error, chunks under way end at their next window and the others never begin."""
    with ThreadPoolExecutor(max_workers=threads) as pool:
        futures = [pool.submit(step, item) for item in items]
        try:
            for future in as_completed(futures):
                if on_done is not None:
                    on_done(future.result())
            return [future.result() for future in futures]
        except BaseException:
            stop.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
