"""The command line: `main` turns whatever happens into one line on standard error and the right exit code."""

import logging
import sys
from collections.abc import Sequence

from typer import Abort
from typer.exceptions import TyperException

from extract.errors import ExtractError
from flows.cli.app import app
from flows.errors import ExitCode, FlowError, exit_code_for
from transform.errors import TransformError
from warehouse.errors import WarehouseError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        return int(app(args=arguments, prog_name="wattlog", standalone_mode=False) or ExitCode.OK)
    except BrokenPipeError:
        # The reader of our output went away (`wattlog sql … | head`): nobody is left to be told.
        sys.stderr.close()
        return ExitCode.OK
    except (Exception, KeyboardInterrupt) as error:
        logging.getLogger(__name__).debug("command failed", exc_info=True)
        message, code = explain(error)
        sys.stderr.write(f"wattlog: {' '.join(message.split())}\n")
        return int(code)


def explain(error: BaseException) -> tuple[str, ExitCode]:
    """One sentence on what went wrong and what to do, and the exit code."""
    message, code = str(error), exit_code_for(error)
    match error:
        case Abort() | KeyboardInterrupt():
            message, code = (
                "interrupted; what was fetched is kept, run the command again to go on",
                ExitCode.INTERRUPTED,
            )
        case TyperException():
            context = getattr(error, "ctx", None)
            path = context.command_path if context is not None else "wattlog"
            message, code = f"{error.format_message()} (see `{path} --help`)", ExitCode.USAGE
        case FlowError() | ExtractError() | TransformError() | WarehouseError():
            pass
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            reason = error.strerror or str(error)
            message = f"{where}{reason}; free space or fix the permissions, nothing that was kept is lost"
        case _:
            message = (
                f"internal error, {type(error).__name__}: {error}; nothing kept is lost, "
                "please report it with what WATTLOG_LOG_LEVEL=debug prints"
            )
    return message, code
