"""Steps on threads of this process: nothing to start, nothing to wait for."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from flows.engines import Item, Result, Step
from flows.workspace import Workspace


class LocalEngine:
    """Maps steps over threads."""

    def map(
        self,
        step: Step[Item, Result],
        workspace: Workspace,
        items: Sequence[Item],
        *,
        workers: int,
        on_done: Callable[[Result], None] | None = None,
    ) -> list[Result]:
        """See `Engine.map`. On an interrupt the chunks under way end at their next window and the others never begin."""
        with ThreadPoolExecutor(max_workers=workers, thread_name_prefix=step.__name__) as pool:
            futures = [pool.submit(step, workspace, item) for item in items]
            try:
                for future in as_completed(futures):
                    if on_done is not None:
                        on_done(future.result())
                return [future.result() for future in futures]
            except BaseException:
                workspace.stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
