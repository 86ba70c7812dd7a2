"""The options `--executor` and `--scheduler`, which long-running commands share, and the older options they replace."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from flows.executors.choice import ExecutorChoice, ExecutorName


class EngineName(StrEnum):
    """The values of `--engine`, which `--executor` replaces."""

    LOCAL = "local"
    PREFECT = "prefect"


Executor = Annotated[
    ExecutorName | None,
    typer.Option(
        help="Where the work is done: on threads of this process, or on the processes of a Dask cluster.",
        show_default="threads",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Dask cluster to join; two processes on this machine if not given.",
        metavar="tcp://HOST:PORT",
        show_default=False,
    ),
]
Runner = Annotated[ExecutorName | None, typer.Option("--runner", hidden=True)]
Engine = Annotated[EngineName | None, typer.Option("--engine", hidden=True)]

DEPRECATED = "wattlog: {old} is deprecated and will be removed; {new}\n"
PREFECT_INSTEAD = "a run is a Prefect flow run where PREFECT_API_URL is set and no --executor is given"


def chosen_executor(
    executor: ExecutorName | None,
    scheduler: str | None,
    *,
    runner: ExecutorName | None = None,
    engine: EngineName | None = None,
) -> ExecutorChoice:
    """What the options choose; one line on standard error for each deprecated one.

    Raises:
        BadParameter: The options contradict one another.
    """
    from flows.settings import prefect_is_configured

    if runner is not None:
        _warn("--runner", f"use --executor {runner}")
    if engine is EngineName.LOCAL:
        _warn("--engine", f"use --executor {ExecutorName.THREADS}")
    elif engine is EngineName.PREFECT:
        _warn("--engine", PREFECT_INSTEAD)
    name = executor or runner
    if name is ExecutorName.DASK and engine is not None:
        raise typer.BadParameter("it cannot be used with --executor dask", param_hint="--engine")
    if scheduler is not None and name is not ExecutorName.DASK:
        raise typer.BadParameter("it can only be used with --executor dask", param_hint="--scheduler")
    is_prefect_flow = engine is EngineName.PREFECT or (engine is None and name is None and prefect_is_configured())
    return ExecutorChoice(name or ExecutorName.THREADS, scheduler, is_prefect_flow)


def _warn(old: str, new: str) -> None:
    sys.stderr.write(DEPRECATED.format(old=old, new=new))
