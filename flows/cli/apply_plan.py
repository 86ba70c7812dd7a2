"""`wattlog apply-plan`: change the settings that the plan says for today."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.settings import Settings


def apply_plan(
    settings: "Settings",
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--no-dry-run", help="Only show what would be changed; --no-dry-run changes it.")
    ] = True,
    as_json: Json = False,
) -> int:
    """Set what the plan says for today. Without --no-dry-run it is only shown; the plan is in wattlog.toml."""
    from dataclasses import asdict

    from flows.cli.tables.commands import print_steps
    from flows.console import print_json
    from flows.data_directory import locked
    from flows.interrupts import graceful
    from flows.orchestration.context import new_context
    from flows.settings_plan import apply_plan as apply
    from flows.settings_plan import exit_code_of
    from flows.stop_signal import StopSignal
    from wattlog.commands.intent import Origin

    stop = StopSignal()
    with locked(settings.data_dir, "apply-plan"), graceful(stop):
        steps = apply(new_context(settings), is_dry=dry_run, origin=Origin.CLI, stop=stop)
    if as_json:
        print_json([asdict(step) for step in steps])
    else:
        print_steps(steps)
    return exit_code_of(steps)
