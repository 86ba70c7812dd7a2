"""Simulated accounts that are fetched once in a run of pytest, and used by many tests and processes.

Every test works on a copy of a recording. At the end, each process checks that the recordings that it used are unchanged.
"""

import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path

from filelock import FileLock

from extract.simulator import ReceivedRequest, World, quirky_world
from flows.pipeline import BackfillRequest, Summary
from tests.simulated import NOW, Account, account
from wattlog.series_spec import Series


@dataclass(frozen=True)
class Visit:
    """One run.

    Attributes:
        backfill_request: The requests of the run.
        is_whole: Whether it transforms and publishes, too; otherwise it only archives the responses.
        now: The instant of the run.
    """

    backfill_request: BackfillRequest
    is_whole: bool = True
    now: datetime = NOW


@dataclass(frozen=True)
class Recording:
    """An account and the runs that fetch it; the last run is a whole one."""

    world: World
    visits: tuple[Visit, ...]

    @property
    def key(self) -> str:
        """A key that only equal recordings share."""
        return blake2b(repr(self).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class Recorded:
    """A copy of the results of a recording.

    Attributes:
        recording: The recording.
        data_dir: Archive, lake, and warehouse.
        summary: Summary of the last run.
        requests: Requests that the server received, in order.
    """

    recording: Recording
    data_dir: Path
    summary: Summary
    requests: tuple[ReceivedRequest, ...]

    @contextmanager
    def served(self) -> Iterator[Account]:
        """Serve the account again, with the recorded requests in the server's log; the next run has the next number."""
        visits = self.recording.visits
        with account(self.recording.world, now=lambda: visits[-1].now) as served:
            served.runs[self.data_dir] = len(visits)
            served.server._received += self.requests
            yield served


@dataclass
class Recordings:
    """Recordings of all processes of a run of pytest.

    Attributes:
        root: Their directory.
        used: Keys of the recordings that this process has used, with their original checksums.
    """

    root: Path
    used: dict[str, str] = field(default_factory=dict)

    def copy(self, recording: Recording, destination: Path) -> Recorded:
        """A copy in a directory that does not exist yet; recorded if no process has done so before."""
        made = self.root / recording.key
        with FileLock(self.root / f"{recording.key}.lock"):
            if not made.exists():
                _record(recording, made)
        self.used[recording.key] = (made / "checksum").read_text()
        shutil.copytree(made / "data", destination)
        summary, requests = pickle.loads((made / "facts").read_bytes())  # noqa: S301 - our own
        here = replace(summary, warehouse=destination / "warehouse.duckdb", lake=destination / "lake")
        return Recorded(recording, destination, here, requests)

    def changed(self) -> list[Path]:
        """Recordings that a test has changed."""
        return [self.root / key for key, before in self.used.items() if checksum(self.root / key / "data") != before]


ROLLUPS = (Series.ENERGY_DAY, Series.ENERGY_MONTH, Series.ENERGY_YEAR)

QUIRKS = Recording(
    quirky_world(NOW.date()),
    (
        Visit(BackfillRequest(series=ROLLUPS), is_whole=False),
        Visit(
            BackfillRequest(
                series=(Series.POWER, Series.ENERGY_INTERVAL), since=date(2025, 7, 1), until=date(2025, 7, 31)
            )
        ),
        Visit(BackfillRequest(since=date(2025, 11, 1))),
    ),
)
"""An account with every known anomaly: all rollups, and the intervals of the month in kWh and of the last weeks."""


def _record(recording: Recording, made: Path) -> None:
    """Make the runs, and move the results to their place when they are complete."""
    unfinished = made.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    data = unfinished / "data"
    with account(recording.world) as served:
        for visit in recording.visits:
            served.now = partial(_at, visit.now)
            summary = (served.run if visit.is_whole else served.ask)(data, visit.backfill_request)
        requests = tuple(served.server.requests)
    (unfinished / "facts").write_bytes(pickle.dumps((summary, requests)))
    (unfinished / "checksum").write_text(checksum(data))
    unfinished.rename(made)


def _at(now: datetime) -> datetime:
    return now


def checksum(directory: Path) -> str:
    """Checksum of the paths and contents of all files."""
    found = blake2b(digest_size=16)
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found.update(f"{path.relative_to(directory)}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()
