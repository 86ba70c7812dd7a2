"""From lake files into the warehouse's tables: all of a table, or the stretches of it that changed.

Tables have no column that says which file a row came from. What a file held is told by its site and the stretch of time
that its rows' keys cover; files whose stretches overlap are loaded together, so that each stretch belongs to them alone.
A table whose key has no site and time (`requests`, `quarantine`) is loaded whole when any of its files changed; so is one
of which so much would stand out of order that scans could no longer skip what they don't need.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, groupby
from pathlib import Path
from string import Template

import duckdb

from warehouse.errors import BuildFailed, DuplicateKey
from warehouse.lake import VERSION_KEY
from warehouse.manifest import Entry, Survey
from warehouse.schema import SCHEMA_VERSION, Kind, Table

DISORDER = 0.25
"""The share of a table's rows that may stand behind the ordered ones; up to it, measured queries take no longer."""

_LOAD = Template("insert into main.$table by name select $columns from read_parquet(?, hive_partitioning = false)")
_LOAD_SORTED = Template(f"{_LOAD.template} order by $key")
_REPEATED = Template("select $key from main.$table group by all having count(*) > 1 order by all limit 1")
_REPEATED_IN_FILES = Template("""
select $key from read_parquet(?, hive_partitioning = false) group by all having count(*) > 1 order by all limit 1
""")
_REPEATED_IN = Template("""
select $key from main.$table as held
semi join temp.stale
on held.site_id = stale.site_id and held.$time between stale.first_at::$kind and stale.last_at::$kind
group by all having count(*) > 1 order by all limit 1
""")
_DELETE = Template("""
delete from main.$table as held using temp.stale
where held.site_id = stale.site_id and held.$time between stale.first_at::$kind and stale.last_at::$kind
""")
_DELETE_ALL = Template("delete from main.$table")
_EXTENTS = Template("""
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
class Stretch:
    """A stretch of a site's time that some files cover and no other does.

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
    """What has to be done to one table.

    Attributes:
        table: The table.
        kept: Files whose rows stay where they are.
        stale: Stretches that are deleted and loaded again; None where the whole table is.
        loaded: Files that are loaded.
    """

    table: Table
    kept: tuple[Entry, ...]
    stale: tuple[Stretch, ...] | None
    loaded: tuple[Entry, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether the table holds what it should already."""
        return self.stale == () and not self.loaded

    @property
    def entries(self) -> Iterator[Entry]:
        """The table's manifest when it is done."""
        yield from self.kept
        for each in self.loaded:
            yield replace(each, is_appended=self.stale is not None)


def time_column(table: Table) -> str | None:
    """The instant or date of a table's key; None where the key has none, or is not of a site."""
    if table.partition != "site_month" or table.primary_key[0] != "site_id":
        return None
    kinds = {name: table.field(name).type for name in table.primary_key}
    return next((name for name, kind in kinds.items() if kind in (Kind.TIMESTAMPTZ, Kind.DATE)), None)


def measured(
    connection: duckdb.DuckDBPyConnection, table: Table, entries: Collection[Entry], seen: Survey, destination: Path
) -> list[Entry]:
    """The entries with what their files hold: rows, first and last key.

    Raises:
        BuildFailed: A file is of another schema version, or holds rows of another site.
        duckdb.Error: A file is damaged.
    """
    paths = {str(seen.paths[each.key]): each for each in entries}
    if not paths:
        return []
    _refuse_other_versions(connection, list(paths), destination)
    time, has_site = time_column(table), "site_id" in table.columns and table.partition == "site_month"
    sql = _EXTENTS.substitute(
        first=f'min("{time}")' if time else "null",
        last=f'max("{time}")' if time else "null",
        lowest_site="min(site_id)" if has_site else "null",
        highest_site="max(site_id)" if has_site else "null",
    )
    found = {path: extent for path, *extent in connection.execute(sql, [list(paths)]).fetchall()}
    for path, (_, _, _, lowest, highest) in found.items():
        strays = {lowest, highest} - {paths[path].site_id, None}
        if strays:
            raise BuildFailed(
                destination,
                f"lake file {path} holds rows of site {strays.pop()}; delete it, then run `wattlog rebuild`",
            )
    return [
        replace(each, rows=extent[0], first_at=extent[1], last_at=extent[2])
        for path, each in paths.items()
        for extent in (found.get(path, (0, None, None)),)
    ]


def whole(table: Table, entries: Sequence[Entry]) -> TableChange:
    """Load all files of a table."""
    return TableChange(table, (), None, tuple(entries))


def change(table: Table, kept: Sequence[Entry], changed: Sequence[Entry], removed: Sequence[Entry]) -> TableChange:
    """What to do to a table that holds `kept` and `removed`, so that it holds `kept` and `changed`."""
    if not changed and not removed:
        return TableChange(table, tuple(kept), (), ())
    everything = whole(table, [*kept, *changed])
    if time_column(table) is None:
        return everything
    stale = [each for each in _stretches(kept, changed, removed) if each.is_stale]
    loaded = tuple(chain.from_iterable(each.entries for each in stale))
    loaded += tuple(each for each in changed if not each.rows)
    keys = {each.key for each in loaded}
    untouched = tuple(each for each in kept if each.key not in keys)
    out_of_order = sum(each.rows for each in chain(loaded, (each for each in untouched if each.is_appended)))
    if out_of_order > DISORDER * sum(each.rows for each in everything.loaded):
        return everything
    return TableChange(table, untouched, tuple(stale), loaded)


def _stretches(kept: Sequence[Entry], changed: Sequence[Entry], removed: Sequence[Entry]) -> Iterator[Stretch]:
    """The time of each site that files cover, or covered, cut where no file reaches across."""
    is_stale = {id(each): True for each in chain(changed, removed)}
    is_gone = {id(each) for each in removed}
    with_rows = [each for each in chain(kept, changed, removed) if each.rows]
    by_site = sorted(with_rows, key=lambda each: (each.site_id, each.first_at))
    for _, entries in groupby(by_site, key=lambda each: each.site_id):
        for together in _overlapping(entries):
            yield Stretch(
                together[0].site_id or 0,
                min(each.first_at for each in together if each.first_at),
                max(each.last_at for each in together if each.last_at),
                tuple(each for each in together if id(each) not in is_gone),
                any(id(each) in is_stale for each in together),
            )


def _overlapping(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    """Entries in the order of their first key, those together that overlap, if only through others."""
    together: list[Entry] = []
    end: datetime | None = None
    for each in entries:
        if end is not None and each.first_at is not None and each.first_at > end:
            yield together
            together, end = [], None
        together.append(each)
        end = max(filter(None, (end, each.last_at)))
    if together:
        yield together


def apply(connection: duckdb.DuckDBPyConnection, change: TableChange, seen: Survey, destination: Path) -> None:
    """Delete and load what a change says.

    Rows of a file are unique and in the key's order (`conform`). So are those of many files whose stretches do not overlap,
    taken in the order of time, and neither sorting nor looking for repetitions is needed.

    Raises:
        DuplicateKey: Two files hold the same row.
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
    is_apart, is_by_time = _are_apart(change), change.table.primary_key[1:2] == (time_column(change.table),)
    files = sorted(change.loaded, key=lambda each: (each.site_id or 0, each.first_at is not None, each.first_at))
    load = _LOAD if is_apart and is_by_time else _LOAD_SORTED
    connection.execute(load.substitute(names), [[str(seen.paths[each.key]) for each in files]])
    if not is_apart:
        repeated = _REPEATED if change.stale is None else _REPEATED_IN
        _refuse_rows(connection.execute(repeated.substitute(names)).fetchall(), change.table, destination)


def refuse_repeated(
    connection: duckdb.DuckDBPyConnection, table: Table, entries: Sequence[Entry], seen: Survey, destination: Path
) -> None:
    """Look for rows that two files of a table hold, without loading them.

    Raises:
        DuplicateKey: There is one.
    """
    if entries and not _are_apart(whole(table, entries)):
        paths = [str(seen.paths[each.key]) for each in entries]
        repeated = connection.execute(_REPEATED_IN_FILES.substitute(_names(table)), [paths]).fetchall()
        _refuse_rows(repeated, table, destination)


def _are_apart(change: TableChange) -> bool:
    """Whether no two files that are loaded cover the same time of a site."""
    if time_column(change.table) is None:
        return False
    stretches = _stretches((), change.loaded, ()) if change.stale is None else change.stale
    return all(len(each.entries) < 2 for each in stretches)


def _refuse_rows(repeated: Sequence[tuple[object, ...]], table: Table, destination: Path) -> None:
    for row in repeated:
        named = zip(table.primary_key, row, strict=True)
        raise DuplicateKey(destination, table.name, ", ".join(f"{name} {value}" for name, value in named))


def _names(table: Table) -> dict[str, str]:
    time = time_column(table)
    return {
        "table": f'"{table.name}"',
        "columns": _identifiers(table.columns),
        "key": _identifiers(table.primary_key),
        "time": f'"{time}"',
        "kind": str(table.field(time).type) if time else "",
    }


def _note_stale(connection: duckdb.DuckDBPyConnection, stale: Sequence[Stretch]) -> None:
    """Put the stretches where SQL can join them."""
    connection.execute(_STALE)
    columns = zip(*((each.site_id, each.first_at, each.last_at) for each in stale), strict=True)
    connection.execute(_NOTE_STALE, [list(each) for each in columns] or [[], [], []])


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
