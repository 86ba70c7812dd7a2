"""The lake: one Parquet file for each table, site, and period, replaced as a whole.

    ROOT/table=power/site_id=1001/month=2025-03/part.parquet      tables with partition `site_month`, a month of an open year
    ROOT/table=power/site_id=1001/month=2024/part.parquet         the same, a closed year
    ROOT/table=sites/part.parquet                                 tables with partition `account`

The layout is that of Hive, so DuckDB, Spark or Trino read it as it is. The period is the one in which the requested window
begins, so that a file has one owner, and workers never write the same one. The file of a closed year replaces those of its
months: where both exist, because a process was killed between the two steps, only the year's file is used.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import LakeFailed, Nonconforming
from warehouse.lake.conform import by_key, conform, declared
from warehouse.lake.frames import empty_frame, to_frame
from warehouse.lake.parquet_file import Where, column_span, file_content, read_digest, read_rows
from warehouse.schema import Table
from wattlog import durable
from wattlog.lake_periods import is_period, is_year, superseded_by, year_of

logger = logging.getLogger(__name__)

FILE_NAME = "part.parquet"


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written to the lake.

    Attributes:
        path: Where.
        rows: Rows in it; a file without rows records that its source had none.
        bytes: Its size.
    """

    path: Path
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One file of a table; `site_id` and `period` are None for account tables."""

    site_id: int | None
    period: str | None
    path: Path


class Lake:
    """The Parquet files below one directory.

    Args:
        root: The lake's directory; made when the first file is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, table: Table | str, site_id: int | None = None, period: str | None = None) -> Path:
        """The place of a partition's file, whether or not it is there.

        Raises:
            Nonconforming: Site and period do not fit the table's partitioning, or the period is neither YYYY-MM nor YYYY.
        """
        table = declared(table)
        directory = self.root / f"table={table.name}"
        if table.partition == "account":
            if site_id is not None or period is not None:
                raise Nonconforming(table.name, "is one file for the whole account: it takes no site and no period")
            return directory / FILE_NAME
        if site_id is None or period is None or not is_period(period):
            reason = f"needs a site and a period as YYYY-MM or YYYY, not {site_id} and {period}"
            raise Nonconforming(table.name, reason)
        return directory / f"site_id={site_id}" / f"month={period}" / FILE_NAME

    def write(
        self,
        table: Table | str,
        frame: pd.DataFrame,
        *,
        site_id: int | None = None,
        period: str | None = None,
        digest: str,
    ) -> Written:
        """Replace one partition by `frame`, atomically.

        An empty frame is written as a file without rows: its digest records that the source was read and had no rows.
        The same frame and digest give the same bytes.

        Args:
            table: The declaration, or its name.
            frame: Exactly the table's columns (`conform`).
            site_id: The site, for tables partitioned by site and period.
            period: The month (YYYY-MM) or closed year (YYYY) in which the requested window begins.
            digest: A digest of the content's source; `digest_of` returns it.

        Raises:
            Nonconforming: The frame breaks the schema, or has another site's rows.
            LakeFailed: The disk is full or the place cannot be written; the old file is unchanged.
        """
        table = declared(table)
        return self._put(table, conform(frame, table), self.path(table, site_id, period), site_id, digest)

    def amend(
        self,
        table: Table | str,
        frame: pd.DataFrame,
        *,
        site_id: int | None = None,
        period: str | None = None,
        digest: str,
    ) -> Written | None:
        """Replace the rows of one partition and keep its digest; None where it has exactly these rows already.

        Args:
            table: The declaration, or its name.
            frame: Exactly the table's columns (`conform`).
            site_id: The site, for tables partitioned by site and period.
            period: The month (YYYY-MM) or closed year (YYYY) in which the requested window begins.
            digest: A digest of the content's source, where there is no file yet.

        Raises:
            Nonconforming: The frame breaks the schema, or has another site's rows.
            LakeFailed: The present file is damaged, or the new one cannot be written.
        """
        table = declared(table)
        path = self.path(table, site_id, period)
        content = conform(frame, table)
        if path.is_file():
            if content.equals(read_rows(path, table)):
                return None
            digest = self.digest_of(table, site_id, period) or digest
        return self._put(table, content, path, site_id, digest)

    def _put(self, table: Table, content: pa.Table, path: Path, site_id: int | None, digest: str) -> Written:
        _refuse_other_sites(content, table, site_id)
        data = file_content(content, digest, table)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            durable.replace(path, data)
        except OSError as error:
            raise LakeFailed(path, durable.reason(error)) from error
        logger.debug("lake_written path=%s rows=%d bytes=%d", path, content.num_rows, len(data))
        return Written(path, content.num_rows, len(data))

    def digest_of(self, table: Table | str, site_id: int | None = None, period: str | None = None) -> str | None:
        """The digest of a partition's source; None where the partition must be made (again).

        None means: no file, damaged, written under another schema version or with other columns.
        """
        table = declared(table)
        return read_digest(self.path(table, site_id, period), table)

    def partitions(self, table: Table | str, *, site_id: int | None = None) -> list[Partition]:
        """The files of a table, ordered by site and period; without temporary, foreign, and superseded files.

        Args:
            table: The declaration, or its name.
            site_id: Read one site's directory only; a fleet has tens of thousands of others.
        """
        table = declared(table)
        directory = self.root / f"table={table.name}"
        if table.partition == "account":
            path = directory / FILE_NAME
            return [Partition(None, None, path)] if path.is_file() else []
        return sorted(_in_force(_site_periods(directory, "*" if site_id is None else str(site_id))))

    def read(
        self,
        table: Table | str,
        *,
        site_id: int | None = None,
        periods: Iterable[str] | None = None,
        without: Iterable[str] = (),
        reaching: date | None = None,
        where: Where | None = None,
    ) -> pd.DataFrame:
        """The rows of a table, or of one site and some periods of it.

        **Shape**: the table's columns with the schema's dtypes (`Table.dtypes`), sorted by key; no rows where no file is.

        Args:
            table: The declaration, or its name.
            site_id: One site alone.
            periods: These periods alone; of a month whose year is closed the whole year.
            without: Columns that are not needed, none of the key: text takes most of the time of reading.
            reaching: Leave out the row groups all of whose rows are of a local day before this one, by the files' footers.
            where: Leave out rows with other texts in these columns.

        Raises:
            LakeFailed: A file is damaged or of another schema.
        """
        table = declared(table)
        left_out = frozenset(without)
        columns = [name for name in table.columns if name not in left_out]
        chosen = self._chosen(table, site_id, None if periods is None else sorted(set(periods)))
        parts = [read_rows(part.path, table, columns, reaching=reaching, where=where) for part in chosen]
        if not parts:
            nothing = empty_frame(table)
            return (nothing[columns] if left_out else nothing).copy(deep=False)
        content = pa.concat_tables(parts) if len(parts) > 1 else parts[0]
        if site_id is not None and table.partition == "account" and "site_id" in table.columns:
            content = content.filter(pc.equal(content["site_id"], site_id))
        return to_frame(by_key(content, table), table)

    def _chosen(self, table: Table, site_id: int | None, periods: list[str] | None) -> list[Partition]:
        """Some files of a table: those of a site and some periods by their names, without a search among all."""
        if periods is None:
            return self.partitions(table, site_id=site_id)
        names = sorted({name for period in periods for name in (year_of(period), period)})
        if site_id is None or table.partition == "account":
            return [part for part in self.partitions(table, site_id=site_id) if part.period in names]
        found: list[Partition] = []
        years = set[str]()
        for name in names:  # a year before its months, which are not looked for where it has a file
            path = None if year_of(name) in years else self.path(table, site_id, name)
            if path is not None and path.is_file():
                found.append(Partition(site_id, name, path))
                years |= {name} if is_year(name) else set()
        return found

    def read_partition(
        self,
        part: Partition,
        table: Table | str,
        columns: Sequence[str] | None = None,
        *,
        where: Where | None = None,
    ) -> pd.DataFrame:
        """The rows of one file, as `read` gives them, with all columns or some.

        Raises:
            LakeFailed: The file is damaged or of another schema.
        """
        table = declared(table)
        return to_frame(read_rows(part.path, table, None if columns is None else list(columns), where=where), table)

    def has_exactly(self, part: Partition, table: Table | str, frame: pd.DataFrame, where: Where | None = None) -> bool:
        """Whether the rows of one file, or those that `where` allows, are those of `frame`.

        Raises:
            Nonconforming: The frame breaks the schema.
            LakeFailed: The file is damaged or of another schema.
        """
        table = declared(table)
        return bool(conform(frame, table).equals(read_rows(part.path, table, where=where)))

    def span(self, part: Partition, column: str) -> tuple[Any, Any] | None:
        """Lowest and highest value of a column of one file, from its footer; None without rows.

        Raises:
            LakeDamaged: The file is damaged, or its footer does not have them.
        """
        return column_span(part.path, column)

    def replace_by(self, other: "Lake") -> None:
        """Replace this lake by another one on the same disk; all files of this one are removed.

        Raises:
            LakeFailed: The directories cannot be renamed.
        """
        try:
            other.root.mkdir(parents=True, exist_ok=True)
            durable.sweep(self.root.parent, name=self.root.name)
            durable.publish_directory(other.root, self.root)
        except OSError as error:
            raise LakeFailed(self.root, durable.reason(error)) from error

    def discard_stale(self, table: Table | str) -> int:
        """Remove the files of a table that must be made again, where no step replaces them.

        They are of another schema version, or damaged: files without a `digest_of`.

        Returns:
            How many were removed.

        Raises:
            LakeFailed: A file cannot be removed.
        """
        table = declared(table)
        stale = [
            part.path for part in self.partitions(table) if self.digest_of(table, part.site_id, part.period) is None
        ]
        return _unlink(stale)

    def discard_damaged(self, path: Path) -> bool:
        """Remove a damaged file and all files of its site and period: steps make a period again as a whole, not one table.

        Returns:
            Whether it is a file of this lake.

        Raises:
            LakeFailed: A file cannot be removed.
        """
        if not path.is_relative_to(self.root) or not path.exists():
            return False
        place = "/".join(path.relative_to(self.root).parts[1:])
        try:
            for file in self.root.glob(f"table=*/{place}") if place != FILE_NAME else [path]:
                file.unlink(missing_ok=True)
        except OSError as error:
            raise LakeFailed(path, durable.reason(error)) from error
        logger.warning("lake file %s is damaged: its rows are made again from the raw archive", path)
        return True

    def discard_period(self, site_id: int, period: str) -> int:
        """Remove the files of all tables of a site and period; returns how many.

        Raises:
            LakeFailed: A file cannot be removed.
        """
        return _unlink(self.root.glob(f"table=*/site_id={site_id}/month={period}/{FILE_NAME}"))

    def discard(self, table: Table | str, site_id: int, period: str) -> int:
        """Remove the file of a table, site, and period; returns how many there were.

        Raises:
            LakeFailed: It cannot be removed.
        """
        path = self.path(table, site_id, period)
        return _unlink([path] if path.exists() else [])

    def discard_superseded(self, table: Table | str, site_id: int, period: str) -> int:
        """Remove the files that the file of a period supersedes: those of a closed year's months, or of a month's closed year.

        Call it when the period's file is written, or has no rows to write.

        Returns:
            How many were removed.

        Raises:
            LakeFailed: A file cannot be removed.
        """
        others = superseded_by(period) if is_year(period) else [year_of(period)]
        paths = [self.path(table, site_id, other) for other in others if other != period]
        return _unlink(path for path in paths if path.exists())

    def sweep(self) -> int:
        """Remove what killed processes left anywhere in the lake: temporary files, and superseded ones.

        Returns:
            How many were removed.

        Raises:
            LakeFailed: A file cannot be removed.
        """
        removed = durable.sweep(self.root, name=FILE_NAME, recursive=True)
        for directory in self.root.glob("table=*"):
            stored = set(_site_periods(directory, "*"))
            removed += _unlink(part.path for part in stored.difference(_in_force(stored)))
        return removed


def _unlink(paths: Iterable[Path]) -> int:
    """Remove files; returns how many."""
    removed = 0
    for path in paths:
        try:
            path.unlink(missing_ok=True)  # two partitions of a year that is open again may supersede one file
        except OSError as error:
            raise LakeFailed(path, durable.reason(error)) from error
        logger.info("lake_file_discarded path=%s", path)
        removed += 1
    return removed


def _refuse_other_sites(content: pa.Table, table: Table, site_id: int | None) -> None:
    if site_id is None or "site_id" not in table.columns or content.num_rows == 0:
        return
    others = pc.unique(content["site_id"].filter(pc.not_equal(content["site_id"], site_id)))
    if len(others):
        raise Nonconforming(table.name, f"rows of site {others[0].as_py()} cannot be in the file of site {site_id}")


def _site_periods(directory: Path, sites: str) -> Iterator[Partition]:
    for path in directory.glob(f"site_id={sites}/month=*/{FILE_NAME}"):
        site = path.parent.parent.name.removeprefix("site_id=")
        period = path.parent.name.removeprefix("month=")
        if site.isdecimal() and is_period(period):
            yield Partition(int(site), period, path)


def _in_force(parts: Iterable[Partition]) -> Iterator[Partition]:
    """The files without those of months whose year has a file."""
    found = list(parts)
    years = {(part.site_id, part.period) for part in found if part.period and is_year(part.period)}
    for part in found:
        if part.period is None or is_year(part.period) or (part.site_id, year_of(part.period)) not in years:
            yield part
