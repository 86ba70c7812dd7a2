"""Keeps Prefect quiet in a process whose output is for a timer: its run prints one line, and only when something failed."""

import atexit
import logging
import os
import sys


def silence_prefect() -> None:
    """Print nothing of what Prefect logs, and nothing after the process's own last line.

    Prefect's threads may outlive the interpreter; then DuckDB's binding prints a list of objects that were not released.
    """
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: not record.name.startswith("prefect"))
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno()))
