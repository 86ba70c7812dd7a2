"""Whether the lake conforms to the schema, and the warehouse has exactly the rows of the lake.

All rows are compared: every file passes `conform` again, and every table has one checksum on each side, which does not
depend on the order of rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

import duckdb

from warehouse.build import lake_place
from warehouse.connection import THREADS, brief
from warehouse.connection import connect as connect_duckdb
from warehouse.errors import LakeFailed, Nonconforming, QueryFailed
from warehouse.lake.conform import conform
from warehouse.lake.lake import Lake
from warehouse.schema import TABLES, Table

_CHECKSUM = Template("select count(*), coalesce(sum(hash($columns)::hugeint), 0)::varchar from $relation")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A file or table that is wrong.

    Attributes:
        where: File or table.
        what: What is wrong with it.
    """

    where: str
    what: str


def verify_lake(lake: Lake) -> Iterator[Mismatch]:
    """Read every file of the lake and compare it with the schema."""
    for table in TABLES.values():
        for part in lake.partitions(table):
            where = str(part.path.relative_to(lake.root))
            if lake.digest_of(table, part.site_id, part.period) is None:
                yield Mismatch(where, "was written under another schema version, or is damaged; run `wattlog rebuild`")
                continue
            try:
                rows = lake.read_partition(part, table)
                conform(rows, table)
            except (LakeFailed, Nonconforming) as error:
                yield Mismatch(where, str(error))
                continue
            if part.site_id is not None and "site_id" in rows and (rows["site_id"] != part.site_id).any():
                yield Mismatch(where, "has rows of another site; run `wattlog rebuild`")


def verify_warehouse(lake: Lake, warehouse: Path) -> Iterator[Mismatch]:
    """Compare each table of the published warehouse with its files in the lake, row for row by a checksum.

    Raises:
        QueryFailed: One of the two cannot be read.
    """
    try:
        with connect_duckdb(warehouse, read_only=True, threads=THREADS) as connection:
            lake_place.locate(connection, warehouse)
            for table in TABLES.values():
                published, stored = _published(connection, table), _stored(connection, lake, table)
                if published != stored:
                    yield Mismatch(table.name, _difference(published, stored))
    except duckdb.Error as error:
        raise QueryFailed(f"warehouse and lake cannot be compared: {brief(error)}") from error


Checksum = tuple[int, str]


def _published(connection: duckdb.DuckDBPyConnection, table: Table) -> Checksum:
    return _checksum(connection, table, f'main."{table.name}"', [])


def _stored(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> Checksum:
    paths = [str(part.path) for part in lake.partitions(table)]
    if not paths:
        return 0, "0"
    return _checksum(connection, table, "read_parquet(?, hive_partitioning = false)", [paths])


def _checksum(connection: duckdb.DuckDBPyConnection, table: Table, relation: str, values: list[list[str]]) -> Checksum:
    columns = ", ".join(f'"{name}"' for name in table.columns)
    found = connection.execute(_CHECKSUM.substitute(columns=columns, relation=relation), values).fetchall()
    return int(found[0][0]), str(found[0][1])


def _difference(published: Checksum, stored: Checksum) -> str:
    if published[0] != stored[0]:
        return f"has {published[0]:,} rows in the warehouse and {stored[0]:,} in the lake; run `wattlog rebuild`"
    return "has other values in the warehouse than in the lake; run `wattlog rebuild`"
