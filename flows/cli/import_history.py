"""`wattlog import`: histories of other tools."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.histories import Inspection
    from flows.run_context import RunContext
    from flows.settings import Settings
    from wattlog.series_spec import Series


def import_(
    settings: "Settings",
    *,
    path: Annotated[
        str | None,
        typer.Argument(
            help="A file, a folder of files of one tool, or the address of an InfluxDB or a Home Assistant.",
            metavar="PATH",
            show_default=False,
        ),
    ] = None,
    site: Annotated[
        int | None, typer.Option("--site", help="The site that the files are about.", metavar="ID", show_default=False)
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="The format, if its content does not show it.", metavar="NAME")
    ] = "auto",
    mapping: Annotated[
        Path | None,
        typer.Option(help="TOML that says what the columns of CSV or Parquet are.", metavar="FILE", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what the files have, and store nothing.")] = False,
    undo: Annotated[
        str | None, typer.Option(help="Take an import out again.", metavar="IMPORT_ID", show_default=False)
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the imports.")] = False,
    as_json: Json = False,
) -> int:
    """Import the history that another tool has.

    It is a source of its own: what the API reports stays as it is.
    """
    from flows.errors import UsageError

    if sum((path is not None, undo is not None, list_)) != 1:
        raise UsageError("give a PATH to import, or --list, or --undo with the id of an import")
    if path is None and (site is not None or mapping is not None or dry_run or form != "auto"):
        raise UsageError("--site, --format, --mapping and --dry-run belong to a PATH to import")
    if list_:
        return _list(settings, as_json=as_json)
    if undo is not None:
        return _undo(settings, undo, as_json=as_json)
    if path is None or site is None:
        raise UsageError("--site is needed: the site that the files are about")
    return _import(settings, path, site, form, mapping, dry_run=dry_run, as_json=as_json)


def _import(
    settings: "Settings", path: str, site_id: int, form: str, mapping: Path | None, *, dry_run: bool, as_json: bool
) -> int:
    from flows.account import choose, known_sites
    from flows.cli.importing import publish_imports
    from flows.cli.tables.imports import as_dict, print_inspection
    from flows.console import note, print_json
    from flows.data_directory import locked
    from flows.histories import format_named, inspect, keep, read_mapping
    from flows.orchestration.context import new_context

    series, given = format_named(form), read_mapping(mapping)
    context = new_context(settings)
    with locked(settings.data_dir, "import"), _files_of(path, series, context, is_quiet=as_json) as (place, origin):
        archive = context.open_archive()
        (site,) = choose(known_sites(archive, settings.site_timezones), [site_id])
        found = inspect(place, site, archive, series=series, mapping=given, origin=origin)
        is_stored = not dry_run and bool(found.new)
        if not as_json:
            print_inspection(found)
        import_id = keep(archive, found, site, context) if is_stored else None
        if is_stored:
            publish_imports(context, is_quiet=as_json)
    if as_json:
        print_json(as_dict(found, import_id))
    elif dry_run:
        note("nothing was stored: --dry-run")
    elif import_id is None:
        note(f"{found.origin} changes nothing: its files are stored already")
    else:
        note(f"import {import_id} is stored; `wattlog import --undo {import_id}` takes it out")
    return _code(found)


@contextmanager
def _files_of(
    path: str, series: "Series | None", context: "RunContext", *, is_quiet: bool
) -> Iterator[tuple[Path, str | None]]:
    """Where the files are, and what they are called if not by their own name: those of a server are downloaded first."""
    from flows.console import note
    from flows.server_histories import downloaded, is_address

    if not is_address(path):
        yield Path(path), None
        return

    def report(line: str) -> None:
        if not is_quiet:
            note(line)

    with downloaded(path, series, context.settings, now=context.clock(), report=report) as (place, origin):
        yield place, origin


def _code(found: "Inspection") -> int:
    """Incomplete where some rows or files could not be used."""
    from flows.console import note
    from flows.errors import ExitCode

    rejects = sum(len(file.rejects) for file in found.files)
    if rejects:
        note(f"{rejects:,} rows or values of rows cannot be used; table quarantine has them with their lines")
    for name, reason in found.refused.items():
        note(f"{name} is left out: {reason}")
    return ExitCode.INCOMPLETE if rejects or found.is_short else ExitCode.OK


def _list(settings: "Settings", *, as_json: bool) -> int:
    from flows.cli.tables.imports import import_as_dict, print_imports
    from flows.console import print_json
    from flows.data_directory import locked
    from flows.errors import ExitCode
    from flows.orchestration.context import new_context

    with locked(settings.data_dir, "import --list"):
        table = new_context(settings).open_lake().read("imports")
    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    if as_json:
        print_json([import_as_dict(row) for row in rows])
    else:
        print_imports(rows)
    return ExitCode.OK


def _undo(settings: "Settings", import_id: str, *, as_json: bool) -> int:
    from flows.cli.importing import publish_imports
    from flows.console import note, print_json
    from flows.data_directory import locked
    from flows.errors import ExitCode
    from flows.histories import undo
    from flows.orchestration.context import new_context

    context = new_context(settings)
    with locked(settings.data_dir, "import --undo"):
        site_id = undo(context.open_archive(), import_id, context)
        publish_imports(context, is_quiet=as_json)
    if as_json:
        print_json({"import_id": import_id, "site_id": site_id})
    else:
        note(f"import {import_id} of site {site_id} is taken out; the raw archive keeps its files")
    return ExitCode.OK
