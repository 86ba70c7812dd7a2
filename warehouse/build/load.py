"""From lake files into the warehouse's tables: all of a table, or the time spans that changed.

Tables have no column for the file of a row. The rows of a file are found by its site and the time span of their keys; files
whose spans overlap are loaded together, so that a span has rows of no other file. A table whose key has no site and time
(`requests`, `quarantine`) is loaded whole when any of its files changed; so is one in which so many rows would be out of
order that scans could no longer skip blocks.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, groupby
from pathlib import Path
from string import Template

import duckdb

from warehouse.build.manifest import Entry, Survey
from warehouse.errors import BuildFailed, DuplicateKey
from warehouse.lake.parquet_file import VERSION_KEY
from warehouse.schema import SCHEMA_VERSION, Table

DISORDER = 0.25
"""The share of a table's rows that may follow the ordered ones; up to it, queries were measured to take no longer."""

_LOAD = Template("insert into main.$table by name select $columns from read_parquet(?, hive_partitioning = false)")
_LOAD_SORTED = Template(f"{_LOAD.template} order by $key")
_REPEATED = Template("select $key from main.$table group by all having count(*) > 1 order by all limit 1")
_REPEATED_IN_FILES = Template("""
select $key from read_parquet(?, hive_partitioning = false) group by all having count(*) > 1 order by all limit 1
""")
_REPEATED_IN = Template("""
select $key from main.$table as stored
semi join temp.stale
on stored.site_id = stale.site_id and stored.$time between stale.first_at::$kind and stale.last_at::$kind
group by all having count(*) > 1 order by all limit 1
""")
_DELETE = Template("""
delete from main.$table as stored using temp.stale
where stored.site_id = stale.site_id and stored.$time between stale.first_at::$kind and stale.last_at::$kind
""")
_DELETE_ALL = Template("delete from main.$table")
_SPANS_OF_FILES = Template("""
select filename, count(*), $first::timestamp, $last::timestamp, $lowest_site, $highest_site
from read_parquet(?, hive_partitioning = false, filename = true)
group by filename
""")
_STALE = "create or replace temp table stale (site_id bigint, first_at timestamp, last_at timestamp)"
_NOTE_STALE = "insert into temp.stale select unnest(?::bigint[]), unnest(?::timestamp[]), unnest(?::timestamp[])"
_OTHER_VERSIONS = """
select coalesce(any_value(decode(value)) filter (key = ?::blob), 'none') as version, file_name
from parquet_kv_metadata(?)
group by file_name
having version <> ?
order by file_name
limit 1
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A span of a site's time that some files cover and no other does.

    Attributes:
        site_id: The site.
        first_at: Its first key, in UTC.
        last_at: Its last.
        entries: The files of the lake in it.
        is_stale: Whether any file in it changed.
    """

    site_id: int
    first_at: datetime
    last_at: datetime
    entries: tuple[Entry, ...]
    is_stale: bool


@dataclass(frozen=True, slots=True)
class TableChange:
    """What has to be done with one table.

    Attributes:
        table: The table.
        kept: Files whose rows stay where they are.
        stale: Spans that are deleted and loaded again; None where the whole table is.
        loaded: Files that are loaded.
    """

    table: Table
    kept: tuple[Entry, ...]
    stale: tuple[Span, ...] | None
    loaded: tuple[Entry, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether nothing has to be done."""
        return self.stale == () and not self.loaded

    @property
    def entries(self) -> Iterator[Entry]:
        """The table's manifest when it is done."""
        yield from self.kept
        for entry in self.loaded:
            yield replace(entry, is_appended=self.stale is not None)


def measured(
    connection: duckdb.DuckDBPyConnection, table: Table, entries: Collection[Entry], seen: Survey, destination: Path
) -> list[Entry]:
    """The entries with rows, first and last key of their files.

    Raises:
        BuildFailed: A file is of another schema version, or has rows of another site.
        duckdb.Error: A file is damaged.
    """
    paths = {str(seen.paths[entry.key]): entry for entry in entries}
    if not paths:
        return []
    _refuse_other_versions(connection, list(paths), destination)
    time, has_site = table.time_column, "site_id" in table.columns and table.partition == "site_month"
    sql = _SPANS_OF_FILES.substitute(
        first=f'min("{time}")' if time else "null",
        last=f'max("{time}")' if time else "null",
        lowest_site="min(site_id)" if has_site else "null",
        highest_site="max(site_id)" if has_site else "null",
    )
    found = {path: measures for path, *measures in connection.execute(sql, [list(paths)]).fetchall()}
    for path, (_, _, _, lowest, highest) in found.items():
        strays = {lowest, highest} - {paths[path].site_id, None}
        if strays:
            raise BuildFailed(
                destination,
                f"lake file {path} has rows of site {strays.pop()}; delete it, then run `wattlog rebuild`",
            )
    return [
        replace(each, rows=measures[0], first_at=measures[1], last_at=measures[2])
        for path, each in paths.items()
        for measures in (found.get(path, (0, None, None)),)
    ]


def whole(table: Table, entries: Sequence[Entry]) -> TableChange:
    """Load all files of a table."""
    return TableChange(table, (), None, tuple(entries))


def change(table: Table, kept: Sequence[Entry], changed: Sequence[Entry], removed: Sequence[Entry]) -> TableChange:
    """What to do with a table that has `kept` and `removed`, so that it has `kept` and `changed`."""
    if not changed and not removed:
        return TableChange(table, tuple(kept), (), ())
    everything = whole(table, [*kept, *changed])
    if table.time_column is None:
        return everything
    stale = [span for span in _spans(kept, changed, removed) if span.is_stale]
    loaded = tuple(chain.from_iterable(span.entries for span in stale))
    loaded += tuple(entry for entry in changed if not entry.rows)
    keys = {entry.key for entry in loaded}
    untouched = tuple(entry for entry in kept if entry.key not in keys)
    out_of_order = sum(entry.rows for entry in chain(loaded, (entry for entry in untouched if entry.is_appended)))
    if out_of_order > DISORDER * sum(entry.rows for entry in everything.loaded):
        return everything
    return TableChange(table, untouched, tuple(stale), loaded)


def _spans(kept: Sequence[Entry], changed: Sequence[Entry], removed: Sequence[Entry]) -> Iterator[Span]:
    """The time spans of each site that files cover, or covered; no file reaches from one into another."""
    is_stale = {id(entry): True for entry in chain(changed, removed)}
    is_gone = {id(entry) for entry in removed}
    with_rows = [entry for entry in chain(kept, changed, removed) if entry.rows]
    by_site = sorted(with_rows, key=lambda entry: (entry.site_id, entry.first_at))
    for _, entries in groupby(by_site, key=lambda entry: entry.site_id):
        for together in _overlapping(entries):
            yield Span(
                together[0].site_id or 0,
                min(entry.first_at for entry in together if entry.first_at),
                max(entry.last_at for entry in together if entry.last_at),
                tuple(entry for entry in together if id(entry) not in is_gone),
                any(id(entry) in is_stale for entry in together),
            )


def _overlapping(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    """Entries in the order of their first key, grouped by overlap, direct or through others."""
    together: list[Entry] = []
    end: datetime | None = None
    for entry in entries:
        if end is not None and entry.first_at is not None and entry.first_at > end:
            yield together
            together, end = [], None
        together.append(entry)
        end = max(filter(None, (end, entry.last_at)))
    if together:
        yield together


def apply(connection: duckdb.DuckDBPyConnection, change: TableChange, seen: Survey, destination: Path) -> None:
    """Apply a change to its table.

    Rows of a file are unique and in the key's order (`conform`). So are those of many files whose spans do not overlap,
    in the order of time, so that neither sorting nor a check for repetitions is needed.

    Raises:
        DuplicateKey: Two files have the same row.
        duckdb.Error: A file is damaged.
    """
    if change.is_nothing:
        return
    names = _names(change.table)
    if change.stale is None:
        connection.execute(_DELETE_ALL.substitute(names))
    else:
        _note_stale(connection, change.stale)
        connection.execute(_DELETE.substitute(names))
    if not change.loaded:
        return
    is_apart, is_by_time = _are_apart(change), change.table.primary_key[1:2] == (change.table.time_column,)
    files = sorted(change.loaded, key=lambda entry: (entry.site_id or 0, entry.first_at is not None, entry.first_at))
    load = _LOAD if is_apart and is_by_time else _LOAD_SORTED
    connection.execute(load.substitute(names), [[str(seen.paths[entry.key]) for entry in files]])
    if not is_apart:
        repeated = _REPEATED if change.stale is None else _REPEATED_IN
        _refuse_rows(connection.execute(repeated.substitute(names)).fetchall(), change.table, destination)


def refuse_repeated(
    connection: duckdb.DuckDBPyConnection, table: Table, entries: Sequence[Entry], seen: Survey, destination: Path
) -> None:
    """Look for rows that two files of a table have, without loading them.

    Raises:
        DuplicateKey: There is one.
    """
    if entries and not _are_apart(whole(table, entries)):
        paths = [str(seen.paths[entry.key]) for entry in entries]
        repeated = connection.execute(_REPEATED_IN_FILES.substitute(_names(table)), [paths]).fetchall()
        _refuse_rows(repeated, table, destination)


def _are_apart(change: TableChange) -> bool:
    """Whether no two files that are loaded cover the same time of a site."""
    if change.table.time_column is None:
        return False
    spans = _spans((), change.loaded, ()) if change.stale is None else change.stale
    return all(len(span.entries) < 2 for span in spans)


def _refuse_rows(repeated: Sequence[tuple[object, ...]], table: Table, destination: Path) -> None:
    for row in repeated:
        named = zip(table.primary_key, row, strict=True)
        raise DuplicateKey(destination, table.name, ", ".join(f"{name} {value}" for name, value in named))


def _names(table: Table) -> dict[str, str]:
    time = table.time_column
    return {
        "table": f'"{table.name}"',
        "columns": _identifiers(table.columns),
        "key": _identifiers(table.primary_key),
        "time": f'"{time}"',
        "kind": str(table.field(time).type) if time else "",
    }


def _note_stale(connection: duckdb.DuckDBPyConnection, stale: Sequence[Span]) -> None:
    """Put the spans where SQL can join them."""
    connection.execute(_STALE)
    columns = zip(*((span.site_id, span.first_at, span.last_at) for span in stale), strict=True)
    connection.execute(_NOTE_STALE, [list(values) for values in columns] or [[], [], []])


def _refuse_other_versions(connection: duckdb.DuckDBPyConnection, paths: list[str], destination: Path) -> None:
    found = connection.execute(_OTHER_VERSIONS, [VERSION_KEY.decode(), paths, str(SCHEMA_VERSION)]).fetchall()
    if found:
        version, path = found[0]
        raise BuildFailed(
            destination,
            f"lake file {path} has schema version {version}, this wattlog writes {SCHEMA_VERSION}; run `wattlog rebuild`",
        )


def _identifiers(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
