"""A connection to a Dask cluster: one that is running already, or a local one that lasts as long as the run."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import distributed
from distributed import Client, Worker, WorkerPlugin

from flows.errors import UsageError

PROCESSES: Final = 2
CONNECT_S: Final = 30.0


class IgnoreSigint(WorkerPlugin):
    """Ctrl-C reaches every process of a terminal; only the command reacts to it, and stops its workers itself."""

    def setup(self, worker: Worker) -> None:
        """Runs in the main thread of a worker process of a local cluster."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def open_cluster(scheduler: str | None, requests_in_flight: int, processes: int = PROCESSES) -> Iterator[Client]:
    """A connection to a cluster.

    Args:
        scheduler: Address of a running one; None for a local cluster.
        requests_in_flight: Requests that the workers of a local cluster can have in flight together.
        processes: Worker processes of a local cluster.

    Raises:
        UsageError: The scheduler does not answer.
    """
    dask: Any = distributed  # mostly without types
    logging.getLogger("distributed").setLevel(logging.WARNING)  # it logs every connection
    if scheduler is not None:
        try:
            client = dask.Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {scheduler} ({error}); start one with `dask scheduler`"
            ) from None
        with client:
            yield client
        return
    with (
        dask.LocalCluster(
            n_workers=processes,
            threads_per_worker=-(-requests_in_flight // processes),
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        dask.Client(cluster, set_as_default=False) as client,
    ):
        client.register_plugin(IgnoreSigint())
        yield client
