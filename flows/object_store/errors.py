"""What can go wrong between a mirror and its store.

FlowError
├── StoreRefused      2: no such bucket, no permission, no credentials, another region
├── StoreUnreachable  1: the network, or the store itself, after all retries
├── StoreDamaged      1: an object is not what the manifest says
└── DataDirectoryBusy
    ├── StoreBusy     6: another run holds the store
    └── StoreChanged  6: another run has taken the store while this one worked
"""

from flows.errors import DataDirectoryBusy, ExitCode, FlowError


class StoreRefused(FlowError):
    """The store says no, and would say so again."""

    exit_code = ExitCode.USAGE


class StoreUnreachable(FlowError):
    """The store did not answer, or not well, however often it was asked."""


class StoreDamaged(FlowError):
    """An object is missing, or is not what the manifest says."""


class StoreBusy(DataDirectoryBusy):
    """Another run, perhaps on another machine, holds the store."""


class StoreChanged(DataDirectoryBusy):
    """Another run has changed what this one was about to change."""
