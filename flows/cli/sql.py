"""`wattlog sql`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import QUERY_S, AllowFiles, Clock, Json, Timeout
from warehouse.query.output_format import Format

if TYPE_CHECKING:
    from flows.settings import Settings
    from flows.settings_sources import QuerySettings


def sql(
    settings: "QuerySettings | Settings",
    *,
    query: Annotated[str | None, typer.Argument(help="One SELECT.", show_default=False)] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read the query from a file.", metavar="FILE")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
    out: Annotated[Path | None, typer.Option(help="Write the rows to this file.", metavar="PATH")] = None,
    tz: Annotated[Clock, typer.Option(help="Clock of instants: UTC, or each site's own.")] = Clock.UTC,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    lineage: Annotated[
        bool, typer.Option("--lineage", help="On a terminal, also show the columns that name the source of each row.")
    ] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="On a terminal, show all columns, in lines of any length.")
    ] = False,
    allow_files: AllowFiles = False,
    timeout: Timeout = QUERY_S,
    as_json: Json = False,
) -> None:
    """Query the warehouse, read-only."""
    from flows.errors import UsageError
    from flows.interrupts import ends_at_once
    from warehouse.localtime import Clock as WarehouseClock
    from warehouse.query.query import connect, run_for_text, run_sql
    from warehouse.query.text_writers import TEXT_WRITERS
    from wattlog.names import DataDirectory
    from wattlog.visible import visible_sink

    text, form = _query(query, file), Format.JSON if as_json else output
    warehouse, clock, limit_s = DataDirectory(settings.data_dir).warehouse, WarehouseClock(tz), timeout or None
    with ends_at_once():
        if out is not None:
            from flows.console import note
            from warehouse.export.export import export as export_rows

            written = export_rows(
                warehouse, text, out, form, tz=clock, force=force, allows_files=allow_files, limit_s=limit_s
            )
            note(f"{written.rows:,} rows in {written.path}")
            return
        is_terminal = sys.stdout.isatty()
        if form is Format.PARQUET and is_terminal:
            raise UsageError("Parquet cannot be printed on a terminal; add --out FILE.parquet")
        with connect(warehouse, allows_files=allow_files) as connection:
            run = run_for_text if form in TEXT_WRITERS else run_sql
            result = run(connection, text, clock=clock, allows_files=allow_files, limit_s=limit_s)
            if is_terminal and form is Format.TABLE:
                from flows.sql_table import print_rows

                print_rows(result, text, has_lineage=lineage, is_wide=wide)
                return
            sink = sys.stdout.buffer
            is_json = form is Format.JSON
            result.write(visible_sink(sink, is_json=is_json) if is_terminal else sink, form)
            sink.flush()


def _query(query: str | None, file: Path | None) -> str:
    from flows.errors import UsageError

    if query is not None and file is None:
        return query
    if file is None or query is not None:
        raise UsageError('give one query: wattlog sql "select …" or wattlog sql -f FILE')
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None
