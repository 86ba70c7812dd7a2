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
        result = app(args=arguments, prog_name="wattlog", standalone_mode=False)
    except (Abort, KeyboardInterrupt):
        return _say("interrupted; what was fetched is kept, run the command again to go on", ExitCode.INTERRUPTED)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "wattlog"
        return _say(f"{error.format_message()} (see `{path} --help`)", ExitCode.USAGE)
    except (FlowError, ExtractError, TransformError, WarehouseError) as error:
        return _say(str(error), exit_code_for(error))
    except BrokenPipeError:
        # The reader of our output went away (`wattlog sql … | head`): nobody is left to be told.
        sys.stderr.close()
        return ExitCode.OK
    except OSError as error:
        return _say(_os_error(error), ExitCode.USAGE)
    except Exception as error:  # noqa: BLE001 - the boundary: a bug, too, is one line here; the log has the rest
        return _say(
            f"internal error, {type(error).__name__}: {error}; nothing kept is lost, "
            "please report it with what WATTLOG_LOG_LEVEL=debug prints",
            ExitCode.INCOMPLETE,
        )
    return int(result or ExitCode.OK)


def _os_error(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}; free space or fix the permissions, nothing that was kept is lost"


def _say(message: str, code: ExitCode) -> int:
    logging.getLogger(__name__).debug("command failed", exc_info=True)
    print(f"wattlog: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201 - the one place that speaks of failure
    return int(code)
