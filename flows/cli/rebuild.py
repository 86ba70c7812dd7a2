"""`wattlog rebuild`: lake and warehouse from the raw archive alone."""

from extract.client import utc_now
from flows.console import progress_to_console
from flows.data_directory import held
from flows.pipeline import rebuild as run_pipeline
from flows.runners import OnDask, run
from flows.settings import Settings
from flows.summary import print_summary
from flows.workspace import Workspace, new_run_id


def rebuild(settings: Settings, *, on_dask: OnDask | None = None, as_json: bool) -> int:
    """Make everything right of raw again, without one request; returns the exit code."""
    workspace = Workspace(settings, new_run_id(utc_now()))
    with held(settings.data_dir, "rebuild"):
        try:
            with progress_to_console() as progress:
                summary = run(
                    workspace, "rebuild", lambda engine: run_pipeline(workspace, engine, progress=progress), on_dask
                )
        finally:
            workspace.close()
    print_summary(summary, settings, as_json=as_json)
    return summary.exit_code
