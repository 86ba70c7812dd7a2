"""`wattlog sql` and `wattlog export`."""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from flows.console import note, print_json
from flows.errors import UsageError
from flows.settings import Settings
from warehouse.export import export as export_rows
from warehouse.formats import Format
from warehouse.localtime import Clock
from warehouse.partitioned import Partitioning
from warehouse.query import connect, run_sql

WAREHOUSE = "warehouse.duckdb"


def sql(
    settings: Settings,
    *,
    query: str | None,
    file: Path | None,
    output: str,
    out: Path | None,
    force: bool,
    tz: str = Clock.UTC,
) -> None:
    """Run one statement and print its rows, or write them to a file."""
    text = _text(query, file)
    path = settings.data_dir / WAREHOUSE
    if out is not None:
        written = export_rows(path, text, out, Format(output), tz=Clock(tz), force=force)
        note(f"{written.rows:,} rows in {written.path}")
        return
    if output == Format.PARQUET and sys.stdout.isatty():
        raise UsageError("Parquet is not for a terminal; add --out FILE.parquet")
    with connect(path) as connection:
        run_sql(connection, text, clock=Clock(tz)).write(sys.stdout.buffer, Format(output))
        sys.stdout.buffer.flush()


def _text(query: str | None, file: Path | None) -> str:
    if query is not None and file is None:
        return query
    if file is None or query is not None:
        raise UsageError('give one query: wattlog sql "select …" or wattlog sql -f FILE')
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None


def export(
    settings: Settings,
    *,
    relation: str,
    out: Path,
    output: str,
    sites: list[int],
    since: date | None,
    until: date | None,
    tz: str,
    force: bool,
    as_json: bool,
    partition_by: Sequence[str] = (),
) -> None:
    """Write a table, a model or a query to a file, or to a directory with a file for each site, month or year."""
    if since is not None and until is not None and since > until:
        raise UsageError(f"--since {since} is after --until {until}; swap them")
    written = export_rows(
        settings.data_dir / WAREHOUSE,
        relation,
        out,
        Format(output),
        since=since,
        until=until,
        sites=sites or None,
        tz=Clock(tz),
        force=force,
        partition_by=[Partitioning(each) for each in partition_by],
    )
    if as_json:
        told = {"path": str(written.path), "rows": written.rows, "bytes": written.bytes, "files": written.files}
        print_json(told)
    else:
        files = f"{written.files:,} files below " if partition_by else ""
        note(f"{written.rows:,} rows, {written.bytes:,} bytes in {files}{written.path}")
