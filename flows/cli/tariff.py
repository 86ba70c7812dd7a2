"""`wattlog tariff`: check, import, list, show, and export tariffs."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.options import Json, OneSite, Sites, day

if TYPE_CHECKING:
    import pandas as pd

    from flows.settings import Settings
    from transform.sites import Site as KnownSite


def plausible_day(text: str) -> date:
    """A day on which a tariff can be valid: the time zones are given for these years.

    Raises:
        BadParameter: It is not a day, or of another century.
    """
    from wattlog.zones import FIRST_CHANGE, LAST_CHANGE

    found = day(text)
    if not FIRST_CHANGE.date() <= found <= LAST_CHANGE.date():
        raise typer.BadParameter(f"{text} is not between {FIRST_CHANGE:%Y-%m-%d} and {LAST_CHANGE:%Y-%m-%d}")
    return found


File = Annotated[
    Path, typer.Argument(help="A tariff as JSON or TOML; the name ends with .json or .toml.", metavar="FILE")
]
Site = Annotated[int, typer.Option("--site", help="The site.", metavar="ID")]
At = Annotated[
    date | None,
    typer.Option(
        "--at",
        parser=plausible_day,
        metavar="YYYY-MM-DD",
        help="The tariff at the beginning of this day; now if not given.",
    ),
]


def tariff_validate(settings: "Settings", *, file: File, as_json: Json = False) -> int:
    """Check a tariff against every rule. The exit code is 1 if one is broken."""
    from flows.console import note, print_json, print_sentences
    from flows.errors import ExitCode
    from flows.tariffs import read_tariff_file
    from transform.tariffs import validate

    _, _, document = read_tariff_file(file)
    found = validate(document)
    errors = sum(violation.is_error for violation in found)
    if as_json:
        print_json([{"path": item.path, "sentence": item.sentence, "is_error": item.is_error} for item in found])
    elif found:
        print_sentences(map(str, found))
    note(f"{file.name}: {errors} errors, {len(found) - errors} warnings")
    return ExitCode.INCOMPLETE if errors else ExitCode.OK


def tariff_import(
    settings: "Settings",
    *,
    file: File,
    site: Site,
    since: Annotated[
        date,
        typer.Option(
            "--from",
            parser=plausible_day,
            metavar="YYYY-MM-DD",
            help="First day on which it is valid, in the site's calendar.",
        ),
    ],
    force: Annotated[
        bool,
        typer.Option("--force", help="Import it although it breaks a rule; where it has no price, costs are unknown."),
    ] = False,
) -> int:
    """Import a tariff of the past, or one that the API does not have. It is valid until the next one begins."""
    from extract.archive.imported import ImportedFile
    from flows.cli.importing import import_files, site_of
    from flows.console import note
    from flows.errors import ExitCode, UsageError
    from flows.imports import is_kept_tariff
    from flows.tariffs import read_tariff_file
    from transform.tariffs import validate
    from wattlog.series_spec import Series

    content, form, document = read_tariff_file(file)
    errors = [violation for violation in validate(document) if violation.is_error]
    if errors and not force:
        raise UsageError(
            f"{file.name} breaks {len(errors)} rules, the first: {errors[0].path}: {errors[0].sentence} "
            f"`wattlog tariff validate {file.name}` lists them; --force imports it all the same"
        )

    def files_for(archive: Any, chosen: Any) -> list[ImportedFile]:
        kept = ImportedFile(chosen.site_id, Series.TARIFF_FILE, content, form, since)
        if is_kept_tariff(archive, kept):
            note(f"{file.name} is imported already for site {site} from {since}")
            return []
        return [kept]

    if import_files(settings, site_of(site), files_for, "tariff import"):
        note(f"{file.name} is valid at site {site} from {since}")
    return ExitCode.OK


def tariff_list(settings: "Settings", *, site: Sites = None, as_json: Json = False) -> None:
    """List the tariffs of each site, and when they are valid."""
    from rich.table import Table

    from flows.console import note, print_json, print_table

    tariffs = _stored(settings)
    if site:
        tariffs = tariffs[tariffs["site_id"].isin(site)]
    names = [name for name in tariffs.columns if name != "document"]
    if as_json:
        rows = tariffs[names].astype(object).where(tariffs[names].notna(), None)
        print_json(rows.to_dict("records"))
        return
    if tariffs.empty:
        note("no tariff is stored; `wattlog tariff import` adds one")
        return
    sites = {one.site_id: one for one in _sites(settings)}
    for site_id in dict.fromkeys(tariffs["site_id"].tolist()):
        one = sites[site_id]
        title = f"Tariffs of {one.site_name} ({site_id})" if one.site_name else f"Tariffs of site {site_id}"
        table = Table("valid from", "valid to", "kind", "name", "currency", "utility", "note", title=title)
        for row in tariffs[tariffs["site_id"] == site_id].to_dict("records"):
            spans = (_local(row[name], one.zone) for name in ("valid_from", "valid_to"))
            texts = (_text(row[name]) for name in ("kind", "name", "currency", "utility"))
            table.add_row(*spans, *texts, "synthetic" if row["is_synthetic"] else "")
        print_table(table)


def tariff_show(
    settings: "Settings",
    *,
    file: Annotated[
        Path | None, typer.Argument(help="A file; if not given, the stored tariff of a site.", metavar="FILE")
    ] = None,
    site: OneSite = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Show the prices of a week by season, of buying and of selling."""
    from flows.cli.tables.tariff_grid import grid_as_json, print_tariff
    from flows.console import print_json
    from flows.errors import UsageError
    from flows.tariffs import read_tariff_file
    from transform.tariffs import read_tariff, tariff_document

    if file is None:
        document = _in_force(settings, site, at)
    else:
        _, _, found = read_tariff_file(file)
        inner = tariff_document(found)
        if inner is None:
            raise UsageError(f"{file.name} has no tariff: neither seasons nor energy_charges are in it")
        document = dict(inner)
    tariff = read_tariff(document)
    if as_json:
        print_json(grid_as_json(tariff))
    else:
        print_tariff(tariff)


def tariff_export(
    settings: "Settings",
    *,
    site: OneSite = None,
    at: At = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write; standard output if not given.", metavar="PATH")
    ] = None,
    as_toml: Annotated[
        bool, typer.Option("--toml", help="As TOML, and not as JSON; also where the name of the file ends with .toml.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a stored tariff as a document with every field, as JSON or TOML."""
    from flows.console import note, print_json, print_lines
    from flows.errors import UsageError
    from transform.tariffs import read_tariff, write_tariff
    from transform.tariffs.files import FileFormat, tariff_file

    is_toml = as_toml or (out is not None and out.suffix.lower() == ".toml")
    document = write_tariff(read_tariff(_in_force(settings, site, at)))
    if out is None and not is_toml:
        print_json(document)
        return
    content = tariff_file(document, FileFormat.TOML if is_toml else FileFormat.JSON)
    if out is None:
        print_lines(content.decode().rstrip("\n").split("\n"))
        return
    if out.exists() and not force:
        raise UsageError(f"{out} exists; give another --out, or --force to replace it")
    from wattlog import durable

    try:
        durable.replace(out, content)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from None
    note(f"the tariff is in {out}")


def _stored(settings: "Settings") -> "pd.DataFrame":
    """Table `tariffs` of the lake."""
    from flows.orchestration.context import new_context

    return new_context(settings).open_lake().read("tariffs")


def _sites(settings: "Settings") -> "list[KnownSite]":
    from flows.account import known_sites
    from flows.orchestration.context import new_context

    return known_sites(new_context(settings).open_archive(), settings.site_timezones)


def _in_force(settings: "Settings", site_id: int | None, at: date | None) -> dict[str, Any]:
    """The document that is in force at a site, now or at the beginning of a day."""
    import orjson

    from extract.api.client import utc_now
    from flows.account import choose_one
    from flows.console import note
    from flows.errors import UsageError
    from transform.tariffs.validity import tariff_in_force
    from wattlog.local_days import first_instant

    tariffs, sites = _stored(settings), _sites(settings)
    if tariffs.empty:
        raise UsageError("no tariff is stored; `wattlog tariff import` adds one")
    with_tariff = set(tariffs["site_id"].tolist())
    site = choose_one([one for one in sites if site_id is not None or one.site_id in with_tariff], site_id)
    instant = utc_now() if at is None else first_instant(at, site.zone)
    row = tariff_in_force(tariffs, site.site_id, instant)
    if row is None:
        raise UsageError(
            f"site {site.site_id} has no tariff {'now' if at is None else f'on {at}'}; `wattlog tariff list` lists them"
        )
    if row["is_synthetic"]:
        note("a tool wrote this tariff to steer the battery; its prices are not those of the utility")
    document: dict[str, Any] = orjson.loads(row["document"])
    return document


def _local(instant: Any, zone: Any) -> str:
    import pandas as pd

    return "" if pd.isna(instant) else f"{instant.tz_convert(zone):%Y-%m-%d %H:%M}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
