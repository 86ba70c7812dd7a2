"""`wattlog rebuild`."""

from typing import TYPE_CHECKING

from flows.cli.executor_options import Executor, Runner, Scheduler, chosen_executor
from flows.cli.options import InPlaceViews, Json

if TYPE_CHECKING:
    from flows.settings import Settings


def rebuild(
    settings: "Settings",
    *,
    executor: Executor = None,
    scheduler: Scheduler = None,
    runner: Runner = None,
    in_place_views: InPlaceViews = False,
    as_json: Json = False,
) -> int:
    """Make lake and warehouse again from raw, without requests. The raw archive is not changed."""
    choice = chosen_executor(executor, scheduler, runner=runner)
    from flows.console import progress_to_console
    from flows.data_directory import locked
    from flows.executors.choice import open_executor
    from flows.orchestration.context import new_context
    from flows.pipeline import rebuild as run_pipeline
    from flows.stop_signal import StopSignal
    from flows.summary import print_summary

    settings = settings.with_in_place_views(in_place_views)
    context, stop = new_context(settings), StopSignal()
    with (
        locked(settings.data_dir, "rebuild"),
        progress_to_console() as progress,
        open_executor(choice, context, stop) as opened,
    ):
        summary = run_pipeline(context, opened, stop=stop, progress=progress)
    print_summary(summary, settings, as_json=as_json)
    return summary.exit_code
