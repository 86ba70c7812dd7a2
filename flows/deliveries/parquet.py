"""Parquet: files in a directory or an object store that follow the warehouse: `RELATION/site=1001/month=2025-03/part.parquet`.

Only files whose rows changed are written, each as a whole. Rows are divided by the month of their local day, else of their
instant in UTC; rows of a relation without either are one file a site, `month=all`.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Final, Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from flows.deliveries.target import Part, Target, digest_of
from flows.errors import UsageError
from flows.object_store.store import Store
from flows.store_address import StoreAddress, store_address
from warehouse.export.relations import relation_named, relations_of
from warehouse.export.row_filter import day_column, instant_column
from wattlog import durable

ALL: Final = "all"
_ROWS: Final = 50_000
_MONTH: Final = Template(f"coalesce(strftime($value, '%Y-%m'), '{ALL}')")
_OF_MONTHS: Final = Template("""
select $month as month_of_part, *
from ($query)
where site_id = $$site and ($$months is null or list_contains($$months, month_of_part))
order by all
""")


class Place(Protocol):
    """Where files are."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file as a whole."""

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""

    def has(self, path: str) -> bool:
        """Whether a file is there."""


class Directory:
    """A directory of this machine; it is made when a file is written.

    Args:
        root: The directory.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, path: str, content: bytes) -> None:
        """See `Place`."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with durable.replacing(target, is_private=False) as temporary:
            temporary.write_bytes(content)

    def remove(self, path: str) -> None:
        """See `Place`."""
        target = self._root / path
        target.unlink(missing_ok=True)
        for folder in (target.parent, target.parent.parent):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def has(self, path: str) -> bool:
        """See `Place`."""
        return (self._root / path).is_file()


class Bucket:
    """A prefix of an object store.

    Args:
        address: Its address.
    """

    def __init__(self, address: StoreAddress) -> None:
        self._store = Store.connect(address)
        self._names: set[str] | None = None

    def write(self, path: str, content: bytes) -> None:
        """See `Place`."""
        with TemporaryDirectory(prefix="wattlog-") as folder:
            file = Path(folder) / "part.parquet"
            file.write_bytes(content)
            self._store.upload(path, file, hashlib.sha256(content).hexdigest())

    def remove(self, path: str) -> None:
        """See `Place`."""
        self._store.delete([path])

    def has(self, path: str) -> bool:
        """See `Place`; the store is listed once."""
        if self._names is None:
            self._names = {found.path for found in self._store.list("")}
        return path in self._names


def place_of(to: str) -> Place:
    """The place of an address.

    Raises:
        UsageError: It is an address, but none of a store.
    """
    address = store_address(to)
    return Directory(Path(to)) if address is None else Bucket(address)


class ParquetTarget(Target):
    """One relation in a place.

    Args:
        place: The place.
        to: Its address.
        relation: A table, or a model such as `analytics.daily`.
        name: The name of the target.
    """

    def __init__(self, place: Place, to: str, relation: str, name: str) -> None:
        self.key = f"parquet {to.rstrip('/')} {relation}"
        self.name = f"{name}: {relation}"
        self._place, self._relation = place, relation

    def parts(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> Sequence[Part]:
        """See `Target`."""
        return [
            Part(site_id, month, digest_of(_file(rows)), rows.num_rows)
            for month, rows in self._months(connection, site_id, None)
        ]

    def send(self, connection: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> Iterator[Part]:
        """See `Target`."""
        by_month = {part.month: part for part in parts}
        for month, rows in self._months(connection, parts[0].site_id, sorted(by_month)):
            self._place.write(self._path(parts[0].site_id, month), _file(rows))
            yield by_month[month]

    def withdraw(self, site_id: int, months: Sequence[str]) -> bool:
        """See `Target`."""
        for month in months:
            self._place.remove(self._path(site_id, month))
        return False

    def is_absent(self, part: Part) -> bool:
        """See `Target`."""
        return not self._place.has(self._path(part.site_id, part.month))

    def _path(self, site_id: int, month: str) -> str:
        return f"{self._relation}/site={site_id}/month={month}/part.parquet"

    def _months(
        self, connection: duckdb.DuckDBPyConnection, site_id: int, months: Sequence[str] | None
    ) -> Iterator[tuple[str, pa.Table]]:
        """The rows of each month, ascending; one month is in memory at a time."""
        query = self._query(connection)
        columns = connection.sql(query).limit(0).to_arrow_table().schema
        if "site_id" not in columns.names:
            raise UsageError(f"{self._relation} has no site_id: it cannot be delivered by site")
        statement = _OF_MONTHS.substitute(month=_month(columns), query=query)
        found = connection.sql(statement, params={"site": site_id, "months": months})
        yield from _by_month(found.to_arrow_reader(_ROWS))

    def _query(self, connection: duckdb.DuckDBPyConnection) -> str:
        """All rows of the relation, in SQL.

        Raises:
            UsageError: There is no such relation.
        """
        present = relations_of(connection)
        found = relation_named(present, self._relation)
        if found is None:
            known = ", ".join(map(str, present))
            raise UsageError(f"the warehouse has no table or model {self._relation}; it has {known}")
        return found.query


def _month(columns: pa.Schema) -> str:
    """The month of a row, in SQL."""
    day, instant = day_column(columns), instant_column(columns)
    if day is not None:
        return _MONTH.substitute(value=f'"{day}"')
    return f"'{ALL}'" if instant is None else _MONTH.substitute(value=f"(\"{instant}\" at time zone 'UTC')")


def _by_month(reader: pa.RecordBatchReader) -> Iterator[tuple[str, pa.Table]]:
    month, waiting = "", list[pa.RecordBatch]()
    for batch in reader:
        names = batch.column(0)
        rest = batch.drop_columns(["month_of_part"])
        begin = 0
        while begin < batch.num_rows:
            current = names[begin].as_py()
            end = begin
            while end < batch.num_rows and names[end].as_py() == current:
                end += 1
            if waiting and current != month:
                yield month, pa.Table.from_batches(waiting)
                waiting = []
            month = current
            waiting.append(rest.slice(begin, end - begin))
            begin = end
    if waiting:
        yield month, pa.Table.from_batches(waiting)


def _file(rows: pa.Table) -> bytes:
    """The bytes of a file: the same for the same rows, until pyarrow writes files otherwise."""
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd")
    return sink.getvalue()
