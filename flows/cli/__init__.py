"""The command line: `main` turns every error into one line on standard error and the right exit code."""

import gc
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from flows.cli.app import app
from flows.cli.running import LastCode, is_alone
from flows.errors import ExitCode, QueryInterrupted
from warehouse.query.query_thread import is_left_behind

OBJECTS_BETWEEN_COLLECTIONS: Final = 100_000
"""Python's own 700 let the cycle collector run hundreds of times while modules are imported and the index is read."""

ARROW_ALLOCATOR: Final = "system"
"""Arrow's own allocator would keep what it once had, and pandas has another: of one for both, `flows.memory` gives it back."""

LEFT_OUT: Final = "httpx._main"
"""httpx imports its own command line, with Rich, click and pygments, wherever these are installed: a twentieth of a night."""

_kept: list[BaseException] = []
"""Errors of queries that DuckDB may still compute: their frames hold the connection, and closing it would wait for them."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    After a command that has closed everything the interpreter is not shut down: it would take apart every module, one after
    the other, which takes as long as a tenth of a night's run.
    """
    prepare_process()
    code = run(arguments)
    if (isinstance(code, LastCode) and is_alone()) or _kept or is_left_behind():
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    sys.exit(code)


def prepare_process() -> None:
    """Set what must be set before libraries are imported."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", ARROW_ALLOCATOR)  # processes of Dask inherit it
    modules: dict[str, ModuleType | None] = vars(sys)["modules"]
    modules.setdefault(LEFT_OUT, None)  # None: importing it is an ImportError, which httpx expects


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code: int | None = app(args=arguments, prog_name="wattlog", standalone_mode=False)
        if code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt  # Typer turns Ctrl-C into this code, without a line
        return ExitCode.OK if code is None else code
    except BrokenPipeError:
        # The reader of standard output has ended (`wattlog sql … | head`), so there is nothing to report.
        sys.stderr.close()
        return ExitCode.OK
    except (Exception, KeyboardInterrupt) as error:
        import logging

        from flows.cli.error_text import explain
        from wattlog.printable import printable

        logging.getLogger(__name__).debug("command failed", exc_info=True)
        if is_left_behind() or isinstance(error, QueryInterrupted):
            _kept.append(error)
        message, failed = explain(error)
        sys.stderr.write(f"wattlog: {printable(message)}\n")
        return int(failed)
