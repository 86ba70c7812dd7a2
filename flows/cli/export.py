"""`wattlog export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import (
    QUERY_S,
    AllowFiles,
    Clock,
    ExportFormat,
    Json,
    PartitionBy,
    Since,
    Sites,
    Timeout,
    Until,
)

if TYPE_CHECKING:
    from flows.settings import Settings


def export(
    settings: "Settings",
    *,
    relation: Annotated[str, typer.Argument(help="A table, a model such as analytics.daily, or a SELECT.")],
    out: Annotated[Path, typer.Option(help="File to write.", metavar="PATH")],
    output: Annotated[ExportFormat, typer.Option("--format", help="File format.")] = ExportFormat.CSV,
    site: Sites = None,
    since: Since = None,
    until: Until = None,
    tz: Annotated[Clock, typer.Option(help="Clock of instants: each site's own, or UTC.")] = Clock.LOCAL,
    partition_by: Annotated[
        list[PartitionBy] | None,
        typer.Option(
            help="Write a directory with a file for each; repeat for more levels.",
            metavar="site|month|year",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    allow_files: AllowFiles = False,
    timeout: Timeout = QUERY_S,
    as_json: Json = False,
) -> None:
    """Write a table, a model, or a query to a file or directory."""
    from flows.console import note, print_json
    from flows.errors import UsageError
    from flows.interrupts import ends_at_once
    from warehouse.export.export import export as export_rows
    from warehouse.export.partitioned import Partitioning
    from warehouse.localtime import Clock as WarehouseClock
    from warehouse.query.output_format import Format
    from wattlog.names import DataDirectory

    if since is not None and until is not None and since > until:
        raise UsageError(f"--since {since} is after --until {until}; swap them")
    with ends_at_once():
        written = export_rows(
            DataDirectory(settings.data_dir).warehouse,
            relation,
            out,
            Format(output),
            since=since,
            until=until,
            sites=site or None,
            tz=WarehouseClock(tz),
            force=force,
            partition_by=[Partitioning(level) for level in partition_by or ()],
            allows_files=allow_files,
            limit_s=timeout or None,
        )
    if as_json:
        print_json({"path": str(written.path), "rows": written.rows, "bytes": written.bytes, "files": written.files})
    else:
        files = f"{written.files:,} files below " if partition_by else ""
        note(f"{written.rows:,} rows, {written.bytes:,} bytes in {files}{written.path}")
