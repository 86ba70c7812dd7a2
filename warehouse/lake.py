"""The lake: one Parquet file per table × site × month, replaced whole.

    ROOT/table=power/site_id=1001/month=2025-03/part.parquet      tables with partition `site_month`
    ROOT/table=sites/part.parquet                                 tables with partition `account`

The layout is hive's, so DuckDB, Spark or Trino read it as it is. The month is the one in which the asked window begins, so
that the chunk which asked owns the file, and workers never write the same one.
"""

import logging
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse import atomic
from warehouse.conform import by_key, conform, declared
from warehouse.errors import LakeFailed, Nonconforming
from warehouse.layout import layout_of
from warehouse.schema import SCHEMA_VERSION, Table

logger = logging.getLogger(__name__)

FILE_NAME = "part.parquet"
LOCAL_DATE = "local_date"
DIGEST_KEY = b"wattlog.digest"
VERSION_KEY = b"wattlog.schema_version"

COMPRESSION = "snappy"
"""A month's file is dozens of small columns, each packed by itself: zstd takes twice as long to open them and saves 5 % in
all, nothing on tables of a row a day."""

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_DAMAGED = "is not readable Parquet; delete it, then run `wattlog rebuild`"


@dataclass(frozen=True, slots=True)
class Written:
    """A file that now stands in the lake.

    Attributes:
        path: Where.
        rows: Rows in it; 0 is a file, too: it remembers that its source held none.
        bytes: Its size.
    """

    path: Path
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One file of a table; `site_id` and `month` are None for account tables."""

    site_id: int | None
    month: str | None
    path: Path


class Lake:
    """The Parquet files below one directory.

    Args:
        root: The lake's directory; made when the first file is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, table: Table | str, site_id: int | None = None, month: str | None = None) -> Path:
        """Where a partition's file stands, whether or not it does yet.

        Raises:
            Nonconforming: Site and month do not fit the table's partitioning, or the month is not YYYY-MM.
        """
        table = declared(table)
        directory = self.root / f"table={table.name}"
        if table.partition == "account":
            if site_id is not None or month is not None:
                raise Nonconforming(table.name, "is one file for the whole account: it takes no site and no month")
            return directory / FILE_NAME
        if site_id is None or month is None or not _MONTH.fullmatch(month):
            raise Nonconforming(table.name, f"needs a site and a month as YYYY-MM, not {site_id} and {month}")
        return directory / f"site_id={site_id}" / f"month={month}" / FILE_NAME

    def write(
        self,
        table: Table | str,
        frame: pd.DataFrame,
        *,
        site_id: int | None = None,
        month: str | None = None,
        digest: str,
    ) -> Written:
        """Replace one partition by `frame`, atomically.

        An empty frame is written as a file without rows: its digest says that the source was looked at and held nothing.
        The same frame and digest give the same bytes.

        Args:
            table: The declaration, or its name.
            frame: Exactly the table's columns (`conform`).
            site_id: The site, for tables partitioned by site and month.
            month: The month in which the asked window begins, YYYY-MM.
            digest: What the content was made from; `digest_of` gives it back.

        Raises:
            Nonconforming: The frame breaks the schema, or holds another site's rows.
            LakeFailed: The disk is full or the place cannot be written; the old file stands.
        """
        table = declared(table)
        return self._put(table, conform(frame, table), self.path(table, site_id, month), site_id, digest)

    def amend(
        self,
        table: Table | str,
        frame: pd.DataFrame,
        *,
        site_id: int | None = None,
        month: str | None = None,
        digest: str,
    ) -> Written | None:
        """Replace the rows of one partition and keep its digest; None where it holds just these rows already.

        Args:
            table: The declaration, or its name.
            frame: Exactly the table's columns (`conform`).
            site_id: The site, for tables partitioned by site and month.
            month: The month in which the asked window begins, YYYY-MM.
            digest: What the content was made from where there is no file yet.

        Raises:
            Nonconforming: The frame breaks the schema, or holds another site's rows.
            LakeFailed: The file that stands there is damaged, or the new one cannot be written.
        """
        table = declared(table)
        path = self.path(table, site_id, month)
        content = conform(frame, table)
        if path.is_file():
            if content.equals(_read(path, table)):
                return None
            digest = self.digest_of(table, site_id, month) or digest
        return self._put(table, content, path, site_id, digest)

    def _put(self, table: Table, content: pa.Table, path: Path, site_id: int | None, digest: str) -> Written:
        _refuse_other_sites(content, table, site_id)
        stamp = {DIGEST_KEY: digest.encode(), VERSION_KEY: str(SCHEMA_VERSION).encode()}
        content = content.replace_schema_metadata({**content.schema.metadata, **stamp})
        try:
            _make_clean(path.parent)
            with atomic.replacing(path) as temporary:
                pq.write_table(content, temporary, compression=COMPRESSION)
                size = temporary.stat().st_size
        except OSError as error:
            raise LakeFailed(path, atomic.reason(error)) from error
        logger.debug("lake_written path=%s rows=%d bytes=%d", path, content.num_rows, size)
        return Written(path, content.num_rows, size)

    def digest_of(self, table: Table | str, site_id: int | None = None, month: str | None = None) -> str | None:
        """What a partition was made from; None where it must be made (again).

        None stands for: no file, not readable, written under another schema version or with other columns.
        """
        table = declared(table)
        try:
            schema = pq.read_schema(self.path(table, site_id, month))
        except (OSError, pa.ArrowException):
            return None
        metadata = schema.metadata or {}
        if metadata.get(VERSION_KEY) != str(SCHEMA_VERSION).encode() or not schema.equals(layout_of(table).schema):
            return None
        digest = metadata.get(DIGEST_KEY)
        return None if digest is None else str(digest, "utf-8")

    def partitions(self, table: Table | str, *, site_id: int | None = None) -> list[Partition]:
        """The files of a table, ordered by site and month; temporary and foreign files are none of them.

        Args:
            table: The declaration, or its name.
            site_id: Look at one site's directory alone; a fleet has tens of thousands of others.
        """
        table = declared(table)
        directory = self.root / f"table={table.name}"
        if table.partition == "account":
            path = directory / FILE_NAME
            return [Partition(None, None, path)] if path.is_file() else []
        return sorted(_site_months(directory, "*" if site_id is None else str(site_id)))

    def read(
        self,
        table: Table | str,
        *,
        site_id: int | None = None,
        months: Iterable[str] | None = None,
        without: Iterable[str] = (),
        reaching: date | None = None,
    ) -> pd.DataFrame:
        """The rows of a table, or of one site and some months of it.

        **Shape**: the table's columns with the schema's dtypes (`Table.dtypes`), sorted by key; no rows where no file is.

        Args:
            table: The declaration, or its name.
            site_id: One site alone.
            months: These months alone.
            without: Columns that nobody will look at, none of the key: text is most of what reading costs.
            reaching: Leave out files all of whose rows lie on a local day before this one; they say so themselves.

        Raises:
            LakeFailed: A file is damaged or of another schema.
        """
        table = declared(table)
        left_out = frozenset(without)
        columns = [name for name in table.columns if name not in left_out]
        chosen = self._chosen(table, site_id, None if months is None else sorted(set(months)))
        parts = [
            _read(each.path, table, columns) for each in chosen if reaching is None or _reaches(each.path, reaching)
        ]
        if not parts:
            nothing = _nothing(table.name)
            return (nothing[columns] if left_out else nothing).copy(deep=False)
        content = pa.concat_tables(parts) if len(parts) > 1 else parts[0]
        if site_id is not None and table.partition == "account" and "site_id" in table.columns:
            content = content.filter(pc.equal(content["site_id"], site_id))
        return _frame(by_key(content, table), table)

    def _chosen(self, table: Table, site_id: int | None, months: list[str] | None) -> list[Partition]:
        """Some files of a table: named, where site and months are, rather than looked for among all."""
        if months is None or site_id is None or table.partition == "account":
            held = self.partitions(table, site_id=site_id)
            return held if months is None else [each for each in held if each.month in months]
        named = (Partition(site_id, month, self.path(table, site_id, month)) for month in months)
        return [each for each in named if each.path.is_file()]

    def read_partition(self, part: Partition, table: Table | str) -> pd.DataFrame:
        """The rows of one file, as `read` gives them.

        Raises:
            LakeFailed: The file is damaged or of another schema.
        """
        return _frame(_read(part.path, declared(table)), declared(table))

    def replace_by(self, other: "Lake") -> None:
        """Put another lake, on the same disk, in the place of this one; all of this one's files are gone afterwards.

        Raises:
            LakeFailed: The directories cannot be renamed.
        """
        old = self.root.with_name(f".{self.root.name}.replaced")
        shutil.rmtree(old, ignore_errors=True)
        try:
            other.root.mkdir(parents=True, exist_ok=True)
            if self.root.exists():
                self.root.rename(old)
            other.root.rename(self.root)
        except OSError as error:
            raise LakeFailed(self.root, atomic.reason(error)) from error
        shutil.rmtree(old, ignore_errors=True)

    def discard_stale(self, table: Table | str) -> int:
        """Remove the files of a table that must be made again, where no step comes by to replace them.

        They are of another schema version, or damaged; `digest_of` knows nothing of them.

        Returns:
            How many were removed.

        Raises:
            LakeFailed: A file cannot be removed.
        """
        table = declared(table)
        stale = [
            each.path for each in self.partitions(table) if self.digest_of(table, each.site_id, each.month) is None
        ]
        for path in stale:
            try:
                path.unlink()
            except OSError as error:
                raise LakeFailed(path, atomic.reason(error)) from error
            logger.info("lake_file_discarded path=%s", path)
        return len(stale)

    def sweep(self) -> int:
        """Remove the temporary files that killed processes left anywhere in the lake; returns how many."""
        return atomic.sweep(self.root, name=FILE_NAME, recursive=True)


def _make_clean(directory: Path) -> None:
    """Make a directory, or remove from it what killed writers left there."""
    try:
        directory.mkdir(parents=True)
    except FileExistsError:
        atomic.sweep(directory, name=FILE_NAME)


@lru_cache
def _nothing(name: str) -> pd.DataFrame:
    """A table without rows, made once: most months of most sites have no outage, no charge, no revision."""
    table = declared(name)
    return _frame(layout_of(table).schema.empty_table(), table)


def _frame(content: pa.Table, table: Table) -> pd.DataFrame:
    """Rows with the declared types, column by column; pandas' own way with a whole table takes several times as long."""
    dtypes = layout_of(table).dtypes
    columns = {name: _values(content[name], dtypes[name]) for name in content.column_names}
    return pd.DataFrame(columns, index=pd.RangeIndex(content.num_rows))


def _values(column: pa.ChunkedArray, dtype: Any) -> Any:
    if isinstance(dtype, np.dtype):
        return column.to_numpy()
    if isinstance(dtype, pd.ArrowDtype):
        return pd.arrays.ArrowExtensionArray(column)
    return dtype.__from_arrow__(column)


def _refuse_other_sites(content: pa.Table, table: Table, site_id: int | None) -> None:
    if site_id is None or "site_id" not in table.columns or content.num_rows == 0:
        return
    others = pc.unique(content["site_id"].filter(pc.not_equal(content["site_id"], site_id)))
    if len(others):
        raise Nonconforming(table.name, f"rows of site {others[0].as_py()} cannot stand in the file of site {site_id}")


def _site_months(directory: Path, sites: str) -> Iterator[Partition]:
    for path in directory.glob(f"site_id={sites}/month=*/{FILE_NAME}"):
        site = path.parent.parent.name.removeprefix("site_id=")
        month = path.parent.name.removeprefix("month=")
        if site.isdecimal() and _MONTH.fullmatch(month):
            yield Partition(int(site), month, path)


def _reaches(path: Path, day: date) -> bool:
    """Whether a file may hold rows of a local day or later, by what its footer says."""
    try:
        metadata = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return True  # reading it says what is wrong
    column = metadata.schema.to_arrow_schema().get_field_index(LOCAL_DATE)
    told = [metadata.row_group(number).column(column).statistics for number in range(metadata.num_row_groups)]
    return any(each is None or not each.has_min_max or each.max >= day for each in told)


def _read(path: Path, table: Table, columns: list[str] | None = None) -> pa.Table:
    # ParquetFile, not read_table: that one would add the directories' site_id and month as columns.
    expected = layout_of(table).schema
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(expected):
                raise LakeFailed(path, "has columns of another schema version; run `wattlog rebuild`")
            content = file.read(columns=columns, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise LakeFailed(path, _DAMAGED) from error
    return content.replace_schema_metadata(None)
