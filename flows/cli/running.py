"""How a command is run: with the settings in force, in its data directory, which may be the local copy of an object store."""

import functools
import inspect
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from flows.settings import Settings
    from flows.settings_sources import QuerySettings

Command = Callable[..., int | None]
"""Takes the settings, then its options; returns its exit code, or nothing for 0."""


class LastCode(int):
    """The exit code of a command that has written and closed everything: the process may end without a shutdown in order."""


WITH_SHUTDOWN = frozenset({"prefect", "distributed"})
"""Libraries that have work to do when the interpreter shuts down."""


def is_alone() -> bool:
    """Whether nothing else happens in this process: no other thread, and no library that works until the end."""
    return threading.active_count() == 1 and WITH_SHUTDOWN.isdisjoint(sys.modules)


def callback_of(command: Command, *, is_query: bool = False, is_group: bool = False) -> Callable[..., int]:
    """The command as Typer calls it: its own options, with Typer's context instead of the settings.

    Args:
        command: The command.
        is_query: Whether it only reads the warehouse. To start such a command takes longer than most queries,
            so it gets no more settings than it needs.
        is_group: Whether it has commands of its own; where one of them is named, that one alone is run.
    """

    @functools.wraps(command)
    def callback(context: typer.Context, **options: Any) -> int:
        if is_group and context.invoked_subcommand is not None:
            if any(options.values()):
                raise typer.BadParameter(f"give options after `{context.invoked_subcommand}`, not before it")
            return 0
        settings = _query_settings(context.obj) if is_query else _all_settings(context.obj)
        code = run_command(command, settings, **options)
        sys.stdout.flush()
        return LastCode(code)

    signature = inspect.signature(command)
    _settings, *options = signature.parameters.values()
    of_context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    parameters = [of_context, *options]
    vars(callback)["__signature__"] = signature.replace(parameters=parameters)
    callback.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return callback


def run_command(command: Command, settings: "QuerySettings | Settings", **options: Any) -> int:
    """Run a command in the data directory of the settings; returns its exit code.

    Args:
        command: The command.
        settings: The settings that it needs.
        options: The command's options.
    """
    from flows.logs import log_to_stderr
    from flows.store_address import store_address

    log_to_stderr(settings.log_level)
    if store_address(settings.data_dir) is None:
        return int(command(settings, **options) or 0)
    from flows.object_store.session import open_data_dir
    from flows.settings import Settings

    if not isinstance(settings, Settings):
        raise TypeError("the settings of a query are enough for a directory of this machine only")
    with open_data_dir(settings, command.__name__) as mirrored:
        return int(command(mirrored, **options) or 0)


def _all_settings(data_dir: Path | None) -> "Settings":
    from flows.settings import load_settings

    return load_settings(data_dir=data_dir)


def _query_settings(data_dir: Path | None) -> "QuerySettings | Settings":
    from flows.settings_sources import query_settings

    return query_settings(data_dir) or _all_settings(data_dir)
