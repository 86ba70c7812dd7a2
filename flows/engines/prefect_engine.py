"""The same steps as Prefect tasks: states, logs and the interface of a Prefect server.

Prefect is imported here, by the flows that deployments point at and by what these show and share, and nowhere else. A task is
one chunk, never one request, since recording a task costs Prefect's server about as much as asking a request costs the API's.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed

from flows.engines import Item, Result, Step
from flows.workspace import Workspace


class PrefectEngine:
    """Maps steps over the task runner of the flow run in which it is called."""

    def map(
        self,
        step: Step[Item, Result],
        workspace: Workspace,
        items: Sequence[Item],
        *,
        workers: int,
        on_done: Callable[[Result], None] | None = None,
    ) -> list[Result]:
        """See `Engine.map`; `workers` is the task runner's to decide. Must be called inside a flow run."""
        name = step.__name__.replace("_", "-")
        options: dict[str, Any] = {"name": name, "cache_policy": NO_CACHE, "persist_result": False}
        futures = [
            task(**options, task_run_name=f"{name} {item}")(partial(step, workspace, item)).submit() for item in items
        ]
        try:
            for future in as_completed(futures):
                if on_done is not None:
                    on_done(future.result())
            return [future.result() for future in futures]
        except BaseException:
            # A cancelled flow run too: the chunks under way end at their next window.
            workspace.stop.set()
            raise
