"""The options `--runner` and `--scheduler`, which commands of long work share."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from flows.runners import OnDask


class RunnerName(StrEnum):
    """The values of `--runner`."""

    THREADS = "threads"
    DASK = "dask"


Runner = Annotated[
    RunnerName,
    typer.Option(help="Where the steps run: on threads of this process, or on the processes of a Dask cluster."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Dask cluster to join; two processes on this machine if not given.",
        metavar="tcp://HOST:PORT",
        show_default=False,
    ),
]


def on_dask(runner: RunnerName, scheduler: str | None) -> "OnDask | None":
    """How to reach the cluster, where one is wanted."""
    if runner is RunnerName.DASK:
        from flows.runners import OnDask  # brings the pipeline with it, which no usage message should wait for

        return OnDask(scheduler)
    if scheduler is not None:
        raise typer.BadParameter("it is for --runner dask alone", param_hint="--scheduler")
    return None
