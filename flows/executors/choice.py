"""Which executor runs a command: the one place where it is chosen and opened. Imports nothing heavy until then."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.executors.executor import Executor
    from flows.run_context import RunContext
    from flows.stop_signal import StopSignal


class ExecutorName(StrEnum):
    """The values of `--executor`."""

    THREADS = "threads"
    DASK = "dask"


@dataclass(frozen=True, slots=True)
class ExecutorChoice:
    """What the options of a command choose.

    Attributes:
        name: The executor.
        scheduler: Address of the Dask cluster to join; None for a local one that the run starts and ends.
        is_prefect_flow: Whether the run is a flow run of Prefect, which has an executor of its own.
    """

    name: ExecutorName = ExecutorName.THREADS
    scheduler: str | None = None
    is_prefect_flow: bool = False


@contextmanager
def open_executor(choice: ExecutorChoice, context: "RunContext", stop: "StopSignal") -> "Iterator[Executor]":
    """The executor that is chosen, for as long as a run lasts.

    Raises:
        UsageError: Dask is not installed, the scheduler does not answer, or a worker cannot take part in the run.
    """
    if choice.name is ExecutorName.THREADS:
        from flows.executors.threads import ThreadExecutor

        yield ThreadExecutor()
        return
    from importlib.util import find_spec

    from flows.errors import UsageError

    if find_spec("distributed") is None:
        raise UsageError("--executor dask needs distributed; install it with: pip install 'wattlog[dask]'")
    from flows.executors.cluster import open_cluster
    from flows.executors.dask import dask_executor

    with (
        open_cluster(choice.scheduler, context.settings.resolved_provider.concurrency) as client,
        dask_executor(client, context, stop) as executor,
    ):
        yield executor
