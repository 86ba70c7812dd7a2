"""The commands by which something goes out of the warehouse, and their options."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import Clock, ExportFormat, Format, Json, PartitionBy, Since, Sites, Until
from flows.cli.running import carry_out


def sql(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(help="One SELECT.", show_default=False)] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read the query from a file.", metavar="FILE")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
    out: Annotated[Path | None, typer.Option(help="Write there instead.", metavar="PATH")] = None,
    tz: Annotated[Clock, typer.Option(help="Clock of instants: UTC, or each site's own.")] = Clock.UTC,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Json = False,
) -> int:
    """Query the warehouse, read-only."""
    from flows.cli.query import sql as command

    chosen = Format.JSON if as_json else output
    return carry_out(command, context, query=query, file=file, output=str(chosen), out=out, force=force, tz=str(tz))


def export(
    context: typer.Context,
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
            help="Write a directory of files, one for each; repeat for more levels.",
            metavar="site|month|year",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Json = False,
) -> int:
    """Write a table, a model or a query to a file."""
    from flows.cli.query import export as command

    return carry_out(
        command,
        context,
        relation=relation,
        out=out,
        output=str(output),
        sites=site or [],
        since=since,
        until=until,
        partition_by=[str(each) for each in partition_by or []],
        tz=str(tz),
        force=force,
        as_json=as_json,
    )


def report(
    context: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write.", metavar="FILE.html", show_default="report.html beside the data"),
    ] = None,
    site: Sites = None,
    year: Annotated[
        int | None,
        typer.Option(min=2000, max=9999, help="Only this calendar year.", metavar="YYYY", show_default=False),
    ] = None,
    since: Since = None,
    until: Until = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Json = False,
) -> int:
    """Write one HTML page with the history of every site; it needs a browser and no network."""
    from flows.cli.report import report as command

    return carry_out(
        command, context, out=out, sites=site or [], year=year, since=since, until=until, force=force, as_json=as_json
    )
