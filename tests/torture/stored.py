"""A small data directory that was used, the kinds of its files, and what the product finds and makes of it."""

import shutil
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd

from extract.archive.losses import ACCEPTED_LOSSES
from extract.archive.record import SUFFIX
from extract.simulator import Anomaly
from flows import ledger, pipeline, verification
from flows.pipeline import BackfillRequest
from flows.run_context import RunContext, new_run_id
from flows.settings import Settings
from flows.verification import Problem, problems
from tests.torture.homes import Home, Homes
from tests.torture.local_api import LocalApi
from tests.torture.machine import ADDRESS, AGE, NIGHT, STARTS, spec, without_publishing
from tests.torture.one_by_one import OneByOne
from warehouse.lake.lake import FILE_NAME, Lake
from warehouse.schema import TABLES
from wattlog.names import DataDirectory


class FileKind(StrEnum):
    """The kinds of files below a data directory."""

    SEGMENT = "segment"
    INDEX = "index"
    LEDGER = "ledger"
    ACCEPTED_LOSSES = "accepted losses"
    LAKE = "lake"
    WAREHOUSE = "warehouse"
    WITHOUT_CONTENT = "without content"


def kind_of(directory: DataDirectory, path: Path) -> FileKind | None:
    """The kind of a file; None if the tests know no such file."""
    if path.is_relative_to(directory.lake):
        table = path.relative_to(directory.lake).parts[0].removeprefix("table=")
        return FileKind.LAKE if path.name == FILE_NAME and table in TABLES else None
    without_content = (directory.lock, directory.lock_owner, directory.shared_limits)
    if path in without_content or path.is_relative_to(directory.task_locks):
        return FileKind.WITHOUT_CONTENT
    if path.is_relative_to(directory.raw):
        if path.name.endswith(SUFFIX):
            return FileKind.SEGMENT
        if path.name.startswith("index-"):
            return FileKind.INDEX
        return {ledger.LEDGER: FileKind.LEDGER, ACCEPTED_LOSSES: FileKind.ACCEPTED_LOSSES}.get(path.name)
    return FileKind.WAREHOUSE if path == directory.warehouse else None


@dataclass
class Stored:
    """A data directory, and the API from which it comes.

    Attributes:
        directory: The data directory.
        api: The API.
        homes: The account.
        runs: How many runs there were.
    """

    directory: DataDirectory
    api: LocalApi
    homes: Homes
    runs: int = 0

    def context(self) -> RunContext:
        """The next run."""
        self.runs += 1
        values = {"provider": "simulator", "api_base_url": ADDRESS, "access_token": self.api.token}
        settings = Settings.model_validate({"data_dir": self.directory.root, **values})
        run_id = new_run_id(self.api.now + timedelta(microseconds=self.runs))
        return RunContext(settings, run_id, clock=lambda: self.api.now, transport=self.api)

    def copy(self, root: Path) -> "Stored":
        """The same in another directory."""
        shutil.copytree(self.directory.root, root)
        return Stored(DataDirectory(root), self.api, self.homes, self.runs)

    def files(self, kind: FileKind) -> list[Path]:
        """The files of a kind."""
        found = sorted(path for path in self.directory.root.rglob("*") if path.is_file())
        return [path for path in found if kind_of(self.directory, path) is kind]

    def backfill(self) -> int:
        """The exit code of a run."""
        return pipeline.backfill(self.context(), OneByOne(), BackfillRequest()).exit_code

    def reconcile(self) -> int:
        """The exit code of a run without requests."""
        return pipeline.reconcile(self.context(), OneByOne()).exit_code

    def rebuild(self) -> int:
        """The exit code of a rebuild."""
        return pipeline.rebuild(self.context(), OneByOne()).exit_code

    def verify(self, *, has_warehouse: bool = True) -> list[Problem]:
        """What `wattlog verify` finds, with or without a look into the warehouse, which takes most of its time."""
        context = self.context()
        nothing: Any = lambda _context: iter(())  # noqa: E731
        with nullcontext() if has_warehouse else patch.object(verification, "_find_in_warehouse", nothing):
            return list(problems(context, context.open_archive()))

    def tables(self) -> dict[str, pd.DataFrame]:
        """The rows of the lake, without those of the runs, and without the columns that name responses and runs."""
        lake, names = Lake(self.directory.lake), [name for name in TABLES if name not in {"runs", "requests"}]
        frames = {name: lake.read(name) for name in names}
        return {
            name: frame[[column for column in frame if column not in {"raw_id"} and not str(column).startswith("_")]]
            for name, frame in frames.items()
        }


def used(root: Path, *anomalies: Anomaly) -> Stored:
    """A data directory after some nights of a site with everything, the last night published, and an accepted loss."""
    now = STARTS[1]
    home = Home(replace(spec(71, now - AGE), anomalies=anomalies))
    homes = Homes([home])
    stored = Stored(DataDirectory(root), LocalApi(homes.world(now), now), homes)
    with without_publishing():
        assert stored.backfill() == 0
    _lose_a_response(stored)
    stored.api.now += NIGHT
    stored.api.serve(homes.world(stored.api.now))
    assert stored.backfill() == 0
    assert stored.verify() == []
    return stored


def _lose_a_response(stored: Stored) -> None:
    path = next(path for path in stored.files(FileKind.SEGMENT) if "series=soe" in str(path))
    content = path.read_bytes()
    path.write_bytes(content[:-20] + bytes(20))
    assert stored.context().open_archive().accept_losses(stored.api.now)


def differing(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame], but: Iterable[str] = ()) -> list[str]:
    """The tables with other rows."""
    return [name for name in left if name not in but and not left[name].equals(right[name])]
