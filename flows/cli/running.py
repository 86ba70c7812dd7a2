"""What every command is run in: the settings of the command line, and the store that its data directory may be."""

from collections.abc import Callable
from typing import Any

import typer


def carry_out(
    command: Callable[..., Any], context: typer.Context, *, in_place_views: bool = False, **options: Any
) -> int:
    """Run a command with the settings in force; returns its exit code, 0 where it has none.

    Args:
        command: Takes the settings, then `options`.
        context: Holds the settings.
        in_place_views: Whether the warehouse is one of views, for this run.
        options: The command's own.
    """
    from flows.object_store.session import opened

    chosen = context.obj.model_copy(update={"in_place_views": True}) if in_place_views else context.obj
    with opened(chosen, command.__name__) as settings:
        return int(command(settings, **options) or 0)
