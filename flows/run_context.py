"""What is fixed for one run: its settings, its id, its clock and its limits."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx

from extract.api.client import Clock, utc_now
from extract.api.rate_limit import RateLimiter
from extract.archive.raw_archive import RawArchive
from flows.settings import Settings
from warehouse.lake.lake import Lake
from wattlog.names import DataDirectory

log = logging.getLogger(__name__)

MakeLimiter = Callable[..., RateLimiter]
"""Makes the rate limiter of a process from the arguments of `RateLimiter`."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """The facts of a run, the same in every process that works for it. Can be pickled.

    Attributes:
        settings: The run's settings.
        run_id: Identifies the run; sorts by time.
        clock: Returns the present instant.
        max_requests: Cap on the requests of the run, retries included; None for no cap.
        make_limiter: Makes the rate limiter of each process; None for the executor's own.
        transport: Replaces the network in tests.
    """

    settings: Settings
    run_id: str
    clock: Clock = utc_now
    max_requests: int | None = None
    make_limiter: MakeLimiter | None = None
    transport: httpx.BaseTransport | None = None

    @property
    def directory(self) -> DataDirectory:
        """The data directory."""
        return DataDirectory(self.settings.data_dir)

    def open_archive(self) -> RawArchive:
        """The raw archive, with a warning where its index had to be made again."""
        archive = RawArchive(self.directory.raw)
        if archive.unchecked and not self.settings.is_store:
            # The mirror of a store has no index at first; the store's manifest lists what must be there.
            log.warning(
                "%d index files (the first: %s) were made again from the segments; "
                "responses that were lost before cannot be detected any more",
                len(archive.unchecked),
                archive.root / archive.unchecked[0],
            )
        return archive

    def open_archive_of(self, site_id: int) -> RawArchive:
        """The raw archive of one site, which leaves the indexes of other sites alone."""
        return RawArchive(self.directory.raw, site_id=site_id)

    def open_lake(self) -> Lake:
        """The Parquet lake."""
        return Lake(self.directory.lake)

    def with_absolute_paths(self) -> "RunContext":
        """The same for a process with another current directory."""
        paths: dict[str, Any] = {
            name: getattr(self.settings, name).absolute() for name in ("data_dir", "cache_dir", "config_dir")
        }
        return replace(self, settings=self.settings.model_copy(update=paths))


def new_run_id(now: datetime) -> str:
    """An id that sorts by time: `20260101T031500.123456Z`."""
    return f"{now:%Y%m%dT%H%M%S.%f}Z"
