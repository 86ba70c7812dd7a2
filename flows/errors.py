"""Exit codes, and the errors of this package.

FlowError
├── UsageError         2: a wrong argument, setting or directory
├── WorkersLost        1: the worker processes died
├── Interrupted        130 or 1: a signal ended a run early
├── QueryInterrupted   130 or 1: a signal ended a query
├── ChangeInterrupted  130 or 1: a signal came before a change was sent
├── CarNotAwake        1: a car sleeps, and nothing was sent to it
├── RunFailed          a deployed run's own exit code
└── DataDirectoryBusy  6: another run has locked the data directory
"""

from enum import IntEnum

from extract.errors import (
    ArchiveError,
    AuthExpired,
    ContractChanged,
    MissingScope,
    PaymentRequired,
    TokenStoreFailed,
    WrongRegion,
)
from extract.services.errors import ServiceRefused
from transform.errors import UnknownTimeZone
from warehouse.errors import ExportFailed, QueryFailed, WarehouseMissing


class ExitCode(IntEnum):
    """The exit code of the process."""

    OK = 0
    INCOMPLETE = 1
    USAGE = 2
    LOG_IN = 3
    PAYMENT_OR_SCOPE = 4
    CONTRACT_CHANGED = 5
    BUSY = 6
    UNCONFIRMED = 7
    """A change was sent, and is not confirmed."""
    INTERRUPTED = 130


class FlowError(Exception):
    """An error of this package; its text is one sentence that says what to do."""

    exit_code = ExitCode.INCOMPLETE


class UsageError(FlowError):
    """A wrong argument, setting or directory."""

    exit_code = ExitCode.USAGE


class WorkersLost(FlowError):
    """The worker processes of a run died, or are all gone."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"worker processes were lost ({self.detail}); what was fetched is kept: run the command again to go on"


class DataDirectoryBusy(FlowError):
    """Another run has locked the data directory."""

    exit_code = ExitCode.BUSY


class Interrupted(FlowError):
    """A signal ended the run early."""

    def __init__(self, left: int, *, by_keyboard: bool) -> None:
        super().__init__(left, by_keyboard)
        self.left = left
        self.exit_code = ExitCode.INTERRUPTED if by_keyboard else ExitCode.INCOMPLETE

    def __reduce__(self) -> tuple[object, ...]:
        return _interrupted, self.args

    def __str__(self) -> str:
        left = f", {self.left:,} windows are left" if self.left else ""
        return f"interrupted; what was fetched is kept{left}: run the command again to go on"


def _interrupted(left: int, by_keyboard: bool) -> Interrupted:
    return Interrupted(left, by_keyboard=by_keyboard)


class QueryInterrupted(FlowError):
    """A signal ended a command that only reads the warehouse."""

    def __init__(self, *, by_keyboard: bool) -> None:
        super().__init__("interrupted; the query was ended, and nothing was changed")
        self.exit_code = ExitCode.INTERRUPTED if by_keyboard else ExitCode.INCOMPLETE


class ChangeInterrupted(FlowError):
    """A signal came before a change of a setting was sent."""

    def __init__(self, *, by_keyboard: bool) -> None:
        super().__init__("interrupted before the change was sent; run the command again to send it")
        self.exit_code = ExitCode.INTERRUPTED if by_keyboard else ExitCode.INCOMPLETE


class CarNotAwake(FlowError):
    """A car sleeps or is out of reach, so no command was sent to it."""


class RunFailed(FlowError):
    """A deployed run did not end with exit code 0."""

    def __init__(self, exit_code: ExitCode, message: str) -> None:
        super().__init__(exit_code, message)
        self.exit_code = exit_code
        self.message = message

    def __str__(self) -> str:
        return self.message


_CODES: dict[type[Exception], ExitCode] = {
    AuthExpired: ExitCode.LOG_IN,
    PaymentRequired: ExitCode.PAYMENT_OR_SCOPE,
    MissingScope: ExitCode.PAYMENT_OR_SCOPE,
    ContractChanged: ExitCode.CONTRACT_CHANGED,
    WrongRegion: ExitCode.USAGE,
    ServiceRefused: ExitCode.USAGE,
    TokenStoreFailed: ExitCode.USAGE,
    ArchiveError: ExitCode.USAGE,
    UnknownTimeZone: ExitCode.USAGE,
    WarehouseMissing: ExitCode.USAGE,
    QueryFailed: ExitCode.USAGE,
    ExportFailed: ExitCode.USAGE,
}


def exit_code_for(error: BaseException) -> ExitCode:
    """The exit code of an error."""
    if isinstance(error, FlowError):
        return error.exit_code
    if not isinstance(error, Exception):  # Ctrl-C, or Prefect's signal that a flow run was cancelled
        return ExitCode.INTERRUPTED
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), ExitCode.INCOMPLETE)


STOPS_THE_RUN = (AuthExpired, PaymentRequired, MissingScope, WrongRegion, TokenStoreFailed)
"""Errors that every further request would meet, too."""
