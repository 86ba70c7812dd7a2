"""The sentence and the exit code for each error that ends a command."""

from typer import Abort
from typer.exceptions import TyperException

from extract.errors import ExtractError
from flows.errors import ExitCode, FlowError, QueryInterrupted, exit_code_for
from transform.errors import TransformError
from warehouse.errors import WarehouseError
from wattlog import durable

_DUCKDB_INTERRUPTED = "Query interrupted"
"""The text of DuckDB's error for Ctrl-C in the main thread."""


def explain(error: BaseException) -> tuple[str, ExitCode]:
    """One sentence with what went wrong and what to do, and the exit code."""
    message, code = str(error), exit_code_for(error)
    match error:
        case RuntimeError() if str(error) == _DUCKDB_INTERRUPTED:
            message, code = str(QueryInterrupted(by_keyboard=True)), ExitCode.INTERRUPTED
        case Abort() | KeyboardInterrupt():
            message, code = (
                "interrupted; what was fetched is stored, run the command again to continue",
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
            message = f"{where}{reason}; {durable.advice(error)}, stored data is not affected"
        case _:
            message = (
                f"internal error, {type(error).__name__}: {error}; stored data is not affected, "
                "please report it with the output of WATTLOG_LOG_LEVEL=debug"
            )
    return message, code
