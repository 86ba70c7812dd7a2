"""From the lake to the warehouse: built beside the published file, then renamed over it.

A reader who has the old file open goes on with it; a builder that dies leaves the old warehouse as it was, and the next
build removes its leftovers. Where the published file is ours and untouched, a copy of it is brought up to date by the lake
files that changed; otherwise, and whenever that is doubtful, everything is loaded. Both ways give the same tables. They
carry no index: rows are sorted by their key, and that it is unique is checked.
"""

import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from string import Template
from tempfile import mkdtemp

import duckdb

from warehouse import atomic, in_place, provenance
from warehouse.connection import THREADS, brief, connect
from warehouse.errors import BuildFailed
from warehouse.lake import Lake
from warehouse.load import TableChange, apply, change, measured, refuse_repeated, whole
from warehouse.manifest import Entry, Survey, survey
from warehouse.models import MODELS, SCHEMA, Model, create_models, made_of
from warehouse.schema import TABLES, Table

logger = logging.getLogger(__name__)

STORAGE_VERSION = "v1.5.0"
"""The file format: the previous major version of DuckDB opens it, since analysts' tools lag behind."""

WORTH_COPYING = 0.5
"""Where more of the rows than this must be loaded, loading all takes no longer than copying the file and changing it."""

_WORKPLACE_SUFFIX = ".building"

_DROP = Template(f'drop $kind if exists {SCHEMA}."$name"')
_ATTACH = Template("attach '$path' as warehouse (storage_version '$version')")


class Loading(StrEnum):
    """How a warehouse came to hold what the lake holds."""

    WHOLE = "whole"
    CHANGES = "changes"
    NOTHING = "nothing"
    VIEWS = "views"


@dataclass(frozen=True, slots=True)
class Built:
    """A published warehouse.

    Attributes:
        rows: Rows by table, every table of the schema.
        path: Where it stands.
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
    """What a fresh file was filled with."""

    loading: Loading
    entries: tuple[Entry, ...]
    files_loaded: int = 0


def build(
    lake: Lake, destination: Path, *, threads: int = THREADS, in_place_views: bool = False, anew: bool = False
) -> Built:
    """Bring the warehouse up to date with the lake, and publish it as `destination`.

    Every table of the schema exists afterwards, with no rows where the lake has no file, and every model.

    Args:
        lake: Where the rows come from.
        destination: The warehouse's file; its directory is made.
        threads: How many threads DuckDB may use.
        in_place_views: Make views over the lake's files instead of tables: nothing is loaded, however much there is.
        anew: Load everything, whatever the published file holds.

    Raises:
        DuplicateKey: Two lake files hold the same row.
        BuildFailed: The lake cannot be read, or the place cannot be written. The old warehouse stands.
        ModelMismatch: A model is not what it is declared to be.
    """
    started = time.monotonic()
    try:
        with _workplace(destination) as workplace:
            task = _Task(lake, destination, workplace / destination.name, threads)
            filled = _make_views(task) if in_place_views else _fill(task, anew=anew)
            if filled.loading is not Loading.NOTHING:
                # A log left by a writer that died belongs to the old file; beside the new one it would be replayed into it.
                destination.with_name(f"{destination.name}.wal").unlink(missing_ok=True)
                atomic.publish(task.fresh, destination)
    except duckdb.Error as error:
        raise BuildFailed(destination, brief(error)) from error
    except OSError as error:
        raise BuildFailed(destination, atomic.reason(error)) from error
    rows = dict.fromkeys(TABLES, 0)
    for each in filled.entries:
        rows[each.table_name] += each.rows
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
    """A directory beside the destination for the file, its log and what sorting spills; gone afterwards."""
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
    held = None if anew else provenance.held(task.destination)
    if held is None:
        return _load_everything(task)
    seen = survey(task.lake, held.entries)
    if seen.is_unchanged:
        return _Filled(Loading.NOTHING, seen.kept)
    try:
        filled = _load_changes(task, seen, held)
    except (duckdb.OperationalError, duckdb.InternalError, duckdb.FatalException) as error:
        # The published file may be damaged where nobody has looked. If it is the lake, loading everything says so.
        logger.warning("warehouse_not_updated path=%s reason=%s", task.destination, brief(error))
        filled = None
    return filled or _load_everything(task)


def _load_everything(task: _Task) -> _Filled:
    for leftover in task.fresh.parent.glob(f"{task.fresh.name}*"):
        leftover.unlink()
    seen = survey(task.lake)
    with connect(threads=task.threads, temp_directory=task.fresh.parent / "spill") as connection:
        changes = [
            whole(table, measured(connection, table, seen.changed_of(table), seen, task.destination))
            for table in TABLES.values()
        ]
        entries = _write(connection, task, changes, seen, is_new=True)
    return _Filled(Loading.WHOLE, entries, len(entries))


def _load_changes(task: _Task, seen: Survey, held: provenance.Held) -> _Filled | None:
    """Change a copy of the published file; None where loading everything is no slower, or somebody writes to that file."""
    with connect(threads=task.threads, temp_directory=task.fresh.parent / "spill") as connection:
        changes = [_change_of(connection, table, seen, task.destination) for table in TABLES.values()]
        loaded = [entry for each in changes for entry in each.loaded]
        kept = [entry for each in changes for entry in each.kept]
        loaded_rows = sum(each.rows for each in loaded)
        if loaded_rows > WORTH_COPYING * (loaded_rows + sum(each.rows for each in kept)):
            return None
        shutil.copyfile(task.destination, task.fresh)
        if not held.is_of(task.destination):
            return None
        entries = _write(connection, task, changes, seen, is_new=False)
    return _Filled(Loading.CHANGES, entries, len(loaded))


def _change_of(connection: duckdb.DuckDBPyConnection, table: Table, seen: Survey, destination: Path) -> TableChange:
    changed = measured(connection, table, seen.changed_of(table), seen, destination)
    return change(table, seen.kept_of(table), changed, seen.removed_of(table))


def _write(
    connection: duckdb.DuckDBPyConnection, task: _Task, changes: list[TableChange], seen: Survey, *, is_new: bool
) -> tuple[Entry, ...]:
    """Write changes into the fresh file, new or a copy, and close it; gives its manifest."""
    entries = tuple(entry for each in changes for entry in each.entries)
    _attach(connection, task.fresh)
    connection.execute("begin")  # one log for all: hundreds of comments, each flushed alone, cost a second
    if is_new:
        for table in TABLES.values():
            for statement in table.ddl():
                connection.execute(statement)
    models = list(MODELS.values()) if is_new else made_of(each.table.name for each in changes if not each.is_nothing)
    if not is_new:
        for model in reversed(models):
            connection.execute(_DROP.substitute(kind=model.kind, name=model.name))
    for each in changes:
        apply(connection, each, seen, task.destination)
    _finish(connection, task, entries, models)
    return entries


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
        in_place.create_views(connection, task.lake, task.destination, {each.table_name for each in entries})
        _finish(connection, task, (), in_place.MODELS_AS_VIEWS)
    return _Filled(Loading.VIEWS, entries)


def _attach(connection: duckdb.DuckDBPyConnection, fresh: Path) -> None:
    connection.execute(_ATTACH.substitute(path=str(fresh).replace("'", "''"), version=STORAGE_VERSION))
    connection.execute("use warehouse")


def _finish(
    connection: duckdb.DuckDBPyConnection, task: _Task, entries: tuple[Entry, ...], models: Iterable[Model]
) -> None:
    """Add models and provenance, and close the file: everything is in it then, and nothing in a log beside it."""
    create_models(connection, models)
    built_at = provenance.note(connection, entries)
    connection.execute("commit")
    connection.execute("use memory")
    connection.execute("checkpoint warehouse")
    connection.execute("detach warehouse")
    provenance.date(task.fresh, built_at)
