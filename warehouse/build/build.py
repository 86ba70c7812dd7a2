"""From the lake to the warehouse: built next to the published file, then renamed to it.

A program that has the old file open goes on reading it; a build that is killed leaves the old warehouse as it was, and the
next build removes its temporary files. Where the published file is as a build of this version left it, a copy of it is
updated from the lake files that changed; otherwise everything is loaded. Both ways give the same tables. They have no
index: rows are sorted by their key, and keys are checked for repetitions.
"""

import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from string import Template
from tempfile import mkdtemp
from typing import Final

import duckdb

from warehouse.build import in_place, provenance
from warehouse.build.load import TableChange, apply, change, measured, refuse_repeated, whole
from warehouse.build.manifest import Entry, Survey, survey
from warehouse.build.stale_models import updated_models
from warehouse.connection import THREADS, brief, connect
from warehouse.errors import BuildFailed
from warehouse.lake.lake import Lake
from warehouse.models import MODELS, create_models, fill_models
from warehouse.schema import TABLES, Table
from wattlog import durable

logger = logging.getLogger(__name__)

STORAGE_VERSION = "v1.5.0"
"""The file format: the previous major version of DuckDB opens it, since analysts' tools lag behind."""

WORTH_COPYING = 0.5
"""Where a larger share of the rows must be loaded, loading all takes no longer than copying the file and changing it."""

_MEMORY_BYTES_A_ROW: Final = 40
_LEAST_MEMORY_MB: Final = 128
_MOST_MEMORY_MB: Final = 1024
"""DuckDB fills what memory it may with blocks that it does not need again, so a small warehouse gets little, beside what the
process has. From the most on, DuckDB's own limit applies."""

_WORKPLACE_SUFFIX = ".building"

_LIMIT_MEMORY = Template("set memory_limit = '${megabytes}MB'")
_THREADS = Template("set threads = $threads")
_ATTACH = Template("attach '$path' as warehouse (storage_version '$version')")


class Loading(StrEnum):
    """How the rows of the lake came into a warehouse."""

    WHOLE = "whole"
    CHANGES = "changes"
    NOTHING = "nothing"
    VIEWS = "views"


@dataclass(frozen=True, slots=True)
class Built:
    """A published warehouse.

    Attributes:
        rows: Rows by table, every table of the schema.
        path: The file.
        seconds: How long it took.
        loading: Whether everything was loaded, what changed, or nothing since nothing did.
        files_loaded: Lake files that were read into tables.
    """

    rows: dict[str, int]
    path: Path
    seconds: float
    loading: Loading
    files_loaded: int


@dataclass(frozen=True, slots=True)
class _Task:
    """One build.

    Attributes:
        lake: Where the rows come from.
        destination: The published file.
        fresh: The file that is being made.
        threads: How many threads DuckDB may use.
    """

    lake: Lake
    destination: Path
    fresh: Path
    threads: int


@dataclass(frozen=True, slots=True)
class _Filled:
    """How a new file was filled."""

    loading: Loading
    entries: tuple[Entry, ...]
    files_loaded: int = 0


def build(
    lake: Lake, destination: Path, *, threads: int = THREADS, in_place_views: bool = False, anew: bool = False
) -> Built:
    """Update the warehouse from the lake, and publish it as `destination`.

    Every table of the schema exists afterwards, with no rows where the lake has no file, and every model.

    Args:
        lake: Where the rows come from.
        destination: The warehouse's file; its directory is made.
        threads: How many threads DuckDB may use.
        in_place_views: Make views over the lake's files instead of tables: nothing is loaded, however much there is.
        anew: Load everything, whatever is in the published file.

    Raises:
        DuplicateKey: Two lake files have the same row.
        BuildFailed: The lake cannot be read, or the place cannot be written. The old warehouse is unchanged.
        ModelMismatch: A model is not what it is declared to be.
    """
    started = time.monotonic()
    try:
        with _workplace(destination) as workplace:
            task = _Task(lake, destination, workplace / destination.name, threads)
            filled = _make_views(task) if in_place_views else _fill(task, anew=anew)
            if filled.loading is not Loading.NOTHING:
                # A log that a killed writer left belongs to the old file; DuckDB would replay it into the new one.
                destination.with_name(f"{destination.name}.wal").unlink(missing_ok=True)
                durable.publish(task.fresh, destination)
    except duckdb.Error as error:
        raise BuildFailed(destination, brief(error)) from error
    except OSError as error:
        raise BuildFailed(destination, durable.reason(error)) from error
    rows = dict.fromkeys(TABLES, 0)
    for entry in filled.entries:
        rows[entry.table_name] += entry.rows
    built = Built(rows, destination, time.monotonic() - started, filled.loading, filled.files_loaded)
    logger.info(
        "warehouse_built path=%s loading=%s files=%d seconds=%.2f",
        destination,
        built.loading,
        built.files_loaded,
        built.seconds,
    )
    return built


@contextmanager
def _workplace(destination: Path) -> Iterator[Path]:
    """A directory next to the destination for the file, its log and the spill of sorts; removed afterwards."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    for leftover in destination.parent.glob(f".{destination.name}.*{_WORKPLACE_SUFFIX}"):
        shutil.rmtree(leftover, ignore_errors=True)
    workplace = Path(mkdtemp(dir=destination.parent, prefix=f".{destination.name}.", suffix=_WORKPLACE_SUFFIX))
    try:
        yield workplace
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _fill(task: _Task, *, anew: bool) -> _Filled:
    """Load what changed where there is something to change, else everything."""
    published = None if anew else provenance.published(task.destination)
    if published is None:
        return _load_everything(task)
    seen = survey(task.lake, published.entries)
    if seen.is_unchanged:
        return _Filled(Loading.NOTHING, seen.kept)
    try:
        filled = _load_changes(task, seen, published)
    except (duckdb.OperationalError, duckdb.InternalError, duckdb.FatalException) as error:
        # The published file may be damaged. If the lake is, loading everything raises the error that says so.
        logger.warning("warehouse_not_updated path=%s reason=%s", task.destination, brief(error))
        filled = None
    return filled or _load_everything(task)


def _load_everything(task: _Task) -> _Filled:
    try:
        return _load_anew(task, is_limited=True)
    except duckdb.OutOfMemoryException as error:
        logger.info("warehouse_needs_memory path=%s reason=%s", task.destination, brief(error))
        return _load_anew(task, is_limited=False)


def _load_anew(task: _Task, *, is_limited: bool) -> _Filled:
    for leftover in task.fresh.parent.glob(f"{task.fresh.name}*"):
        leftover.unlink()
    seen = survey(task.lake)
    with connect(threads=task.threads, temp_directory=task.fresh.parent / "spill") as connection:
        changes = [
            whole(table, measured(connection, table, seen.changed_of(table), seen, task.destination))
            for table in TABLES.values()
        ]
        if is_limited:
            _limit_memory(connection, changes)
        entries = _write(connection, task, changes, seen, is_new=True)
    return _Filled(Loading.WHOLE, entries, len(entries))


def _load_changes(task: _Task, seen: Survey, published: provenance.Published) -> _Filled | None:
    """Change a copy of the published file; None where that is no quicker than loading everything, or the file changes."""
    with connect(threads=task.threads, temp_directory=task.fresh.parent / "spill") as connection:
        changes = [_change_of(connection, table, seen, task.destination) for table in TABLES.values()]
        loaded = [entry for change in changes for entry in change.loaded]
        kept = [entry for change in changes for entry in change.kept]
        loaded_rows = sum(entry.rows for entry in loaded)
        if loaded_rows > WORTH_COPYING * (loaded_rows + sum(entry.rows for entry in kept)):
            return None
        _limit_memory(connection, changes)
        shutil.copyfile(task.destination, task.fresh)
        if not published.is_unchanged(task.destination):
            return None
        entries = _write(connection, task, changes, seen, is_new=False)
    return _Filled(Loading.CHANGES, entries, len(loaded))


def _limit_memory(connection: duckdb.DuckDBPyConnection, changes: Sequence[TableChange]) -> None:
    """Limit DuckDB's memory by the rows of the warehouse; what does not fit is written to the disk."""
    rows = sum(entry.rows for change in changes for entry in change.entries)
    megabytes = max(_LEAST_MEMORY_MB, rows * _MEMORY_BYTES_A_ROW // 1_000_000)
    if megabytes <= _MOST_MEMORY_MB:
        connection.execute(_LIMIT_MEMORY.substitute(megabytes=megabytes))


def _change_of(connection: duckdb.DuckDBPyConnection, table: Table, seen: Survey, destination: Path) -> TableChange:
    changed = measured(connection, table, seen.changed_of(table), seen, destination)
    return change(table, seen.kept_of(table), changed, seen.removed_of(table))


def _write(
    connection: duckdb.DuckDBPyConnection, task: _Task, changes: list[TableChange], seen: Survey, *, is_new: bool
) -> tuple[Entry, ...]:
    """Write changes into the fresh file, new or a copy, and close it; gives its manifest."""
    entries = tuple(entry for change in changes for entry in change.entries)
    _attach(connection, task.fresh)
    is_copied = is_new and provenance.copy_definitions(connection, task.destination)
    connection.execute("begin")  # one log for all: hundreds of comments, each flushed alone, cost a second
    if is_new:
        if not is_copied:
            for table in TABLES.values():
                connection.execute("; ".join(table.ddl()))
        _apply(connection, task, changes, seen)
        connection.execute(_THREADS.substitute(threads=task.threads))
        if is_copied:
            fill_models(connection)
        else:
            create_models(connection, MODELS.values())
    else:
        with updated_models(connection, changes):
            _apply(connection, task, changes, seen)
    _finish(connection, task, entries)
    return entries


def _apply(connection: duckdb.DuckDBPyConnection, task: _Task, changes: list[TableChange], seen: Survey) -> None:
    """Load the tables on one thread: a second one waits for the first to keep the rows in order, at half as much CPU again.

    What follows a change of some days, models of these days and the checkpoint, stays on one thread, too, at 15 % less CPU.
    """
    connection.execute(_THREADS.substitute(threads=1))
    for table_change in changes:
        apply(connection, table_change, seen, task.destination)


def _make_views(task: _Task) -> _Filled:
    """Fill the fresh file with views over the lake."""
    seen = survey(task.lake)
    with connect(threads=task.threads, temp_directory=task.fresh.parent / "spill") as connection:
        entries: tuple[Entry, ...] = ()
        for table in TABLES.values():
            of_table = measured(connection, table, seen.changed_of(table), seen, task.destination)
            refuse_repeated(connection, table, of_table, seen, task.destination)
            entries += tuple(of_table)
        _attach(connection, task.fresh)
        connection.execute("begin")
        in_place.create_views(connection, task.lake, task.destination, {entry.table_name for entry in entries})
        create_models(connection, in_place.MODELS_AS_VIEWS)
        _finish(connection, task, ())
    return _Filled(Loading.VIEWS, entries)


def _attach(connection: duckdb.DuckDBPyConnection, fresh: Path) -> None:
    connection.execute(_ATTACH.substitute(path=str(fresh).replace("'", "''"), version=STORAGE_VERSION))
    connection.execute("use warehouse")


def _finish(connection: duckdb.DuckDBPyConnection, task: _Task, entries: tuple[Entry, ...]) -> None:
    """Add the provenance, and close the file: everything is in it then, and nothing in a log beside it."""
    built_at = provenance.note(connection, entries)
    connection.execute("commit")
    connection.execute("use memory")
    connection.execute("checkpoint warehouse")
    connection.execute("detach warehouse")
    provenance.date(task.fresh, built_at)
