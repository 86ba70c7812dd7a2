"""Logs of this process: on standard error, without secrets, and without characters that control a terminal."""

import logging
import sys
from typing import Any

from wattlog.secret_text import masked
from wattlog.visible import visible


class VisibleRecord(logging.LogRecord):
    """A log record whose message cannot control a terminal, with any handler."""

    def getMessage(self) -> str:  # noqa: N802 - logging's own name
        """The message in one line."""
        return visible(super().getMessage())


class SafeFormatter(logging.Formatter):
    """Masks secrets in all that is printed. Tracebacks cannot control a terminal either."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, without secrets."""
        return masked(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """A traceback in lines."""
        return visible(super().formatException(ei), keeps_lines=True)


def make_records_visible() -> None:
    """Make the records of every logger of this process visible, whichever handler prints them."""
    logging.setLogRecordFactory(VisibleRecord)


def log_to_stderr(level: str) -> None:
    """Log what matters to standard error."""
    make_records_visible()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
