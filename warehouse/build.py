"""From the lake to the warehouse: built beside the published file, then renamed over it.

A reader who has the old file open goes on with it; a builder that dies leaves the old warehouse as it was, and the next
build removes its leftovers. Tables carry no index: rows are sorted by their key, and that it is unique is checked.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from tempfile import mkdtemp

import duckdb

from warehouse import atomic
from warehouse.connection import THREADS, brief, connect
from warehouse.errors import BuildFailed, DuplicateKey
from warehouse.lake import VERSION_KEY, Lake
from warehouse.models import create_models
from warehouse.schema import SCHEMA_VERSION, TABLES, Table

logger = logging.getLogger(__name__)

STORAGE_VERSION = "v1.5.0"
"""The file format: the previous major version of DuckDB opens it, since analysts' tools lag behind."""

_WORKPLACE_SUFFIX = ".building"

_ATTACH = Template("attach '$path' as warehouse (storage_version '$version')")
_LOAD = Template(
    "insert into main.$table by name select $columns from read_parquet(?, hive_partitioning = false) order by $key"
)
_REPEATED = Template("select $key from main.$table group by all having count(*) > 1 order by all limit 1")
_OTHER_VERSIONS = """
select coalesce(any_value(decode(value)) filter (key = ?::blob), 'none') as version, file_name
from parquet_kv_metadata(?)
group by file_name
having version <> ?
order by file_name
limit 1
"""


@dataclass(frozen=True, slots=True)
class Built:
    """A published warehouse.

    Attributes:
        rows: Rows by table, every table of the schema.
        path: Where it stands.
        seconds: How long it took.
    """

    rows: dict[str, int]
    path: Path
    seconds: float


def build(lake: Lake, destination: Path, *, threads: int = THREADS) -> Built:
    """Build the warehouse from the whole lake and publish it as `destination`.

    Every table of the schema exists afterwards, with no rows where the lake has no file, and every model.

    Args:
        lake: Where the rows come from.
        destination: The warehouse's file; its directory is made.
        threads: How many threads DuckDB may use.

    Raises:
        DuplicateKey: Two lake files hold the same row.
        BuildFailed: The lake cannot be read, or the place cannot be written. The old warehouse stands.
        ModelMismatch: A model is not what it is declared to be.
    """
    started = time.monotonic()
    try:
        with _workplace(destination) as workplace:
            fresh = workplace / destination.name
            rows = _fill(lake, fresh, destination, threads)
            # A log left by a writer that died belongs to the old file; beside the new one it would be replayed into it.
            destination.with_name(f"{destination.name}.wal").unlink(missing_ok=True)
            atomic.publish(fresh, destination)
    except duckdb.Error as error:
        raise BuildFailed(destination, brief(error)) from error
    except OSError as error:
        raise BuildFailed(destination, atomic.reason(error)) from error
    seconds = time.monotonic() - started
    logger.info("warehouse_built path=%s rows=%d seconds=%.2f", destination, sum(rows.values()), seconds)
    return Built(rows, destination, seconds)


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


def _fill(lake: Lake, fresh: Path, destination: Path, threads: int) -> dict[str, int]:
    attach = _ATTACH.substitute(path=str(fresh).replace("'", "''"), version=STORAGE_VERSION)
    with connect(threads=threads, temp_directory=fresh.parent / "spill") as connection:
        connection.execute(attach)
        connection.execute("use warehouse")
        connection.execute("begin")  # one log for all: hundreds of comments, each flushed alone, cost a second
        _note_version(connection)
        rows = {table.name: _load(connection, lake, table, destination) for table in TABLES.values()}
        create_models(connection)
        connection.execute("commit")
        connection.execute("use memory")
        connection.execute("checkpoint warehouse")
        connection.execute("detach warehouse")
    return rows


def _note_version(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema meta")
    connection.execute("create table meta.build (schema_version integer not null)")
    connection.execute("comment on table meta.build is 'What this file was made by; wattlog refuses other versions.'")
    connection.execute("insert into meta.build values (?)", [SCHEMA_VERSION])


def _load(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, destination: Path) -> int:
    for statement in table.ddl():
        connection.execute(statement)
    paths = [str(each.path) for each in lake.partitions(table)]
    if not paths:
        return 0
    _refuse_other_versions(connection, paths, destination)
    key = _identifiers(table.primary_key)
    load = _LOAD.substitute(table=f'"{table.name}"', columns=_identifiers(table.columns), key=key)
    inserted = connection.execute(load, [paths]).fetchall()
    repeated = connection.execute(_REPEATED.substitute(table=f'"{table.name}"', key=key)).fetchall()
    if repeated:
        named = zip(table.primary_key, repeated[0], strict=True)
        raise DuplicateKey(destination, table.name, ", ".join(f"{name} {value}" for name, value in named))
    return int(inserted[0][0])


def _refuse_other_versions(connection: duckdb.DuckDBPyConnection, paths: list[str], destination: Path) -> None:
    version_key = VERSION_KEY.decode()
    found = connection.execute(_OTHER_VERSIONS, [version_key, paths, str(SCHEMA_VERSION)]).fetchall()
    if found:
        version, path = found[0]
        raise BuildFailed(
            destination,
            f"lake file {path} has schema version {version}, this wattlog writes {SCHEMA_VERSION}; run `wattlog rebuild`",
        )


def _identifiers(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
