"""The flows that Prefect runs; deployments in `prefect.yaml` point here.

A flow wraps the same pipeline that the command line runs. What it returns and passes are paths and counts, never frames.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.logging import get_run_logger
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from extract.client import utc_now
from extract.series import Series
from flows import pipeline
from flows.data_directory import held
from flows.engines.prefect_engine import PrefectEngine
from flows.errors import RunFailed
from flows.pipeline import Selection, Summary
from flows.progress import Progress
from flows.settings import load_settings
from flows.summary import as_dict, one_line
from flows.workspace import Workspace, new_run_id

RUNNER: Any = ThreadPoolTaskRunner(max_workers=4)
"""Four tasks at a time: requests in flight, mostly."""


class RunLog:
    """Progress as lines in the flow run's log: one a stage, since a line a request would drown the rest."""

    def __init__(self) -> None:
        self._log = get_run_logger()

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""
        self._log.info("%s: %d", stage, total)

    def advance(self, part: str = "") -> None:
        """See `Progress`."""

    def pause(self, reason: str) -> None:
        """See `Progress`."""
        self._log.warning("%s", reason)

    def end(self) -> None:
        """See `Progress`."""


def run_on_prefect(workspace: Workspace, selection: Selection, command: str) -> Summary:
    """Run the pipeline inside a flow run of its own, for the command line."""
    found: list[Summary] = []

    @flow(name=command, task_runner=RUNNER, validate_parameters=False)
    def run() -> None:
        found.append(_drive(workspace, selection, command, RunLog()))

    run()
    return found[0]


@flow(name="backfill", task_runner=RUNNER)
def backfill(
    sites: list[int] | None = None,
    series: list[Series] | None = None,
    since: date | None = None,
    until: date | None = None,
    max_requests: Annotated[int | None, Field(ge=1)] = None,
    newest_first: bool = True,
    data_dir: Path | None = None,
) -> dict[str, Any]:
    """Fetch every window that is not settled yet, then transform and publish.

    Args:
        sites: Site ids; all when not given.
        series: Series; all when not given.
        since: First local day of each site; its installation when not given.
        until: Last local day of each site, included; its today when not given.
        max_requests: Hard cap on requests.
        newest_first: Whether to begin at the newest windows.
        data_dir: Data directory; the setting's when not given.

    Raises:
        RunFailed: Some windows stayed without an answer; what was fetched is loaded.
    """
    settings = load_settings(data_dir=data_dir)
    selection = Selection(tuple(sites or ()), tuple(series or ()), since, until, newest_first)
    workspace = Workspace(settings, new_run_id(utc_now()), max_requests=max_requests)
    with held(settings.data_dir, "backfill"):
        try:
            summary = _drive(workspace, selection, "backfill", RunLog())
        finally:
            workspace.close()
    if summary.exit_code:
        raise RunFailed(summary.exit_code, one_line(summary))
    return as_dict(summary)


def _drive(workspace: Workspace, selection: Selection, command: str, progress: Progress) -> Summary:
    return pipeline.backfill(workspace, PrefectEngine(), selection, progress=progress, command=command)
